package account

import (
	"net/url"
	"strings"
	"testing"
)

// Wherever a link wants to lead after the sign-in, a browser ends at one of these pages.
func FuzzReturnTo(f *testing.F) {
	for _, target := range []string{
		"", "/account", "/account/keys?x=1", "/account?q=a/../b", "/account/../authorize", "/account/%2e%2e/x", "/account//evil.example", "//evil.example/account", "/accounts", "/account/sign-in",
		"/account\\..\\x", "/account/\t../x", "/account#x", "https://evil.example/account", "/account?\u00e9", "/account;/../x", "/account/.", "/account?return_to=//evil.example",
	} {
		f.Add(target)
	}
	here, err := url.Parse("https://mcp.example/account/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		got := returnTo(target)
		if got != target && got != "/account" || returnTo(got) != got {
			t.Errorf("%q leads to %q", target, got)
		}
		to, err := here.Parse(got)
		if err != nil || to.Scheme != "https" || to.Host != "mcp.example" || to.User != nil || to.Fragment != "" || to.Path != "/account" && !strings.HasPrefix(to.Path, "/account/") || to.Path == signInPath {
			t.Errorf("%q leads to %v (%v)", target, to, err)
		}
		for _, c := range []byte(got) {
			if c <= ' ' || c >= 0x7f || c == '\\' {
				t.Errorf("%q leads to %q", target, got)
			}
		}
	})
}

// Whatever page of however long a list is asked for: it is a page of the list, its
// neighbours are too, and what was searched for stays.
func FuzzTurn(f *testing.F) {
	for _, number := range []string{"", "1", "2", "0", "-1", "99999999999999999999", "-9223372036854775808", "+2", " 2", "2e1", "0x2", "\u0662"} {
		for _, n := range []int{0, 1, pageSize, pageSize + 1, 3*pageSize - 1} {
			f.Add(n, number, "a&b=c#")
		}
	}
	f.Fuzz(func(t *testing.T, n int, number, q string) {
		n = min(max(n, 0), 1<<20)
		at := turn(n, number, "/account", url.Values{"q": {q}})
		if at.number < 1 || at.from < 0 || at.from > at.to || at.to > n || at.to-at.from > pageSize || n > 0 && at.from == at.to {
			t.Fatalf("page %q of %d is %+v", number, n, at)
		}
		if (at.previous == "") != (at.from == 0) || (at.next == "") != (at.to == n) {
			t.Errorf("page %q of %d is %+v", number, n, at)
		}
		for link, want := range map[string]int{at.previous: at.from - pageSize, at.next: at.to} {
			if link == "" {
				continue
			}
			u, err := url.Parse(link)
			if err != nil || u.Path != "/account" || u.Fragment != "" || u.Query().Get("q") != q {
				t.Errorf("the search for %q goes on at %q", q, link)
			} else if other := turn(n, u.Query().Get("page"), "/account", make(url.Values)); other.from != want {
				t.Errorf("%q leads to %+v, want from %d", link, other, want)
			}
		}
	})
}
