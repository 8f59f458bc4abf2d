package replicas

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

// patience is how long anything may take before a test gives up on it.
const patience = 30 * time.Second

// A deployment is some replicas behind a proxy, and what is known about them.
type deployment struct {
	t         testing.TB
	url       string
	proxy     *proxy
	replicas  []*replica
	owner     passkey
	check     *checker
	tally     *tally
	transport *http.Transport

	// forgetful: what a sign-in leaves on the way is lost with the process.
	forgetful bool
}

// slack is for a machine that has more to do than it can. What is measured is printed.
const slack = 500 * time.Millisecond

// deploy starts a replica for each store, which is the value of its -store flag. bound is
// how long the backend says that a revocation may take.
func deploy(t testing.TB, bound time.Duration, stores ...string) *deployment {
	t.Helper()
	d := &deployment{t: t, check: &checker{bound: bound + slack}, tally: new(tally), transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var addrs []string
	for range stores {
		addrs = append(addrs, "localhost:"+strconv.Itoa(realserver.FreePort(t)))
	}
	d.proxy = newProxy(addrs)
	d.url = strings.Replace(d.proxy.URL, "127.0.0.1", "localhost", 1)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i, addr := range addrs {
		r := &replica{addr: addr, greeting: new(output), log: new(output), args: []string{"-addr", addr, "-url", d.url, "-data", dir, "-limits", "0,0,0", "-store", stores[i]}}
		d.replicas = append(d.replicas, r)
		running.Go(func() { r.run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
		d.transport.CloseIdleConnections()
		d.proxy.Close()
		d.report()
	})
	d.awaitHealth()
	return d
}

// report writes what was counted, and fails the test for every violation.
func (d *deployment) report() {
	d.t.Helper()
	d.tally.slowest = d.check.slowest
	d.t.Logf("counted: %s; violations: %s", d.tally, d.check.violations())
	for i, said := range d.check.said {
		if i == 20 {
			d.t.Errorf("and %d more", len(d.check.said)-i)
			break
		}
		d.t.Error(said)
	}
	if d.t.Failed() {
		for i, r := range d.replicas {
			d.t.Logf("replica %d said at last:\n%s", i, r.log.tail(30))
		}
	}
}

// awaitHealth waits until every replica reaches its database.
func (d *deployment) awaitHealth() {
	d.t.Helper()
	for i := range d.replicas {
		d.eventually("replica "+strconv.Itoa(i)+" to be healthy", func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return d.probe(ctx, i)
		})
	}
}

func (d *deployment) probe(ctx context.Context, replica int) bool {
	req, err := http.NewRequestWithContext(ctx, "GET", d.url+"/health", nil)
	if err != nil {
		return false
	}
	req.Header.Set(replicaHeader, strconv.Itoa(replica))
	res, err := d.transport.RoundTrip(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// eventually waits until done.
func (d *deployment) eventually(what string, done func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

var setupLine = regexp.MustCompile(`/passkey/register#setup_token=([A-Za-z0-9._~-]+)`)

// setupToken returns the token of the setup link that a replica wrote.
func (d *deployment) setupToken(replica int) string {
	d.t.Helper()
	var found []string
	d.eventually("a setup link", func() bool {
		found = setupLine.FindStringSubmatch(d.replicas[replica].greeting.String())
		return found != nil
	})
	return found[1]
}
