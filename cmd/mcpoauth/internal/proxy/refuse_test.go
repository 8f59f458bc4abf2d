package proxy_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// An upstream that does as TRACE asks answers with the request: its credentials, that is.
func TestOnlyTheMethodsOfMCPReachTheUpstream(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header) })
	f := before(t, up.url)
	for _, method := range []string{"TRACE", "CONNECT", "TRACK", "PUT", "PATCH", "PROPFIND", "get", "Post", "X"} {
		res, body := f.byHand(t, method, "/mcp")
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD, POST, DELETE, OPTIONS" || strings.Contains(body, "upstreams-own") || !isInvalidRequest(body) {
			t.Errorf("%s: %d %v %s", method, res.StatusCode, res.Header, body)
		}
		if got, _ := up.got(); got != nil {
			t.Fatalf("%s reaches the upstream as %s", method, got.Method)
		}
	}
	if res, _ := f.byHand(t, "OPTIONS", "/mcp"); res.StatusCode != http.StatusNoContent {
		t.Errorf("OPTIONS: %d", res.StatusCode)
	}
	if got, _ := up.got(); got != nil {
		t.Error("OPTIONS reaches the upstream")
	}
	for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
		res, _ := f.do(f.request(t.Context(), method, "/mcp", nil))
		if got, _ := up.got(); res.StatusCode != http.StatusOK || got == nil || got.Method != method {
			t.Errorf("%s: %d, and the upstream gets %v", method, res.StatusCode, got)
		}
	}
}

// What the guard took for a path below the endpoint has to be one at the upstream too.
func TestAPathThatSomeServerReadsAnotherWayIsNotPassedOn(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	for path, want := range map[string]int{
		"/mcp/..;/x": 404, "/mcp/..;": 404, "/mcp/%2e%2e;x=y/actuator": 404, "/mcp/..%3bx/actuator": 404, "/mcp/a/..;/..;/x": 404, "/mcp/.;/x": 404, "/mcp/;/x": 404,
		`/mcp/..\x`: 400, "/mcp/..%5Cx": 400, "/mcp/%5c..%5cx": 400, `/mcp/x\`: 400,
		"/mcp/..%00/x": 400, "/mcp/x%00": 400, "/mcp/.%09./x": 400, "/mcp/..%0d%0aX:%20y": 400, "/mcp/..%7f/x": 400, "/mcp/..%C2%85/x": 400,
	} {
		res, body := f.byHand(t, "POST", path)
		if res.StatusCode != want || want == 400 && !isInvalidRequest(body) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if got, _ := up.got(); got != nil {
			t.Fatalf("%s reaches the upstream as %s", path, got.URL)
		}
	}
	f.byHand(t, "POST", "/mcp/x;y=..;/z")
	if got, _ := up.got(); got == nil || got.URL.Path != "/api/mcp/x;y=..;/z" {
		t.Errorf("what means no harm arrives as %v", got)
	}
}

// byHand asks without a client that would mend the method or the path.
func (f *front) byHand(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method, path, f.token)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func isInvalidRequest(body string) bool {
	var message struct{ Error struct{ Code int } }
	return json.Unmarshal([]byte(body), &message) == nil && message.Error.Code == -32600
}
