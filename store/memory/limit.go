package memory

import (
	"container/list"
	"sync"
)

// A limit bounds how many records of a table carry an expiry. Its lock is taken
// before that of a shard and held over the whole change, so that what it counts
// is what the table holds.
type limit struct {
	max int

	orderMu sync.Mutex // guards order and places, and lets one writer into the table
	order   *list.List // IDs, the one made first in front
	places  map[string]*list.Element
}

func newLimit(n int) *limit {
	return &limit{max: n, order: list.New(), places: make(map[string]*list.Element)}
}

// note takes down what became of a record, and returns the one that has to go for
// it. A record that lost its expiry no longer counts: nobody makes those
// without a person's consent.
func (l *limit) note(id string, next entry) (oldest string, evict bool) {
	place, counted := l.places[id]
	switch counts := next.version != 0 && next.expires != 0; {
	case counts && counted:
		l.order.MoveToBack(place) // as good as new
	case counts && !counted:
		l.places[id] = l.order.PushBack(id)
	case !counts && counted:
		l.order.Remove(place)
		delete(l.places, id)
	}
	if l.order.Len() <= l.max {
		return "", false
	}
	oldest = l.order.Remove(l.order.Front()).(string)
	delete(l.places, oldest)
	return oldest, true
}
