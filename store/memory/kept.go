package memory

import "github.com/mcpoauth/mcpoauth/store"

// kept is a table that lies in a file, or the part of it that does.
type kept struct {
	kind  store.Kind
	table *table
	part  func(entry) bool // nil: all of it
}

// Anybody can make a record that carries an expiry in a table that has a spare
// file. If the other file held it too, whoever waits for that one would wait
// for all that strangers have put there.
func passing(e entry) bool { return e.expires != 0 }
func lasting(e entry) bool { return e.expires == 0 }

func (f *file) table(kind store.Kind) *table {
	for _, k := range f.tables {
		if k.kind == kind {
			return k.table
		}
	}
	return nil
}

// snapshot returns all records as they are after changes, which are not in the tables
// yet. It needs no lock for longer than it takes to collect one shard.
func (f *file) snapshot(changes []change) []change {
	changed := make(map[store.Key]bool, len(changes))
	for _, c := range changes {
		changed[c.key] = true
	}
	var records []change
	f.each(func(t *table, key store.Key, e entry) {
		if !changed[key] {
			records = append(records, change{t, key, e})
		}
	})
	for _, c := range changes {
		if c.next.version != 0 {
			records = append(records, c)
		}
	}
	return records
}

// each visits what the tables have of the file.
func (f *file) each(visit func(t *table, key store.Key, e entry)) {
	for _, k := range f.tables {
		k.table.each("", func(i id, e entry) {
			if k.part == nil || k.part(e) {
				visit(k.table, store.Key{Kind: k.kind, ID: i.String()}, e)
			}
		})
	}
}

func (f *file) count() (n int) {
	for _, k := range f.tables {
		k.table.each("", func(_ id, e entry) {
			if k.part == nil || k.part(e) {
				n++
			}
		})
	}
	return n
}
