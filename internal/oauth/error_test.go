package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestR49_AnErrorIsWrittenAsOAuthJSON(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
		header http.Header
	}{
		"a plain one is 400": {
			Errorf(InvalidGrant, "it is gone"), 400, InvalidGrant, http.Header{"Retry-After": nil, "Www-Authenticate": nil},
		},
		"one with a status and challenge": {
			&Error{Code: InvalidClient, Status: 401, Challenge: `Basic realm="x"`}, 401, InvalidClient, http.Header{"Www-Authenticate": {`Basic realm="x"`}},
		},
		"a wrapped one": {
			fmt.Errorf("exchanging: %w", Errorf(InvalidScope, "none")), 400, InvalidScope, nil,
		},
		"a rate limit": {
			TooOften(7 * time.Second), 429, TooManyRequests, http.Header{"Retry-After": {"7"}},
		},
		"trouble of ours is 503 and never final": {
			errors.New("dial tcp 10.0.0.1: secret-detail"), 503, TemporarilyUnavailable, http.Header{"Retry-After": {"5"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			w := httptest.NewRecorder()
			WriteError(w, httptest.NewRequest("POST", "/token?code=secret-query", nil), slog.New(slog.NewTextHandler(&logged, nil)), test.err)

			var body struct {
				Error       string  `json:"error"`
				Description *string `json:"error_description"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != test.status || body.Error != test.code {
				t.Errorf("got %d %s, want %d %s", w.Code, body.Error, test.status, test.code)
			}
			if body.Description != nil && !isDescription(*body.Description) {
				t.Errorf("error_description is %q", *body.Description)
			}
			for name, want := range test.header {
				if got := w.Header()[name]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if got := w.Header(); got.Get("Content-Type") != "application/json" || got.Get("Cache-Control") != "no-store" || got.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("the header is %v", got)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the client learns %s", w.Body)
			}
			if ours := test.status == 503; ours != strings.Contains(logged.String(), "secret-detail") || strings.Contains(logged.String(), "secret-query") {
				t.Errorf("the log is %q", logged.String())
			}
		})
	}
}

func TestR30_WhoWaitsForRetryAfterHasWaitedLongEnough(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		time.Millisecond:                        "1",
		time.Second:                             "1",
		1100 * time.Millisecond:                 "2",
		1395 * time.Millisecond:                 "2",
		2 * time.Second:                         "2",
		2*time.Second + time.Nanosecond:         "3",
		time.Minute:                             "60",
		59*time.Second + 600*time.Millisecond:   "60",
		59*time.Second + 1*time.Millisecond:     "60",
		time.Minute + 400*time.Millisecond:      "61",
		time.Hour + 1*time.Millisecond:          "3601",
		24*time.Hour - 999*time.Millisecond - 1: "86400",
	} {
		w := httptest.NewRecorder()
		WriteError(w, httptest.NewRequest("POST", "/token", nil), slog.New(slog.DiscardHandler), TooOften(wait))
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%v: got %s, want %s", wait, got, want)
		}
	}
}

// isDescription reports whether s may be an error_description (RFC 6749 §5.2).
func isDescription(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}
