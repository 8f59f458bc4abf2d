package mcpoauth

import (
	"io"
	"net/http"
)

// unauthorizedAsNotFound turns a 401 of next into 404 "Session not found". Some MCP
// servers answer 401 to a session they do not know; a client takes that for a bad
// token and refreshes for ever, where 404 makes it open a new session.
func unauthorizedAsNotFound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&repairWriter{ResponseWriter: w}, r)
	})
}

// repairWriter changes the one status and its body, and passes all else on,
// flushes and whatever http.ResponseController asks for included.
type repairWriter struct {
	http.ResponseWriter
	wrote    bool
	repaired bool // the handler's own body is dropped
}

func (w *repairWriter) WriteHeader(status int) {
	final := status >= http.StatusOK || status == http.StatusSwitchingProtocols
	if w.wrote || !final || status != http.StatusUnauthorized {
		w.wrote = w.wrote || final
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.wrote, w.repaired = true, true
	h := w.Header()
	for _, name := range []string{"WWW-Authenticate", "Content-Length", "Content-Encoding"} {
		h.Del(name)
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.ResponseWriter.WriteHeader(http.StatusNotFound)
	io.WriteString(w.ResponseWriter, "Session not found")
}

func (w *repairWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.repaired {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher for handlers that look for it by its type.
func (w *repairWriter) Flush() {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach what is below.
func (w *repairWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
