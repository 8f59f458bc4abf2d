package account

import (
	"strings"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

const maxName = 64 // characters

// cleanName returns a name that somebody chose as pages will show it. What is too long is
// refused and not cut: two people could end in the same name.
func cleanName(raw string) (name string, ok bool) {
	name = templates.Clean(raw)
	return name, name != "" && utf8.RuneCountInString(name) <= maxName
}

// newPersonName is cleanName for a person who is not here yet: nobody gets another's name,
// in any case of its letters, or that of the owner, whatever they are called by now. Names
// in letters that look alike do pass: the owner, who chooses them all, is whom to ask.
func newPersonName(raw string, users []*store.User, invitations []*store.Enrolment) (name string, ok bool) {
	name, ok = cleanName(raw)
	ok = ok && !strings.EqualFold(name, store.OwnerID)
	for _, u := range users {
		ok = ok && !strings.EqualFold(u.Name, name)
	}
	for _, i := range invitations {
		ok = ok && !strings.EqualFold(i.Name, name)
	}
	return name, ok
}
