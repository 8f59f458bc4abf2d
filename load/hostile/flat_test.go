package hostile

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/mcpoauth/mcpoauth/load/target"
)

// A leak is what a handler does not give back.
type leak struct {
	mu    sync.Mutex // guards what follows
	bytes [][]byte
	files []*os.File
	quit  chan struct{} // closed in the end
}

func (l *leak) memory() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes = append(l.bytes, make([]byte, 64<<10))
}

func (l *leak) goroutine() { go func() { <-l.quit }() }

func (l *leak) file() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f, err := os.Open(os.DevNull); err == nil {
		l.files = append(l.files, f)
	}
}

func (l *leak) close() {
	close(l.quit)
	for _, f := range l.files {
		f.Close()
	}
}

func TestALeakInAHandlerIsFound(t *testing.T) {
	for found, of := range map[string]func(*leak){
		"heap":       (*leak).memory,
		"goroutines": (*leak).goroutine,
		"files":      (*leak).file,
		"":           func(*leak) {},
	} {
		t.Run("of "+found, func(t *testing.T) {
			l := &leak{quit: make(chan struct{})}
			defer l.close()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { of(l) }))
			defer server.Close()
			var samples []target.Usage
			for range 6 {
				for range 200 {
					res, err := server.Client().Get(server.URL)
					if err != nil {
						t.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				u, err := target.Own(true)
				if err != nil {
					t.Fatal(err)
				}
				samples = append(samples, u)
			}
			problems := flat(samples)
			if found == "" && len(problems) != 0 || found != "" && (len(problems) != 1 || !strings.HasPrefix(problems[0], found+":")) {
				t.Errorf("got %q", problems)
			}
		})
	}
}
