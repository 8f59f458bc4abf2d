package redis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Together these bound how long a cut that nobody reports stays unnoticed. The client
// asks for a sign of life when it has heard nothing for one to two gaps, and gives the
// connection up, with all that was cached from it, when none comes in time.
const (
	pingGap     = 750 * time.Millisecond
	pingTimeout = 3 * time.Second
)

// Each write that waits for replicas holds one of so many connections to its server.
const waitingWrites = 16

// A Sentinel's news of a fail-over can be lost with its connection, and a demoted primary
// goes on to answer, so the Sentinels are asked too.
const sentinelInterval = 5 * time.Second

// The parser's own errors quote what they did not understand, which may be the password.
var errURL = errors.New(`redis: the URL is not understood (not shown here, because it may hold a password); ` +
	`it has the form redis://user:password@host:6379/0, with every special character of the password percent-encoded`)

// waitReplicas returns what a URL says of Options.WaitReplicas, or zero. A URL that is not
// understood at all is for parse to refuse.
func waitReplicas(text string) (int, error) {
	u, err := url.Parse(text)
	if err != nil || !u.Query().Has("wait_replicas") {
		return 0, nil
	}
	n, err := strconv.Atoi(u.Query().Get("wait_replicas"))
	if err != nil || n < 0 {
		return 0, errors.New("redis: the URL's wait_replicas is not a number of replicas")
	}
	return n, nil
}

func parse(text string) (rueidis.ClientOption, error) {
	u, err := url.Parse(text)
	if err != nil || strings.Contains(text, "#") || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return rueidis.ClientOption{}, errURL // after a # or ? of a password its first half would pass for the host
	}
	settings, err := rueidis.ParseURL(text)
	switch {
	case err != nil:
		return rueidis.ClientOption{}, errURL
	case settings.AlwaysRESP2:
		return rueidis.ClientOption{}, errors.New("redis: the URL has protocol=2, but a revocation reaches other processes by RESP3; remove it")
	case settings.DisableCache:
		return rueidis.ClientOption{}, errors.New("redis: the URL has client_cache=0, but a revocation reaches other processes by the messages that it turns off; remove it")
	}
	return settings, nil
}

// configure turns what the URL says into what this backend needs.
func (b *Backend) configure(s *rueidis.ClientOption) {
	if s.Dialer.Timeout == 0 {
		s.Dialer.Timeout = b.timeout
	}
	s.Dialer.KeepAlive = pingGap
	s.ConnWriteTimeout = pingTimeout
	s.PipelineMultiplex = -1 // one connection per server: each gets every invalidation
	s.BlockingPoolSize = waitingWrites

	// The server tells of every change under the prefix, and so need not remember what
	// was read by whom. The library's own cache stays empty.
	s.ClientTrackingOptions = []string{"BCAST", "PREFIX", b.layout.records()}
	s.OnInvalidations = b.cache.invalidate

	if s.Sentinel.MasterSet == "" {
		return
	}
	s.Sentinel.TopologyRefreshInterval = sentinelInterval
	s.Sentinel.Dialer = s.Dialer
	s.Sentinel.Username, s.Sentinel.Password = s.Username, s.Password
	if s.TLSConfig != nil {
		// Not the name of the first Sentinel, but of whichever server is dialled.
		s.TLSConfig.ServerName = ""
		s.Sentinel.TLSConfig = s.TLSConfig
	}
}

// connect is rueidis.NewClient, which knows no context.
func connect(ctx context.Context, settings rueidis.ClientOption) (rueidis.Client, error) {
	type result struct {
		client rueidis.Client
		err    error
	}
	done := make(chan result, 1)
	go func() {
		client, err := rueidis.NewClient(settings)
		done <- result{client, err}
	}()
	select {
	case r := <-done:
		return r.client, connectError(r.err, settings)
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.client.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func connectError(err error, settings rueidis.ClientOption) error {
	if err == nil {
		return nil
	}
	addrs := strings.Join(settings.InitAddress, ", ")
	switch {
	case errors.Is(err, rueidis.ErrNoCache):
		return fmt.Errorf("redis: %s offers no RESP3 with CLIENT TRACKING, by which a revocation reaches other processes; "+
			"use Redis 6.2 or newer, or Valkey, and let the user run HELLO and CLIENT", addrs)
	case mayHold(err.Error(), settings.Password): // not wrapped: that would show it too
		return fmt.Errorf("redis: connecting to %s: what went wrong is not shown here, because it may hold the password; "+
			"is it running, is it Redis 6.2 or newer, or Valkey, and are user and password right?", addrs)
	default:
		return fmt.Errorf("redis: connecting to %s: %w; is it running, and are user and password right?", addrs, err)
	}
}

// mayHold reports whether a server repeats the password, as some proxies repeat what they
// refuse. Its beginning is enough: long commands are repeated in part.
func mayHold(text, password string) bool {
	return password != "" && strings.Contains(text, password[:min(len(password), 4)])
}
