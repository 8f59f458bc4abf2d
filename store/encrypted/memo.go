package encrypted

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/mcpoauth/mcpoauth/store"
)

// memoSlots bounds how many grants are kept opened. Two that meet in one slot are
// opened anew whenever they take turns, which is all that too few slots cost.
const memoSlots = 1 << 14

// A memo keeps what grants were opened to: one is read before every request, and
// opening and decoding it takes longer than all else of the check. It answers only
// for the very value that it was asked about before. That one is immutable, and inner
// hands it out again as long as nothing has changed.
//
// The other kinds are not kept. Strangers can make some of them, and would push the
// grants out.
type memo struct {
	slots [memoSlots]atomic.Pointer[remembered]
}

type remembered struct {
	id     string
	sealed *store.Encoded
	opened opened
}

var seed = maphash.MakeSeed()

func (m *memo) slot(id string) *atomic.Pointer[remembered] {
	return &m.slots[maphash.String(seed, id)%memoSlots]
}

func (m *memo) get(record store.Record) (opened, bool) {
	sealed, ok := record.Value.(*store.Encoded)
	if !ok || record.Key.Kind != store.KindGrant {
		return opened{}, false
	}
	r := m.slot(record.Key.ID).Load()
	if r == nil || r.sealed != sealed || r.id != record.Key.ID {
		return opened{}, false
	}
	return r.opened, true
}

func (m *memo) put(record store.Record, o opened) {
	if sealed, ok := record.Value.(*store.Encoded); ok && record.Key.Kind == store.KindGrant {
		m.slot(record.Key.ID).Store(&remembered{record.Key.ID, sealed, o})
	}
}
