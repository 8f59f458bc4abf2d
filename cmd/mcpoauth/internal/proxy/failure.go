package proxy

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
)

// A refusal is an answer of the upstream, or a request, that is not passed on.
type refusal struct{ event, problem, advice string }

func (e *refusal) Error() string { return e.problem }

// failed answers a request that the upstream did not. A 401 of the upstream is no 401 of
// ours: a client would throw away a token that is good, and log in for ever.
func (u Upstream) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // who asked has hung up
	}
	if e, ok := errors.AsType[*refusal](err); ok {
		u.Log.Error(e.event, "problem", e.problem, "advice", e.advice, "upstream", u.URL.String())
		write(w, http.StatusBadGateway, internalError, "the MCP server behind this proxy cannot answer; its operator finds the reason in the log")
		return
	}
	u.Log.Log(r.Context(), slog.LevelError, "upstream.unreachable", "error", err, "upstream", u.URL.String())
	w.Header().Set("Retry-After", "5")
	write(w, http.StatusServiceUnavailable, internalError, "the MCP server behind this proxy cannot be reached; try again soon")
}

// JSON-RPC's codes for trouble that is the caller's, and that is not.
const (
	invalidRequest = -32600
	internalError  = -32603
)

// write answers with a JSON-RPC error. It has no id, since the request was not read (MCP,
// Streamable HTTP).
func write(w http.ResponseWriter, status, code int, message string) {
	type failure struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	body, err := json.Marshal(struct {
		Version string  `json:"jsonrpc"`
		Error   failure `json:"error"`
	}{"2.0", failure{code, message}})
	if err != nil {
		panic("proxy: " + err.Error()) // strings always encode
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body))) // else the end of the answer is a chunk of its own, which comes with the handler's
	w.WriteHeader(status)
	w.Write(body)
	// The body of the request is read to its end on the way out of here, and a caller who
	// waits with it for this answer would never send it.
	_ = http.NewResponseController(w).Flush()
}
