package store

import (
	"slices"
	"strings"
	"sync"
	"unique"
)

// Most grants have one access token, and many one spent token. Such a grant is one piece
// of memory: what the check before every request reads lies side by side, access token
// first, and the garbage collector has one object to look at.
type (
	packedAccess struct {
		access [1]AccessToken
		Grant
	}
	packedBoth struct {
		access [1]AccessToken
		Grant
		spent [1]Spent
	}
)

// packed returns a copy of g that shares nothing with g but texts: one token that lay in an
// older piece would keep all of that piece in memory.
func (g *Grant) packed() *Grant { return g.with(g.Access, g.Spent) }

// with returns a copy of g with copies of other tokens.
func (g *Grant) with(access []AccessToken, spent []Spent) *Grant {
	switch {
	case len(access) == 1 && len(spent) == 1:
		p := &packedBoth{access: [1]AccessToken(access), Grant: *g, spent: [1]Spent(spent)}
		p.Access, p.Spent = p.access[:], p.spent[:]
		return &p.Grant
	case len(access) == 1 && len(spent) == 0:
		p := &packedAccess{access: [1]AccessToken(access), Grant: *g}
		p.Access, p.Spent = p.access[:], nil
		return &p.Grant
	default:
		next := *g
		next.Access, next.Spent = slices.Clone(access), slices.Clone(spent)
		return &next
	}
}

// maxLists is how many different lists of scopes are in memory once for all grants. There
// are as many as a server has ways to be approved: few.
const maxLists = 1024

// lists are the lists of scopes that many grants have in common.
var lists = struct {
	sync.RWMutex
	known map[string][]string
}{known: make(map[string][]string)}

// shared returns scopes as they are in memory already, or a copy. Nobody changes it. Its
// texts are copies too: a name may be a part of a whole request.
func shared(scopes []string) []string {
	if scopes == nil {
		return nil
	}
	name := strings.Join(scopes, " ")
	lists.RLock()
	list, ok := lists.known[name]
	lists.RUnlock()
	if ok && slices.Equal(list, scopes) {
		return list
	}
	list = make([]string, len(scopes))
	for i, scope := range scopes {
		list[i] = unique.Make(scope).Value()
	}
	lists.Lock()
	defer lists.Unlock()
	if len(lists.known) < maxLists {
		lists.known[strings.Clone(name)] = list
	}
	return list
}
