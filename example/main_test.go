package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestAStartThatFailsSaysWhyInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "notes.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"the port is in use", []string{"-addr", "localhost:" + portOf(taken)}, "in use by another program"},
		{"the address is no address", []string{"-addr", "8080"}, "-addr"},
		{"the URL cannot have passkeys", []string{"-addr", "localhost:0", "-url", "http://192.0.2.1:8080"}, "ServerURL"},
		{"the notes are broken", []string{"-addr", "localhost:0", "-data", broken}, "notes.json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"-data", t.TempDir()}, test.args...)
			err := run(t.Context(), args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v, want one line with %s", err, test.want)
			}
		})
	}
}

func TestTheGreetingSaysHowToSetUpAndConnect(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // stops the server once it serves
	for _, test := range []struct {
		name string
		args []string
		want []string
		not  []string
	}{
		{
			"on this computer",
			[]string{"-addr", "localhost:0"},
			[]string{
				"http://localhost:", "/passkey/register#setup_token=", "claude mcp add --transport http notes http://localhost:",
				"code --add-mcp '{", "cloudflared",
			},
			nil,
		},
		{
			"behind a tunnel, with a token of one's own",
			[]string{"-addr", "localhost:0", "-url", "https://notes.example.com/", "-setup-token", "a-token-of-ones-own-0123456789"},
			[]string{"Open https://notes.example.com/passkey/register", "Add custom connector > https://notes.example.com/mcp"},
			[]string{"a-token-of-ones-own", "localhost", "cloudflared"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, logs bytes.Buffer
			if err := run(ctx, append(test.args, "-data", t.TempDir()), &out, &logs); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %s:\n%s", want, &out)
				}
			}
			for _, not := range test.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("it says %s:\n%s", not, &out)
				}
			}
			if strings.Contains(logs.String(), "setup.needed") {
				t.Errorf("the log repeats the greeting:\n%s", &logs)
			}
		})
	}
}

// The whole server, but for the pages, which need a browser: an approval is put into
// its files before it starts.
func TestAClientWithATokenUsesTheTools(t *testing.T) {
	var handler http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	defer listener.Close()
	opts := options{data: t.TempDir(), url: strings.Replace(listener.URL, "127.0.0.1", "localhost", 1)}
	code := approve(t, opts)
	router, err := newRouter(opts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	handler = router

	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint:   opts.url + "/mcp",
		HTTPClient: &http.Client{Transport: bearer(redeem(t, opts, code))},
	}, nil)
	if err != nil {
		t.Fatal("connecting:", err)
	}
	defer session.Close()

	var note Note
	callTool(t, session, "add_note", map[string]any{"text": "milk"}, &note)
	callTool(t, session, "add_note", map[string]any{"text": "bread"}, new(Note))
	callTool(t, session, "delete_note", map[string]any{"id": note.ID}, new(deleteOutput))
	var list listOutput
	callTool(t, session, "list_notes", nil, &list)
	if got := texts(list.Notes); got != "bread" {
		t.Errorf("the notes are %q", got)
	}
	var who whoamiOutput
	callTool(t, session, "whoami", nil, &who)
	if who.UserID != store.OwnerID || who.ClientID != testClient || who.Resource != opts.url+"/mcp" || who.TokenInfo.UserID != who.UserID {
		t.Errorf("whoami is %+v", who)
	}
}

func TestAToolThatDoesNotKnowItsCallerTouchesNoNotes(t *testing.T) {
	tools := noteTools{openNotes(t, filepath.Join(t.TempDir(), "notes.json"))}
	for name, req := range map[string]*mcp.CallToolRequest{
		"without extras": {}, "without a token": {Extra: &mcp.RequestExtra{}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := tools.add(t.Context(), req, addInput{"milk"}); err == nil {
				t.Error("add_note worked")
			}
			if _, _, err := tools.list(t.Context(), req, struct{}{}); err == nil {
				t.Error("list_notes worked")
			}
			if _, _, err := tools.delete(t.Context(), req, deleteInput{1}); err == nil {
				t.Error("delete_note worked")
			}
			if _, _, err := whoami(t.Context(), req, struct{}{}); err == nil {
				t.Error("whoami worked")
			}
		})
	}
}

const (
	testClient   = "dGVzdC1jbGllbnQtMDAwMQ" // of the form that registration gives
	testVerifier = "a-verifier-of-at-least-forty-three-characters"
	testRedirect = "http://127.0.0.1/callback"
)

// approve puts a grant into the files of a server that does not run.
func approve(t *testing.T, opts options) (code string) {
	t.Helper()
	backend, err := memory.Open(memory.Options{
		PasskeyFile: filepath.Join(opts.data, "passkeys.json"), StateFile: filepath.Join(opts.data, "state.json"),
	})
	if err != nil {
		t.Fatal(err)
	}
	challenge := sha256.Sum256([]byte(testVerifier))
	code, err = store.New(backend, store.Lifetimes{}).Approve(t.Context(), store.Approval{
		UserID:      store.OwnerID,
		Client:      &store.Client{ID: testClient, RedirectURIs: []string{testRedirect}, TokenEndpointAuthMethod: "none"},
		RedirectURI: testRedirect,
		Resource:    opts.url + "/mcp",
		Scopes:      []string{"mcp:tools"},
		Challenge:   base64.RawURLEncoding.EncodeToString(challenge[:]),
	})
	if err != nil {
		t.Fatal("approving:", err)
	}
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	return code
}

func redeem(t *testing.T, opts options, code string) (token string) {
	t.Helper()
	resp, err := http.PostForm(opts.url+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {testVerifier},
		"client_id": {testClient}, "redirect_uri": {testRedirect},
	})
	if err != nil {
		t.Fatal("redeeming the code:", err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("redeeming the code: status %d, %v", resp.StatusCode, err)
	}
	return answer.AccessToken
}

func callTool(t *testing.T, session *mcp.ClientSession, name string, args map[string]any, answer any) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatalf("calling %s: %v", name, err)
	}
	data, err := json.Marshal(result.StructuredContent)
	if err != nil || result.IsError {
		t.Fatalf("%s answers with an error: %v %v", name, result.Content, err)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		t.Fatalf("%s answers with %s: %v", name, data, err)
	}
}

// bearer is a transport that presents a token.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
