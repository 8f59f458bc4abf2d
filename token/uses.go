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

	// MaxUses is how many grants used in the last hour are remembered, or somewhat fewer,
	// and how many uses wait to be written. Who is one too many is let in all the same.
	MaxUses = 1 << 17

	// useKept is how long it is remembered that a grant was used, if there is room:
	// whoever was here lately is not held up by a flood of strangers.
	useKept = time.Hour

	useSlots   = 8  // that a grant may be in: a cache line
	usesAtOnce = 16 // are written
)

// Uses remembers when and from where grants were last used, and writes it down about once
// a minute for each. What runs before every request takes no lock and allocates nothing,
// except at the first use of a grant in a minute. NewUses makes one.
type Uses struct {
	seen    [MaxUses]atomic.Uint64 // each a seen; first, so that those of a grant share a cache line
	store   UseStore
	network func(*http.Request) netip.Prefix
	log     *slog.Logger
	write   later.Task
	seed    maphash.Seed

	mu        sync.Mutex          // guards unwritten
	unwritten map[string]*lastUse // by the grant's ID
}

// A UseStore keeps uses.
type UseStore interface {
	NoteUse(ctx context.Context, u store.Use) (before *store.Use, err error)
}

// A seen is all that a request looks at: half a hash of a grant's ID, and the second in which
// its last use was noted. Two grants may share the half and the place, once in billions: then
// a use of one is not noted, because one of the other is.
type seen uint64

func newSeen(grant uint32, at time.Time) seen { return seen(grant)<<32 | seen(uint32(at.Unix())) }

func (s seen) of(grant uint32) bool { return s != 0 && uint32(s>>32) == grant }

// since is how long ago that was, to the second. A clock that was put back counts as if it had
// been put forward.
func (s seen) since(now time.Time) time.Duration {
	return (time.Duration(int32(uint32(now.Unix())-uint32(s))) * time.Second).Abs()
}

// A lastUse is what is to be written.
type lastUse struct {
	grant   *store.Grant
	at      time.Time
	network netip.Prefix
}

// NewUses returns a Uses that asks network where a request comes from.
func NewUses(s UseStore, network func(*http.Request) netip.Prefix, log *slog.Logger) *Uses {
	u := &Uses{store: s, network: network, log: log, seed: maphash.MakeSeed(), unwritten: make(map[string]*lastUse)}
	u.write.Delay, u.write.Do, u.write.Failed = useStep, u.writeAll, func(err error) {
		log.Warn("uses.unsaved", "error", err)
	}
	return u
}

// Close writes what is not written yet.
func (u *Uses) Close() { u.write.Close() }

// note runs before every request that is let in. The ID is g's: whoever asks has it at hand,
// and g's own lies elsewhere in memory.
func (u *Uses) note(id string, g *store.Grant, r *http.Request, now time.Time) {
	if u == nil || u.within(id, now, useStep) {
		return
	}
	slots, grant := u.place(id)
	slot, before := choose(slots, grant, now)
	// Of many at once one succeeds.
	if slot != nil && slot.CompareAndSwap(uint64(before), uint64(newSeen(grant, now))) {
		u.keep(&lastUse{g, now, u.network(r)})
	}
}

// remembers reports whether a grant was used lately.
func (u *Uses) remembers(id string, now time.Time) bool {
	return u != nil && u.within(id, now, useKept)
}

func (u *Uses) within(id string, now time.Time, d time.Duration) bool {
	slots, grant := u.place(id)
	for i := range slots {
		if s := seen(slots[i].Load()); s.of(grant) {
			return s.since(now) < d
		}
	}
	return false
}

// place returns the slots that a grant may be in, and what it is known by there.
func (u *Uses) place(id string) (slots []atomic.Uint64, grant uint32) {
	hash := maphash.String(u.seed, id)
	first := hash % (MaxUses / useSlots) * useSlots
	return u.seen[first : first+useSlots], uint32(hash >> 32)
}

// choose returns the slot in which a use is to be noted, and what is in it: the grant's own, or
// the one whose grant was not used for longest, if that is not of this minute.
func choose(slots []atomic.Uint64, grant uint32, now time.Time) (slot *atomic.Uint64, before seen) {
	longest := useStep
	for i := range slots {
		s := seen(slots[i].Load())
		since := s.since(now)
		switch {
		case s.of(grant) && since < useStep:
			return nil, 0 // somebody was faster
		case s.of(grant):
			return &slots[i], s
		case since >= longest:
			slot, before, longest = &slots[i], s, since
		}
	}
	return slot, before
}

// keep has a use written. If the store has not taken those before, it may be one too many.
func (u *Uses) keep(use *lastUse) {
	u.mu.Lock()
	if u.unwritten[use.grant.ID] != nil || len(u.unwritten) < MaxUses {
		u.unwritten[use.grant.ID] = use
	}
	u.mu.Unlock()
	u.write.Soon()
}

// writeAll stops at the first trouble. A map has no order: with a store that is slow, all
// have their turn in the end.
func (u *Uses) writeAll(ctx context.Context) error {
	u.mu.Lock()
	ids := slices.Collect(maps.Keys(u.unwritten))
	u.mu.Unlock()
	for some := range slices.Chunk(ids, usesAtOnce) {
		if err := u.writeSome(ctx, some); err != nil {
			return fmt.Errorf("writing down the last uses: %w", err)
		}
	}
	return nil
}

func (u *Uses) writeSome(ctx context.Context, some []string) error {
	errs := make([]error, len(some))
	var all sync.WaitGroup
	for i, id := range some {
		all.Go(func() { errs[i] = u.writeOne(ctx, id) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // of the first, in the place of all
		}
	}
	return nil
}

func (u *Uses) writeOne(ctx context.Context, id string) error {
	u.mu.Lock()
	use := u.unwritten[id]
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
	if u.unwritten[id] == use { // and not a later one
		delete(u.unwritten, id)
	}
	u.mu.Unlock()
	if before != nil && len(before.Places) > 0 && len(noted.Places) > 0 && !slices.Contains(before.Places, noted.From) {
		u.log.WarnContext(ctx, "key.used_from_new_place", "user_id", use.grant.UserID, "grant_id", use.grant.ID, "name", use.grant.KeyName, "from", noted.From)
	}
	return nil
}
