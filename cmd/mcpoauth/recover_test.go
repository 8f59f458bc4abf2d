package main

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func recovers(t *testing.T, s *site) {
	s.refused(exitFindings, "what you need is the setup link", "recover", "--url", origin)
	lost := s.owner()
	other, _ := s.join("Ada")
	access, _ := s.connect(store.OwnerID, claude, "Claude", claudeBack)
	if !lost.touch() || !other.touch() {
		t.Fatal("the passkeys do not work to begin with")
	}
	s.refused(exitFindings, `no person of the name or ID "Bob"`, "recover", "--url", origin, "--person", "Bob")

	began := time.Now()
	r := decoded[recovery](s, "recover", "--url", strings.ToUpper(origin)+"/")
	token, ok := strings.CutPrefix(r.Link, origin+"/passkey/enrol?for=recovery#token=")
	if !ok || r.UserID != store.OwnerID || r.UserName != "owner" || r.Passkeys != 1 || r.ExpiresAt.Sub(began) < store.RecoveryLife || r.ExpiresAt.After(time.Now().Add(store.RecoveryLife)) {
		t.Fatalf("got %+v", r)
	}
	if !lost.touch() {
		t.Error("a link that nobody has used has ended the passkey")
	}
	page, err := lost.http.Get(strings.Split(r.Link, "#")[0])
	if err != nil || page.StatusCode != http.StatusOK {
		t.Fatalf("the link leads to %v, %v", page, err)
	}
	page.Body.Close()

	// Two that begin with one link: the first to end wins.
	found, late := s.device(), s.device()
	status, finishLate := late.begin(token)
	if finishLate == nil {
		t.Fatalf("the link is refused: %d", status)
	}
	if status := found.enrol(token); status != http.StatusOK {
		t.Fatalf("the link makes no passkey: %d", status)
	}
	if status := finishLate(); status != http.StatusForbidden {
		t.Errorf("the second use of the link ends with %d", status)
	}
	if status := s.device().enrol(token); status != http.StatusForbidden {
		t.Errorf("the third use of the link ends with %d", status)
	}
	for name, test := range map[string]struct {
		*device
		want bool
	}{"the new passkey": {found, true}, "the lost passkey": {lost, false}, "that of the second use": {late, false}, "the other person's": {other, true}} {
		if test.touch() != test.want {
			t.Errorf("%s: want that it works: %v", name, test.want)
		}
	}
	s.wantToken(access, true)

	out := s.good("recover", "--url", origin, "--person", "Ada")
	link, text, _ := strings.Cut(out, "\n")
	for _, want := range []string{"It works once, until ", "(in 60 min)", "replaces 1 passkey of theirs", "in the browser of Ada"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(text, "Start the server") != s.files() {
		t.Errorf("it says\n%s", text)
	}
	if status := other.enrol(strings.Split(link, "#token=")[1]); status != http.StatusOK {
		t.Errorf("the link of another person ends with %d", status)
	}
	if !found.touch() {
		t.Error("the owner's passkey has ended with another person's")
	}
}

func TestTheLinkOfARecoveryDiesAfterItsHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		lost := s.owner()
		token := recoveryToken(s)
		time.Sleep(store.RecoveryLife - time.Second)
		if status, _ := s.device().begin(token); status != http.StatusOK {
			t.Fatalf("within its hour the link is refused: %d", status)
		}
		time.Sleep(time.Second)
		if status := s.device().enrol(token); status != http.StatusForbidden {
			t.Errorf("after its hour the link is taken: %d", status)
		}
		if !lost.touch() {
			t.Error("the passkey has ended")
		}
	})
}

// A visitor who begins in time and ends too late.
func TestARecoveryThatBeganInItsHourHasToEndInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		lost := s.owner()
		token := recoveryToken(s)
		time.Sleep(store.RecoveryLife - time.Second)
		status, finish := s.device().begin(token)
		if finish == nil {
			t.Fatalf("within its hour the link is refused: %d", status)
		}
		time.Sleep(time.Second)
		if status := finish(); status != http.StatusForbidden {
			t.Errorf("it ends with %d", status)
		}
		if !lost.touch() {
			t.Error("the passkey has ended")
		}
	})
}

func recoveryToken(s *site) string {
	s.t.Helper()
	return strings.Split(decoded[recovery](s, "recover", "--url", origin).Link, "#token=")[1]
}

func TestARecoveryLinkIsForThePublicURLAlone(t *testing.T) {
	for address, why := range map[string]string{
		"":                                 "--url is missing",
		"mcp.example.com":                  "use the form",
		"ftp://mcp.example.com":            "use the form",
		"https://":                         "use the form",
		"https://u:hunter2@x.example":      "use the form",
		"https://mcp.example.com/mcp":      "use https://mcp.example.com",
		"https://mcp.example.com?x":        "use https://mcp.example.com",
		"http://mcp.example.com":           "plain http",
		"https://192.0.2.1":                "IP address",
		"http://127.0.0.1:8080":            "IP address",
		"https://mcp.example.com#here":     "use https://mcp.example.com",
		`https://a"b<c`:                    "a host or a port that none can have",
		"https://a_b.example":              "a host or a port that none can have",
		"https://münchen.example":          "xn--",
		"https://mcp.example.com:99999999": "a host or a port that none can have",
		"https://mcp.example.com:65536":    "a host or a port that none can have",
		"https://mcp.example.com:0":        "a host or a port that none can have",
		"https://mcp.example.com:":         "a host or a port that none can have",
		"https://[2001:db8::1]":            "IP address",
	} {
		if got, err := parseOrigin(address); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
	for _, address := range []string{"http://localhost:8080", "https://mcp.example.com", "https://mcp.example.com:8443", "https://xn--mnchen-3ya.example:65535"} {
		if got, err := parseOrigin(address + "/"); err != nil || got != address {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
}
