package redis

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/mcpoauth/mcpoauth/store"
)

// The scripts are atomic. KEYS are the record, the IDs of its bucket, their expiry and, for
// who waits for replicas, the fence; ARGV[1] is the ID. Versions are compared as strings: Lua's numbers have 53 bits.
//
// When memory is full, Redis refuses a script's first write if it takes memory, and
// none after one that did not: so HSET comes first, and all is done or nothing.
//
// WAIT waits for what its own connection wrote, since Redis 7.2 for nothing else. A script
// that finds its work done or overtaken therefore turns the fence over: one write, which
// the replicas have only after those that the script saw. DEL comes first there, so that
// it works when memory is full.
const fence = `
		local function seen(outcome)
			if KEYS[4] and redis.call('DEL', KEYS[4]) == 0 then redis.call('HSET', KEYS[4], 'up', 1) end
			return outcome
		end`

var (
	// ARGV: ID, version, value, expiry, time to forget, how many records of the bucket
	// may expire (empty: any number).
	//
	// At each creation a few IDs are dropped whose records Redis has forgotten since,
	// so that the index shrinks as fast as it can grow. Then a few records go that are
	// too many, those that expire first: one that does not expire is not in KEYS[3].
	createScript = newScript(fence + `
		if redis.call('EXISTS', KEYS[1]) == 1 then return seen('conflict') end
		redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3], 'e', ARGV[4])
		redis.call('ZADD', KEYS[2], 0, ARGV[1])
		if ARGV[5] ~= '' then
			redis.call('PEXPIREAT', KEYS[1], ARGV[5])
			redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
		else
			redis.call('ZREM', KEYS[3], ARGV[1])
		end
		local now = redis.call('TIME')
		local before = '(' .. string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
		local forgotten = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', before, 'LIMIT', 0, 20)
		if #forgotten > 0 then
			redis.call('ZREM', KEYS[2], unpack(forgotten))
			redis.call('ZREM', KEYS[3], unpack(forgotten))
		end
		if ARGV[6] == '' then return 'done' end
		local beyond = redis.call('ZCARD', KEYS[3]) - ARGV[6]
		if beyond <= 0 then return 'done' end
		local bucket = string.sub(KEYS[1], 1, -#ARGV[1] - 1)
		for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '+inf', 'LIMIT', 0, math.min(beyond, 20))) do
			redis.call('DEL', bucket .. id)
			redis.call('ZREM', KEYS[2], id)
			redis.call('ZREM', KEYS[3], id)
		end
		return 'done'`)

	// ARGV: ID, version, value, expiry, time to forget, version to replace.
	replaceScript = newScript(fence + `
		local current = redis.call('HGET', KEYS[1], 'v')
		if not current then return seen('gone') end
		if current ~= ARGV[6] then return seen('conflict') end
		redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3], 'e', ARGV[4])
		if ARGV[5] ~= '' then
			redis.call('PEXPIREAT', KEYS[1], ARGV[5])
			redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
		else
			redis.call('PERSIST', KEYS[1])
			redis.call('ZREM', KEYS[3], ARGV[1])
		end
		return 'done'`)

	// ARGV: ID.
	deleteScript = newScript(fence + `
		local deleted = redis.call('DEL', KEYS[1])
		redis.call('ZREM', KEYS[2], ARGV[1])
		redis.call('ZREM', KEYS[3], ARGV[1])
		if deleted == 0 then return seen('gone') end
		return 'done'`)

	// ARGV: ID. A record that was created meanwhile stays.
	forgetScript = newScript(`
		if redis.call('EXISTS', KEYS[1]) == 1 then return end
		redis.call('ZREM', KEYS[2], ARGV[1])
		redis.call('ZREM', KEYS[3], ARGV[1])`)
)

type script struct {
	text, sha string
}

func newScript(text string) script {
	sum := sha1.Sum([]byte(text)) // names the script, guards nothing
	return script{text, hex.EncodeToString(sum[:])}
}

// write runs a script that changes a record, and afterwards no GetCached of this backend
// answers with what was there before.
func (b *Backend) write(ctx context.Context, doing string, s script, key store.Key, args ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	keys := b.layout.keys(key)
	if b.wait > 0 {
		keys = append(keys, b.layout.fence(key))
	}
	defer b.cache.drop(keys[0])
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()

	outcome, err := b.run(limited, s, keys, append([]string{key.ID}, args...))
	switch {
	case err != nil:
		return b.failed(ctx, doing, key.Kind, err)
	case outcome == "conflict":
		return store.ErrConflict
	case outcome == "gone":
		return store.ErrNotFound
	default:
		return nil
	}
}

// run sends the script's name, or the script itself to a server that does not know it yet.
func (b *Backend) run(ctx context.Context, s script, keys, args []string) (string, error) {
	count := int64(len(keys))
	outcome, err := b.send(ctx, b.client.B().Evalsha().Sha1(s.sha).Numkeys(count).Key(keys...).Arg(args...).Build())
	if refused, ok := rueidis.IsRedisErr(err); ok && refused.IsNoScript() {
		outcome, err = b.send(ctx, b.client.B().Eval().Script(s.text).Numkeys(count).Key(keys...).Arg(args...).Build())
	}
	return outcome, err
}

// send waits for the replicas whatever the script's outcome: what it found gone
// or changed is the write of somebody else, who may not have waited for them yet, or one of
// ours for which they did not come in time.
func (b *Backend) send(ctx context.Context, command rueidis.Completed) (string, error) {
	if b.wait == 0 {
		return b.client.Do(ctx, command).ToString()
	}
	patience := max(b.timeout*9/10, time.Millisecond) // zero would be for ever
	wait := b.client.B().Wait().Numreplicas(b.wait).Timeout(patience.Milliseconds()).Build()
	replies := b.together(ctx, command, wait)

	outcome, err := replies[0].ToString()
	if err != nil {
		return "", err
	}
	reached, err := replies[1].AsInt64()
	if err == nil && reached < b.wait {
		err = fmt.Errorf("%d of %d replicas have it", reached, b.wait)
	}
	return outcome, err
}

// together sends commands over one connection, because WAIT speaks of what came before it
// there. A client of a cluster would resend the first alone where a slot has moved;
// a dedicated one fails.
func (b *Backend) together(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	if b.client.Mode() != rueidis.ClientModeCluster {
		return b.client.DoMulti(ctx, commands...)
	}
	dedicated, release := b.client.Dedicate()
	defer release()
	return dedicated.DoMulti(ctx, commands...)
}

// failed says what failed. Our own time limit does not pass for the caller's; the
// caller's may end a connection's wait just before ctx knows.
func (b *Backend) failed(ctx context.Context, doing string, kind store.Kind, err error) error {
	deadline, limited := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited && time.Until(deadline) <= 0:
		return context.DeadlineExceeded
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("redis: %s a record of kind %s: no answer within %v", doing, kind, b.timeout)
	default:
		return fmt.Errorf("redis: %s a record of kind %s: %w", doing, kind, err)
	}
}
