package mcpotel_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
)

// open sends a request with a good token and returns the answer with its body unread.
func (s *server) open(access, target string, body io.Reader) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", s.url+target, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestAStreamIsFlushedEventByEvent(t *testing.T) {
	for name, flush := range map[string]func(http.ResponseWriter){
		"by http.Flusher":            func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"by http.ResponseController": func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			read := make(chan struct{})
			s := start(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
				for i := range 3 {
					fmt.Fprintf(w, "event %d\n", i)
					flush(w)
					<-read // the client has it before the next is written
				}
			})
			access, _ := s.connect("somebody")
			lines := bufio.NewScanner(s.open(access, "/mcp", nil).Body)
			for i := range 3 {
				if !lines.Scan() || lines.Text() != fmt.Sprint("event ", i) {
					t.Fatalf("got %q, %v", lines.Text(), lines.Err())
				}
				read <- struct{}{}
			}
		})
	}
}

func TestWhatAResponseControllerDoesWorks(t *testing.T) {
	s := start(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		for name, err := range map[string]error{
			"EnableFullDuplex": control.EnableFullDuplex(), "SetReadDeadline": control.SetReadDeadline(time.Now().Add(time.Minute)),
			"SetWriteDeadline": control.SetWriteDeadline(time.Now().Add(time.Minute)), "Flush": control.Flush(),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("files are copied in a slower way than without it")
		}
	})
	access, _ := s.connect("somebody")
	if res := s.open(access, "/mcp", nil); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
}

func TestAConnectionCanBeTakenOver(t *testing.T) {
	s := start(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
	})
	access, _ := s.connect("somebody")
	if body, err := io.ReadAll(s.open(access, "/mcp", nil).Body); string(body) != "taken" {
		t.Errorf("got %q, %v", body, err)
	}
	for series := "mcpoauth.request.duration /mcp POST 1xx"; s.series(t)[series] != 1; time.Sleep(time.Millisecond) {
		if t.Context().Err() != nil {
			t.Fatal("the request is not counted")
		}
	}
}
