package token

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/later"
	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// useStep is how much later than the last time a grant has to be used for that to
	// be noted.
	useStep = time.Minute

	// MaxUses is how many grants used in the last minute or two are remembered, or
	// somewhat fewer. Who is one too many is let in all the same.
	MaxUses = 1 << 17

	// useKept is how long it is remembered that a grant was used, if there is room:
	// whoever was here lately is not held up by a flood of strangers.
	useKept = time.Hour

	useSlots   = 4  // that a grant may be in, side by side in memory
	usesAtOnce = 16 // are written
)

// Uses remembers when and from where grants were last used, and writes it down about once
// a minute for each. What runs before every request takes no lock and allocates nothing,
// except at the first use of a grant in a minute. NewUses makes one.
type Uses struct {
	seen    [MaxUses]seen // first, so that a grant's slots share a cache line
	store   UseStore
	network func(*http.Request) netip.Prefix
	log     *slog.Logger
	write   later.Task
	seed    maphash.Seed

	mu        sync.Mutex // guards unwritten
	unwritten map[uint64]*lastUse
}

// A UseStore keeps uses.
type UseStore interface {
	NoteUse(ctx context.Context, u store.Use) (before *store.Use, err error)
}

// A seen is all that a request looks at: which grant, known by a hash of its ID, and when it
// was noted. In between two grants it may be of one and of the other: then a use is noted
// twice, or a minute later.
type seen struct {
	grant atomic.Uint64 // zero: nobody's
	at    atomic.Int64  // Unix time in nanoseconds
}

// since is how long ago that was. A clock that was put back makes no difference.
func (s *seen) since(now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - s.at.Load()).Abs()
}

// A lastUse is what is to be written.
type lastUse struct {
	grant   *store.Grant
	at      time.Time
	network netip.Prefix
}

// NewUses returns a Uses that asks network where a request comes from.
func NewUses(s UseStore, network func(*http.Request) netip.Prefix, log *slog.Logger) *Uses {
	u := &Uses{store: s, network: network, log: log, seed: maphash.MakeSeed(), unwritten: make(map[uint64]*lastUse)}
	u.write.Delay, u.write.Do, u.write.Failed = useStep, u.writeAll, func(err error) {
		log.Warn("uses.unsaved", "error", err)
	}
	return u
}

// Close writes what is not written yet.
func (u *Uses) Close() { u.write.Close() }

// noted reports whether a use of a grant needs no note, because there is one of less than a
// minute ago. It runs before every request.
func (u *Uses) noted(id string, now time.Time) bool { return u == nil || u.within(id, now, useStep) }

// remembers reports whether a grant was used lately.
func (u *Uses) remembers(id string, now time.Time) bool {
	return u != nil && u.within(id, now, useKept)
}

func (u *Uses) within(id string, now time.Time, d time.Duration) bool {
	hash := u.hash(id)
	slots := u.slots(hash)
	for i := range slots {
		if slots[i].grant.Load() == hash {
			return slots[i].since(now) < d
		}
	}
	return false
}

// note notes a use, if there is room.
func (u *Uses) note(g *store.Grant, r *http.Request, now time.Time) {
	hash := u.hash(g.ID)
	slot := u.slot(hash, now)
	if slot == nil {
		return // all are taken
	}
	known, at := slot.grant.Load(), slot.at.Load()
	if known == hash && slot.since(now) < useStep {
		return // somebody was faster
	}
	// Of many at once one succeeds.
	if known == hash && slot.at.CompareAndSwap(at, now.UnixNano()) || known != hash && slot.grant.CompareAndSwap(known, hash) {
		slot.at.Store(now.UnixNano())
		u.keep(hash, &lastUse{g, now, u.network(r)})
	}
}

func (u *Uses) hash(id string) uint64 { return max(1, maphash.String(u.seed, id)) }

// slots are the places that a grant may have.
func (u *Uses) slots(hash uint64) []seen {
	first := hash % (MaxUses / useSlots) * useSlots
	return u.seen[first : first+useSlots]
}

// slot returns a grant's place, or else one that it may have, or nil.
func (u *Uses) slot(hash uint64, now time.Time) (free *seen) {
	slots := u.slots(hash)
	for i := range slots {
		if slots[i].grant.Load() == hash {
			return &slots[i]
		}
	}
	longest := useStep
	for i := range slots {
		if since := slots[i].since(now); since >= longest {
			free, longest = &slots[i], since
		}
	}
	return free
}

// keep has a use written. If the store has not taken those before, it may be one too many.
func (u *Uses) keep(hash uint64, use *lastUse) {
	u.mu.Lock()
	if u.unwritten[hash] != nil || len(u.unwritten) < MaxUses {
		u.unwritten[hash] = use
	}
	u.mu.Unlock()
	u.write.Soon()
}

// writeAll stops at the first trouble. A map has no order: with a store that is slow, all
// have their turn in the end.
func (u *Uses) writeAll(ctx context.Context) error {
	u.mu.Lock()
	hashes := slices.Collect(maps.Keys(u.unwritten))
	u.mu.Unlock()
	for some := range slices.Chunk(hashes, usesAtOnce) {
		if err := u.writeSome(ctx, some); err != nil {
			return fmt.Errorf("writing down the last uses: %w", err)
		}
	}
	return nil
}

func (u *Uses) writeSome(ctx context.Context, some []uint64) error {
	errs := make([]error, len(some))
	var all sync.WaitGroup
	for i, hash := range some {
		all.Go(func() { errs[i] = u.writeOne(ctx, hash) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // of the first, in the place of all
		}
	}
	return nil
}

func (u *Uses) writeOne(ctx context.Context, hash uint64) error {
	u.mu.Lock()
	use := u.unwritten[hash]
	u.mu.Unlock()
	noted := store.Use{GrantID: use.grant.ID, At: use.at.UTC().Round(0)}
	if use.network.IsValid() {
		noted.From = use.network.String()
	}
	key := use.grant.KeyName != ""
	if key && noted.From != "" {
		noted.Places = []string{noted.From}
	}
	before, err := u.store.NoteUse(ctx, noted)
	if err != nil {
		return err
	}
	u.mu.Lock()
	if u.unwritten[hash] == use { // and not a later one
		delete(u.unwritten, hash)
	}
	u.mu.Unlock()
	if before != nil && len(before.Places) > 0 && len(noted.Places) > 0 && !slices.Contains(before.Places, noted.From) {
		u.log.WarnContext(ctx, "key.used_from_new_place", "user_id", use.grant.UserID, "grant_id", use.grant.ID, "name", use.grant.KeyName, "from", noted.From)
	}
	return nil
}
