package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// beatInterval leaves room for three beats in MaxStaleness.
	beatInterval = 500 * time.Millisecond

	// deafAfter is how long no beat comes back before it is tried with another
	// connection.
	deafAfter = 2 * MaxStaleness

	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// A listener hears of every change in the schema, and takes what changed out of the
// cache. It has two connections of its own. One only listens: a pooler that passes on
// nothing unless it is asked something must not seem to. The other sends the beats: they
// must not wait for the pool, or bearer checks would turn to the database just when it has
// enough to do.
type listener struct {
	config  *pgx.ConnConfig
	pool    *pgxpool.Pool
	channel string // the schema: the triggers know its name too
	timeout time.Duration
	log     *slog.Logger
	cache   *cache

	beat  string // the one that is under way
	sent  time.Time
	heard time.Time // when the last one came back
	down  bool      // and the log says so
}

func newListener(b *Backend, schema string) *listener {
	l := &listener{
		config:  b.pool.Config().ConnConfig,
		pool:    b.pool,
		channel: schema,
		timeout: b.timeout,
		log:     b.log,
		cache:   &b.cache,
	}
	return l
}

// run listens until ctx ends, with as many connections as that takes.
func (l *listener) run(ctx context.Context) {
	var backoff time.Duration
	for {
		err := l.listen(ctx)
		l.cache.end()
		if ctx.Err() != nil {
			return
		}
		if !l.down {
			l.down, backoff = true, minBackoff
			l.log.Warn("postgres: changes of other replicas are not heard; each bearer check asks the database until they are", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff/2 + rand.N(backoff)):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// listen listens on one connection for as long as it can be relied on.
func (l *listener) listen(ctx context.Context) error {
	toListen := l.config.Copy()
	toListen.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { l.hear(n.Payload) }
	listening, err := pgx.ConnectConfig(ctx, toListen)
	if err != nil {
		return err
	}
	defer disconnect(ctx, listening)
	sending, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return err
	}
	defer disconnect(ctx, sending)
	if err := l.begin(ctx, listening); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for {
		if err := l.sendAndWait(ctx, sending, listening); err != nil {
			// What befell this connection befell the others: they need not
			// disappoint somebody each.
			l.pool.Reset()
			return err
		}
		if time.Since(l.heard) > deafAfter {
			return errors.New("nothing is heard; a pooler in between has to be in session mode")
		}
		if l.cache.moved.Load() {
			l.pool.Reset() // some of them, perhaps: they are to lead to one
			return errors.New("other connections lead to another server")
		}
	}
}

func disconnect(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it is no use any more
}

func (l *listener) begin(ctx context.Context, listening *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	l.beat = newBeat() // not the last one of another connection
	if _, err := listening.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel}.Sanitize()); err != nil {
		return err
	}
	var started time.Time
	if err := listening.QueryRow(ctx, "SELECT pg_postmaster_start_time()").Scan(&started); err != nil {
		return err
	}
	l.cache.begin(server(started.UnixMicro()))
	l.heard = time.Now() // so that the first beat has its time
	return nil
}

func (l *listener) sendAndWait(ctx context.Context, sending, listening *pgx.Conn) error {
	if err := l.sendBeat(ctx, sending); err != nil {
		return fmt.Errorf("sending a beat: %w", err)
	}
	if err := wait(ctx, listening, beatInterval); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	return nil
}

// sendBeat commits a notification like any other, but nothing else: it waits for no disk
// and no standby.
func (l *listener) sendBeat(ctx context.Context, sending *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	l.beat = newBeat()
	l.sent = time.Now()
	_, err := sending.Exec(ctx, "SELECT pg_notify($1, $2)", l.channel, l.beat)
	return err
}

// newBeat returns a payload that no other replica sends.
func newBeat() string { return fmt.Sprintf("beat %x", rand.Uint64()) }

// wait hears what comes in for a while.
func wait(ctx context.Context, conn *pgx.Conn, d time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		_, err := conn.WaitForNotification(waiting)
		switch {
		case err == nil:
		case waiting.Err() != nil && ctx.Err() == nil && !conn.IsClosed():
			return nil
		default:
			return err
		}
	}
}

// hear takes in what the triggers and the replicas say.
func (l *listener) hear(payload string) {
	switch payload {
	case l.beat:
		l.cache.lease.renew(l.sent)
		l.heard = time.Now()
		if l.down {
			l.down = false
			l.log.Info("postgres: changes of other replicas are heard again")
		}
	case "*":
		l.cache.clear()
	default:
		// An ID holds no line break.
		if i := strings.LastIndexByte(payload, '\n'); i >= 0 {
			l.cache.drop(store.Key{Kind: store.Kind(payload[:i]), ID: payload[i+1:]})
		}
	}
}
