package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/audit"
	"github.com/mcpoauth/mcpoauth/store"
)

// Whatever a stranger writes into an event: it is one event and one line, in the log and in
// the list, and no value passes for another one.
func FuzzAnEventIsOneLine(f *testing.F) {
	for _, value := range []string{
		"", "notes", "a\nlevel=INFO msg=setup.completed user_id=owner", "a\r\n", `a" by="owner`, "a by=owner", "a=b", "\x1b[2Jgone", "\u202eevil", "a\u2028b", "\xff\xfe", "\x00", `\`, `\"`, "é", strings.Repeat("é", 300), strings.Repeat(`"`, 300), "\u0085", "\ufeff",
	} {
		f.Add(value, value)
		f.Add("Claude", value)
	}
	f.Fuzz(func(t *testing.T, name, why string) {
		var lines, plain bytes.Buffer
		told := make(chan store.Event, 2)
		j := audit.New(func(e store.Event) { told <- e }, slog.New(slog.DiscardHandler))
		for out, under := range map[*bytes.Buffer]slog.Handler{&lines: slog.NewJSONHandler(&lines, nil), &plain: slog.NewTextHandler(&plain, nil)} {
			slog.New(j.Handler(under)).With("redirect_uri", why).Info("approval.granted", "user_id", "owner", "client_name", name, "scopes", []string{name, why}, "error", errors.New(why), "setup_link", "a secret")
			if got := out.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") || strings.ContainsFunc(strings.TrimSuffix(got, "\n"), func(c rune) bool { return c < ' ' }) {
				t.Errorf("%q, %q: the log has %q", name, why, got)
			}
		}
		var line struct {
			Msg        string
			ClientName string `json:"client_name"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Msg != "approval.granted" || line.ClientName != strings.ToValidUTF8(name, "\ufffd") && utf8.ValidString(name) {
			t.Errorf("%q, %q: the log has %s (%v)", name, why, lines.Bytes(), err)
		}
		j.Close()
		if len(told) != 2 {
			t.Fatalf("%d events were told of", len(told))
		}
		for range 2 {
			e := <-told
			if e.Name != "approval.granted" || e.UserID != "owner" || len(e.Detail) > 600 || strings.Contains(e.Detail, "a secret") || !utf8.ValidString(e.Detail) {
				t.Errorf("%q, %q: %+v", name, why, e)
			}
			if strings.ContainsFunc(e.Detail, func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("%q, %q: the detail is %q", name, why, e.Detail)
			}
			wantOwnMembers(t, e.Detail)
		}
	})
}

// wantOwnMembers fails if a detail has a member that nobody logged. What was cut off may
// leave its last one open.
func wantOwnMembers(t *testing.T, detail string) {
	t.Helper()
	for rest := detail; rest != ""; {
		name, value, _ := strings.Cut(rest, "=")
		if !strings.Contains("redirect_uri client_name scopes error", name) || name == "" {
			if len(detail) < 550 {
				t.Errorf("%q has the member %q", detail, name)
			}
			return
		}
		end := strings.IndexByte(value, ' ')
		if strings.HasPrefix(value, `"`) {
			end = 1
			for end < len(value) && value[end] != '"' {
				if value[end] == '\\' {
					end++
				}
				end++
			}
			end++
		}
		if end < 0 || end >= len(value) {
			return
		}
		rest = strings.TrimPrefix(value[end:], " ")
	}
}
