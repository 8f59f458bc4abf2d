package doctor

import (
	"bytes"
	"encoding/json"
	"slices"
)

// A document is metadata as it was answered. Members are looked at one by one, since
// one that is wrong does not make the others so.
type document struct {
	answer

	url     string
	members map[string]json.RawMessage // nil: it is no document
}

func (a answer) document(url string) document {
	d := document{answer: a, url: url}
	if a.err != nil || a.status != 200 || json.Unmarshal(a.body, &d.members) != nil {
		d.members = nil
	}
	return d
}

func (d document) there() bool { return d.members != nil }

func (d document) has(member string) bool { return len(d.members[member]) > 0 }

// text returns a member that is a string, or "".
func (d document) text(member string) (s string) {
	if json.Unmarshal(d.members[member], &s) != nil {
		return ""
	}
	return s
}

// list returns a member that is a list of strings, or nil.
func (d document) list(member string) (all []string) {
	if json.Unmarshal(d.members[member], &all) != nil {
		return nil
	}
	return all
}

func (d document) flag(member string) (b bool) {
	return json.Unmarshal(d.members[member], &b) == nil && b
}

// nulls returns the members that are null.
func (d document) nulls() (names []string) {
	for name, value := range d.members {
		if bytes.Equal(bytes.TrimSpace(value), []byte("null")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
