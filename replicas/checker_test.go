package replicas

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A kind of violation. None is ever allowed.
type kind string

const (
	lostToken      kind = "good token refused"
	lostRevocation kind = "lost revocation"
	doubleSpent    kind = "double-spent code"
	forked         kind = "forked refresh"
	letIn          kind = "stranger let in"
	secondOwner    kind = "second owner"
	lostSignIn     kind = "lost sign-in"
	mute           kind = "503 without Retry-After"
	strange        kind = "strange answer"
	stuck          kind = "not recovered"
)

// A checker collects what must not have happened. It knows no clock and no network: it
// is told what was asked, when, and what came back.
type checker struct {
	bound time.Duration // after which no replica accepts what another one revoked

	mu      sync.Mutex // guards the fields below
	found   map[kind]int
	said    []string
	slowest time.Duration // after its revocation that a token was still accepted
}

func (c *checker) violation(k kind, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		c.found = make(map[kind]int)
	}
	c.found[k]++
	c.said = append(c.said, string(k)+": "+fmt.Sprintf(format, args...))
}

// owners is told how many passkeys the setup made.
func (c *checker) owners(n int) {
	if n > 1 {
		c.violation(secondOwner, "%d people set the server up", n)
	}
}

// stranger is told that somebody came with a token that was never issued.
func (c *checker) stranger(accepted bool) {
	if accepted {
		c.violation(letIn, "a token that was never issued was accepted")
	}
}

func (c *checker) stillAccepted(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, after)
}

// violations returns what was found, in words, each kind once with its number.
func (c *checker) violations() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.found) == 0 {
		return "none"
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(c.found)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.found[k], k))
	}
	return strings.Join(parts, ", ")
}
