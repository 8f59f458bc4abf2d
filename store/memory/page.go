package memory

import (
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
)

// A page collects the first records of a listing without holding more than twice
// as many as were asked for.
type page struct {
	kind          store.Kind
	prefix, after string
	limit         int

	records []store.Record
	last    string // nothing beyond it can be on the page any more; empty: not known yet
}

func (t *table) fill(p *page) {
	if p.limit > 0 {
		t.each(p.prefix, p.add)
	}
}

func (p *page) add(i id, e entry) {
	if !i.after(p.after) || p.last != "" && i.after(p.last) {
		return
	}
	p.records = append(p.records, e.record(store.Key{Kind: p.kind, ID: i.String()}))
	if len(p.records)/2 >= p.limit {
		p.cut()
	}
}

// cut sorts what was collected, and drops what is too much.
func (p *page) cut() []store.Record {
	slices.SortFunc(p.records, func(a, b store.Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	if len(p.records) > p.limit {
		p.records = p.records[:p.limit]
		p.last = p.records[p.limit-1].Key.ID
	}
	return p.records
}
