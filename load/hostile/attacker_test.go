package hostile

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/load/target"
	"github.com/mcpoauth/mcpoauth/load/wire"
)

// addresses is how many addresses the attackers have. Each is remembered for a while.
const addresses = 4096

// An attacker is one goroutine of hostile traffic.
type attacker struct {
	*rand.Rand
	server *target.Server
	seen   *answers
}

// answers count what strangers are answered with.
type answers struct {
	mu    sync.Mutex // guards count and bad
	count map[int]int
	bad   []string // requests that made the server fail
}

// note keeps an answer. Nothing that anybody sends may make the server fail; that it
// does not know a method (501) or a version (505) is no failure.
func (a *answers) note(request []byte, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count[status]++
	if status >= 500 && status != 501 && status != 505 && len(a.bad) < 20 {
		a.bad = append(a.bad, fmt.Sprintf("%d to %.300q", status, request))
	}
}

func (a *answers) check(t *testing.T) {
	t.Helper()
	for _, bad := range a.bad {
		t.Errorf("the server failed: %s", bad)
	}
	var list []string
	total := 0
	for status, n := range a.count {
		total += n
		list = append(list, strconv.Itoa(status)+": "+strconv.Itoa(n))
	}
	slices.Sort(list)
	t.Logf("hostile requests answered: %d (%s; 0: none)", total, strings.Join(list, ", "))
	if total == 0 {
		t.Error("there was no hostile traffic")
	}
}

// address is that of the n-th stranger: honest clients are elsewhere.
func address(n int) string { return fmt.Sprintf("127.66.%d.%d", n>>8&255, n&255) }

func (a *attacker) address() string { return address(a.IntN(addresses)) }

// send sends bytes from some address and returns what comes back, of which there may be
// nothing: the server may hang up whenever it likes.
func (a *attacker) send(ctx context.Context, request []byte) (answer []byte) {
	return a.sendFrom(ctx, a.address(), request)
}

func (a *attacker) sendFrom(ctx context.Context, from string, request []byte) (answer []byte) {
	conn := a.open(ctx, from)
	if conn == nil {
		return nil
	}
	defer conn.Close()
	go func() { // the server may answer before it has read all, and then read no more
		_, _ = conn.Write(request)
	}()
	answer, _ = io.ReadAll(io.LimitReader(conn, 64<<10))
	a.seen.note(request, statusOf(answer))
	return answer
}

// open returns nil at the end of the traffic.
func (a *attacker) open(ctx context.Context, from string) net.Conn {
	conn, err := wire.Open(ctx, from, a.server.Addr)
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // for what never ends
	return conn
}

func statusOf(answer []byte) int {
	if !bytes.HasPrefix(answer, []byte("HTTP/1.")) || len(answer) < 12 {
		return 0
	}
	status, _ := strconv.Atoi(string(answer[9:12]))
	return status
}

// request is one that ends its connection.
func (a *attacker) request(method, path, body string, headers ...string) []byte {
	return wire.Request(method, path, a.server.Host, body, append(headers, "Connection", "close")...)
}

// one returns one of several.
func one[T any](a *attacker, of ...T) T { return of[a.IntN(len(of))] }

// noise is n bytes of anything.
func (a *attacker) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.Uint32())
	}
	return b
}

// word is n characters that go into any place.
func (a *attacker) word(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[a.IntN(len(letters))]
	}
	return string(b)
}

func someDigest(a *attacker) string { return base64.RawURLEncoding.EncodeToString(a.noise(32)) }
