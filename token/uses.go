package token

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
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

	// useKept is how long a use that is written is remembered all the same, if there is
	// room: whoever was here lately is not held up by a flood of strangers.
	useKept = time.Hour

	useSlots   = 4  // that a grant may be in, one after the other
	usesAtOnce = 16 // are written
)

// Uses remembers when and from where grants were last used, and writes it down about once
// a minute for each. What runs before every request takes no lock and allocates nothing,
// except at the first use of a grant in a minute. NewUses makes one.
type Uses struct {
	store   UseStore
	network func(*http.Request) netip.Prefix
	log     *slog.Logger
	write   later.Task
	from    int // the slot that is written first; the writing task has it alone
	seed    maphash.Seed
	slots   [MaxUses]atomic.Pointer[lastUse]
}

// A UseStore keeps uses.
type UseStore interface {
	NoteUse(ctx context.Context, u store.Use) (before *store.Use, err error)
}

// A lastUse is the last use of a grant that was noted. A later one takes its place.
type lastUse struct {
	hash    uint64 // of the grant's ID
	grant   *store.Grant
	at      time.Time
	network netip.Prefix
	written atomic.Bool
}

// over reports whether it is time to note another use. A clock that was put back makes it
// so too.
func (u *lastUse) over(now time.Time) bool { return now.Sub(u.at).Abs() >= useStep }

// NewUses returns a Uses that asks network where a request comes from.
func NewUses(s UseStore, network func(*http.Request) netip.Prefix, log *slog.Logger) *Uses {
	u := &Uses{store: s, network: network, log: log, seed: maphash.MakeSeed()}
	u.write.Delay, u.write.Do, u.write.Failed = useStep, u.writeAll, func(err error) {
		log.Warn("uses.unsaved", "error", err)
	}
	return u
}

// Close writes what is not written yet.
func (u *Uses) Close() { u.write.Close() }

// note runs before every request that is let in.
func (u *Uses) note(g *store.Grant, r *http.Request, now time.Time) {
	if u == nil {
		return
	}
	hash := maphash.String(u.seed, g.ID)
	var free *atomic.Pointer[lastUse]
	var last *lastUse // in free
	for i := range uint64(useSlots) {
		slot := &u.slots[(hash+i)%MaxUses]
		use := slot.Load()
		if use != nil && use.hash == hash && (use.grant == g || use.grant.ID == g.ID) {
			if use.over(now) {
				u.remember(slot, use, &lastUse{hash: hash, grant: g, at: now, network: u.network(r)})
			}
			return
		}
		if free == nil && (use == nil || use.written.Load() && use.over(now)) {
			free, last = slot, use
		}
	}
	if free != nil {
		u.remember(free, last, &lastUse{hash: hash, grant: g, at: now, network: u.network(r)})
	}
}

// remembers reports whether a grant was used lately.
func (u *Uses) remembers(grantID string) bool {
	if u == nil {
		return false
	}
	hash := maphash.String(u.seed, grantID)
	for i := range uint64(useSlots) {
		if use := u.slots[(hash+i)%MaxUses].Load(); use != nil && use.hash == hash && use.grant.ID == grantID {
			return true
		}
	}
	return false
}

// remember puts a use in the place of another. Of many at once one succeeds; in another
// slot the same grant may be too, which does no harm.
func (u *Uses) remember(slot *atomic.Pointer[lastUse], last, use *lastUse) {
	if slot.CompareAndSwap(last, use) {
		u.write.Soon()
	}
}

// unwritten returns the uses that are not written yet, from that slot on, and forgets
// those that are no longer needed.
func (u *Uses) unwritten(now time.Time) (found []*lastUse, at []int) {
	for i := range MaxUses {
		n := (u.from + i) % MaxUses
		switch use := u.slots[n].Load(); {
		case use == nil:
		case !use.written.Load():
			found, at = append(found, use), append(at, n)
		case now.Sub(use.at).Abs() >= useKept:
			u.slots[n].CompareAndSwap(use, nil)
		}
	}
	return found, at
}

// writeAll stops at the first trouble, and begins there the next time: with a store that
// is slow, all have their turn in the end.
func (u *Uses) writeAll(ctx context.Context) error {
	uses, at := u.unwritten(time.Now())
	for some := range slices.Chunk(uses, usesAtOnce) {
		u.from, at = at[0], at[len(some):]
		if err := u.writeSome(ctx, some); err != nil {
			return fmt.Errorf("writing down the last uses: %w", err)
		}
	}
	return nil
}

func (u *Uses) writeSome(ctx context.Context, some []*lastUse) error {
	errs := make([]error, len(some))
	var all sync.WaitGroup
	for i, use := range some {
		all.Go(func() { errs[i] = u.writeOne(ctx, use) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // of the first, in the place of all
		}
	}
	return nil
}

func (u *Uses) writeOne(ctx context.Context, use *lastUse) error {
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
	use.written.Store(true)
	if before != nil && len(before.Places) > 0 && len(noted.Places) > 0 && !slices.Contains(before.Places, noted.From) {
		u.log.WarnContext(ctx, "key.used_from_new_place", "user_id", use.grant.UserID, "grant_id", use.grant.ID, "name", use.grant.KeyName, "from", noted.From)
	}
	return nil
}
