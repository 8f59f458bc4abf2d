package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A Severity says what a finding asks of its reader.
type Severity string

// Fail stops clients or endangers the owner; Warning will do so some day, or for few;
// Skipped could not be looked at.
const (
	OK      Severity = "ok"
	Warning Severity = "warning"
	Fail    Severity = "fail"
	Skipped Severity = "skipped"
)

// A Finding is what came of one check. Its texts have no control characters, whatever
// the server said: they are safe to print on a terminal.
type Finding struct {
	Section  string   `json:"section"`
	ID       string   `json:"id"`    // R and the number of the requirement, or NET, TLS, CLOCK
	Check    string   `json:"check"` // what should be so
	Severity Severity `json:"severity"`
	Seen     string   `json:"seen"`
	Why      string   `json:"why,omitempty"`     // it matters
	Cure     string   `json:"cure,omitempty"`    // what to do
	Clients  []Client `json:"clients,omitempty"` // which break on it, or suffer
}

// A result is a Finding without the words that belong to its check.
type result struct {
	severity        Severity
	seen, why, cure string
	clients         []Client
}

func good(format string, args ...any) result {
	return result{severity: OK, seen: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) result {
	return result{severity: Skipped, seen: fmt.Sprintf(format, args...)}
}

func fail(seen, why, cure string, clients ...Client) result {
	return result{Fail, seen, why, cure, clients}
}

func warn(seen, why, cure string, clients ...Client) result {
	return result{Warning, seen, why, cure, clients}
}

// maxText is how much of what a server said is repeated, in characters.
const maxText = 200

// quote repeats what a server said, so that neither its length nor an escape sequence
// does anything to the reader's terminal.
func quote(s string) string {
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText]) + "..."
	}
	if strings.Contains(s, `"`) && !strings.ContainsFunc(s, func(c rune) bool { return c == '`' || !unicode.IsPrint(c) }) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// plain removes what is not printable. Texts are quoted where they are made; this is
// for errors of the network, which carry a server's words too.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s)
}
