package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// maxBatch is how many messages may come at once.
const maxBatch = 100

// MaxMessage is the largest MCP message that RequireToolScopes looks into, in bytes.
const MaxMessage = 4 << 20

// messageTime is how long such a message has to arrive.
const messageTime = time.Minute

// RequireToolScopes lets calls of the tools in needed through to next only if the
// token has the scopes that the tool needs. It goes inside the handler that the
// router guards. Tools that are not in needed pass, and so do methods other than POST.
//
// What counts is the message in the body, which it reads and hands on, and refuses if it
// can be read in more than one way or not at all: 415 for what is not application/json or
// is compressed, 413 beyond MaxMessage, else 400. MCP
// 2026-07-28 has the method and the tool in headers too: they must say the same,
// because an MCP server of before does not compare them, and a caller could name a
// harmless tool in the one and another in the other.
func RequireToolScopes(next http.Handler, needed map[string][]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		scopes, err := toolScopes(w, r, needed)
		if refusal, ok := errors.AsType[*oauth.Error](err); ok {
			newRefusal(refusal.Status, refusal.Code, refusal.Description, "").write(w, r)
			return
		}
		if !HasScopes(r, scopes...) {
			InsufficientScope(w, r, scopes...)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// toolScopes returns the scopes that the message of r needs, and leaves r with its
// body as it was.
func toolScopes(w http.ResponseWriter, r *http.Request, needed map[string][]string) ([]string, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, unclear(http.StatusUnsupportedMediaType, "the message must be application/json, not compressed")
	}
	control := http.NewResponseController(w)
	timed := control.SetReadDeadline(time.Now().Add(messageTime)) == nil
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
	if timed && err == nil {
		control.SetReadDeadline(time.Time{}) // else it stays, as in oauth.ReadBody
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, unclear(http.StatusRequestEntityTooLarge, "the message is larger than 4 MiB")
	}
	if err != nil {
		return nil, unclear(http.StatusBadRequest, "the message did not arrive whole")
	}
	if !utf8.Valid(body) {
		// Some readers drop what is no text, and then read another tool's name.
		return nil, unclear(http.StatusBadRequest, "the message is not UTF-8")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	calls, err := parseCalls(body)
	if err != nil {
		return nil, err
	}
	if err := sameInHeaders(r.Header, calls); err != nil {
		return nil, err
	}
	var scopes []string
	for _, c := range calls {
		if c.method == "tools/call" {
			scopes = append(scopes, needed[c.name]...)
		}
	}
	return scopes, nil
}

// A call is what a message asks for: a method and, for tools/call, the tool.
type call struct {
	method, name string
}

// parseCalls reads a JSON-RPC message, or several in an array as MCP 2025-03-26
// allows.
func parseCalls(body []byte) ([]call, error) {
	var messages []json.RawMessage
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		messages = append(messages, body)
	} else if err := json.Unmarshal(body, &messages); err != nil {
		return nil, unclear(http.StatusBadRequest, "the message is not JSON")
	}
	if len(messages) > maxBatch {
		return nil, unclear(http.StatusBadRequest, "there are more than 100 messages at once")
	}
	var calls []call
	for _, message := range messages {
		members, err := members(message, "method", "params")
		if err != nil {
			return nil, err
		}
		var c call
		if json.Unmarshal(members["method"], &c.method) != nil || c.method != "tools/call" {
			calls = append(calls, c)
			continue
		}
		params, err := membersOf(members["params"], "name")
		if err != nil {
			return nil, err
		}
		if json.Unmarshal(params["name"], &c.name) != nil {
			return nil, unclear(http.StatusBadRequest, "the call names no tool")
		}
		calls = append(calls, c)
	}
	return calls, nil
}

// members returns the members of an object that are called names. One that is there
// twice, or in another case as well, is refused: parsers differ in which of them
// counts, and what is checked here must be what is called there.
func members(object json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, unclear(http.StatusBadRequest, "the message is not a JSON object")
	}
	found := make(map[string]json.RawMessage)
	for decoder.More() {
		key, err := decoder.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || decoder.Decode(&value) != nil {
			return nil, unclear(http.StatusBadRequest, "the message is not JSON")
		}
		for _, wanted := range names {
			if !strings.EqualFold(name, wanted) {
				continue
			}
			if _, twice := found[wanted]; twice || name != wanted {
				return nil, unclear(http.StatusBadRequest, "the message has a member twice or in another case")
			}
			found[wanted] = value
		}
	}
	if end, err := decoder.Token(); err != nil || end != json.Delim('}') {
		return nil, unclear(http.StatusBadRequest, "the message is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, unclear(http.StatusBadRequest, "there is more than one message")
	}
	return found, nil
}

func membersOf(value json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	if value == nil {
		return nil, unclear(http.StatusBadRequest, "the call names no tool")
	}
	return members(value, names...)
}

// sameInHeaders refuses a message whose Mcp-Method or Mcp-Name header, where there is
// one, says something else than its body.
func sameInHeaders(h http.Header, calls []call) error {
	methods, names := h.Values("Mcp-Method"), h.Values("Mcp-Name")
	if len(methods) == 0 && len(names) == 0 {
		return nil // of an older protocol version
	}
	mismatch := unclear(http.StatusBadRequest, "the Mcp-Method or Mcp-Name header is not that of the message")
	if len(calls) != 1 || len(methods) > 1 || len(names) > 1 {
		return mismatch
	}
	if len(methods) == 1 && methods[0] != calls[0].method {
		return mismatch
	}
	if len(names) == 1 && calls[0].method == "tools/call" && !headerIs(names[0], calls[0].name) {
		return mismatch
	}
	return nil
}

// headerIs reports whether a header says name, as it is or encoded, as names are that a
// header cannot carry (MCP 2026-07-28, value encoding).
func headerIs(value, name string) bool {
	encoded, ok := strings.CutPrefix(value, "=?base64?")
	if !ok {
		return value == name
	}
	encoded, closed := strings.CutSuffix(encoded, "?=")
	plain, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return closed && err == nil && string(plain) == name
}

func unclear(status int, description string) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidRequest, Description: description, Status: status}
}
