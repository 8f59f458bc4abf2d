package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// Whoever reads the message after us, however their parser decides between members of one
// name, calls no tool that was not looked at.
func FuzzAToolIsCalledByTheSameNameForEveryReader(f *testing.F) {
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"name":"list"}}}`,
		`{"method":"tools/call","params":{"name":"list","name":"add"}}`, `{"method":"tools/call","params":{"name":"list","Name":"add"}}`,
		`{"Method":"tools/call","params":{"name":"add"}}`, `{"method":"tools/list","method":"tools/call","params":{"name":"add"}}`,
		`{"method":"tools/call","params":{"name":"list"},"params":{"name":"add"}}`, `{"method":"tools/call","param\u0073":{"n\u0061me":"add"}}`,
		`{"method":"tools/call","paramſ":{"name":"add"},"params":{"name":"list"}}`, `{"method":"tools\/call","params":{"name":"a\u0064d"}}`,
		`[{"method":"tools/list"},{"method":"tools/call","params":{"name":"add"}}]`, `[[{"method":"tools/call","params":{"name":"add"}}]]`, `[]`, `[null]`,
		`{"method":"tools/list"}{"method":"tools/call","params":{"name":"add"}}`, `{"method":["tools/call"],"params":{"name":"add"}}`,
		`{"method":"tools/call","params":[{"name":"add"}]}`, `{"method":"tools/call","params":null}`, `{"method":null,"params":{"name":null}}`, ``, `null`, `7`, "\ufeff{}",
		`{"method":"tools/call","params":{"name":"\ud800"}}`, "{\"method\":\"tools/call\",\"params\":{\"name\":\"a\xff\"}}", `{"method":"tools/call","params":{"name":"add"}}]`,
		`{"":{"method":"tools/call"},"x":[{}],"method":"ping"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		calls, err := parseCalls([]byte(body))
		if err != nil {
			refusal, ok := errors.AsType[*oauth.Error](err)
			if !ok || refusal.Code != oauth.InvalidRequest || refusal.Status/100 != 4 || strings.Contains(refusal.Description, "\n") {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if len(calls) > maxBatch {
			t.Errorf("%d calls at once", len(calls))
		}
		for reader, read := range map[string]func([]byte) []call{
			"the last member, in any case": asStruct, "the last member": lastMember, "the first member": firstMember,
		} {
			for _, c := range read([]byte(body)) {
				if c.method == "tools/call" && !slices.Contains(calls, c) {
					t.Errorf("who reads %s of %q calls %q, and we looked at %q", reader, body, c.name, calls)
				}
			}
		}
		for _, c := range calls {
			for value, want := range map[string]bool{c.name: true, c.name + "x": false} {
				h := http.Header{"Mcp-Method": {c.method}, "Mcp-Name": {value}}
				if strings.HasPrefix(value, "=?base64?") || c.method != "tools/call" || len(calls) != 1 {
					continue
				}
				if same := sameInHeaders(h, calls) == nil; same != want {
					t.Errorf("the header %q for the tool %q: %v", value, c.name, same)
				}
			}
		}
	})
}

// The header names a tool if it is its name or the one encoding of it.
func FuzzANameInAHeaderIsThatInTheBody(f *testing.F) {
	for _, value := range []string{"add", "=?base64?YWRk?=", "=?base64?YWRk", "=?base64?YWR k?=", "=?base64?YWRl?=", "=?base64??=", "=?BASE64?YWRk?=", "", "=?base64?YWQ=?=", "=?base64?YWR=?="} {
		f.Add(value, "add")
		f.Add(value, "ad")
		f.Add(value, value)
	}
	f.Fuzz(func(t *testing.T, value, name string) {
		if !headerIs(value, name) {
			if value == name && !strings.HasPrefix(value, "=?base64?") {
				t.Errorf("%q is not itself", value)
			}
			return
		}
		if encoded := "=?base64?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?="; value != name && value != encoded && !strings.ContainsAny(value, "\r\n") {
			t.Errorf("%q names %q, which is %q", value, name, encoded)
		}
	})
}

// Readers of what comes after us. Each takes a message alone or several.

func each(body []byte, read func(json.RawMessage) call) (calls []call) {
	var messages []json.RawMessage
	if json.Unmarshal(body, &messages) != nil {
		messages = []json.RawMessage{body}
	}
	for _, message := range messages {
		calls = append(calls, read(message))
	}
	return calls
}

func asStruct(body []byte) []call {
	return each(body, func(message json.RawMessage) call {
		var m struct {
			Method string
			Params struct{ Name string }
		}
		// What is of another type is left out; a second message behind is not read.
		_ = json.NewDecoder(bytes.NewReader(message)).Decode(&m)
		return call{m.Method, m.Params.Name}
	})
}

func lastMember(body []byte) []call {
	return each(body, func(message json.RawMessage) call {
		var m map[string]any
		if json.Unmarshal(message, &m) != nil {
			return call{}
		}
		method, _ := m["method"].(string)
		params, _ := m["params"].(map[string]any)
		name, _ := params["name"].(string)
		return call{method, name}
	})
}

func firstMember(body []byte) []call {
	return each(body, func(message json.RawMessage) call {
		var method, name string
		_ = json.Unmarshal(firstOf(message, "method"), &method)
		_ = json.Unmarshal(firstOf(firstOf(message, "params"), "name"), &name)
		return call{method, name}
	})
}

func firstOf(object json.RawMessage, name string) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	for {
		key, err := decoder.Token()
		var value json.RawMessage
		if err != nil || key == json.Delim('}') || decoder.Decode(&value) != nil && !errors.Is(err, io.EOF) {
			return nil
		}
		if key == name {
			return value
		}
	}
}
