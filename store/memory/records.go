package memory

import "strings"

// records are those of one shard, by their IDs.
type records struct {
	fixed map[fixedID]entry
	other map[string]entry // of IDs of another length
}

// fixedLen is the length of the IDs that the server makes itself.
const fixedLen = 22

// A fixedID lies in the table, with the record's entry. A string would lie elsewhere in
// memory: one place more, before every request, that is in no cache.
type fixedID [fixedLen]byte

func fixed(id string) (f fixedID) {
	copy(f[:], id)
	return f
}

func (r *records) get(id string) entry {
	if len(id) == fixedLen {
		return r.fixed[fixed(id)]
	}
	return r.other[id]
}

// put keeps e, or removes what there is if e is the zero entry.
func (r *records) put(id string, e entry) {
	if len(id) == fixedLen {
		put(&r.fixed, fixed(id), e)
	} else {
		put(&r.other, id, e)
	}
}

func put[K comparable](m *map[K]entry, id K, e entry) {
	switch {
	case e.version == 0:
		delete(*m, id)
	case *m == nil:
		*m = map[K]entry{id: e}
	default:
		(*m)[id] = e
	}
}

func (r *records) len() int { return len(r.fixed) + len(r.other) }

// each calls visit with every record whose ID begins with prefix.
func (r *records) each(prefix string, visit func(i id, e entry)) {
	for f, e := range r.fixed {
		if len(prefix) <= fixedLen && string(f[:len(prefix)]) == prefix {
			visit(id{fixed: f}, e)
		}
	}
	for other, e := range r.other {
		if strings.HasPrefix(other, prefix) {
			visit(id{other: other, isOther: true}, e)
		}
	}
}

// An id is one of either kind. Nearly all that are looked at in a list are not on the page,
// so a string is made of one only where it is needed.
type id struct {
	fixed   fixedID
	other   string
	isOther bool
}

func (i *id) String() string {
	if i.isOther {
		return i.other
	}
	return string(i.fixed[:])
}

// after reports whether i sorts after an ID. It is asked of records that are on no page, and
// makes no string of them.
func (i *id) after(other string) bool {
	if i.isOther {
		return i.other > other
	}
	return string(i.fixed[:]) > other
}
