package store

import (
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func grantOf(access, spent int) *Grant {
	g := &Grant{ID: "g", UserID: "u", Scopes: []string{"a"}}
	for i := range access {
		g.Access = append(g.Access, AccessToken{Hash: Hash{1, byte(i)}, Scopes: g.Scopes, ExpiresAt: Instant(i + 1)})
	}
	for i := range spent {
		g.Spent = append(g.Spent, Spent{Until: Instant(i + 1)})
	}
	return g
}

func TestAPackedGrantIsTheSameAndSharesNoTokens(t *testing.T) {
	for access := range 4 {
		for spent := range 4 {
			g := grantOf(access, spent)
			packed := g.packed()
			if !reflect.DeepEqual(packed, g) {
				t.Errorf("%d access tokens and %d spent: got %+v, want %+v", access, spent, packed, g)
			}
			for i := range packed.Access {
				packed.Access[i].ExpiresAt = 99
			}
			for i := range packed.Spent {
				packed.Spent[i].Until = 99
			}
			if !reflect.DeepEqual(g, grantOf(access, spent)) {
				t.Errorf("%d access tokens and %d spent: they are the other's too", access, spent)
			}
			if again := packed.packed(); !reflect.DeepEqual(again, packed) || access > 0 && &again.Access[0] == &packed.Access[0] {
				t.Errorf("%d access tokens and %d spent: packed again, they are not its own", access, spent)
			}
		}
	}
}

// A scope is a part of the request that asked for it, which may be long.
func TestASharedListHoldsNoMoreThanItsNames(t *testing.T) {
	known := lists.known
	t.Cleanup(func() { lists.known = known })
	lists.known = make(map[string][]string)
	const requests, length = 32, 1 << 20
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	for i := range requests {
		request := strings.Repeat("x", length) + fmt.Sprint("name-", i)
		shared([]string{request[length:]})
		shared([]string{request[length:], request[length+1:]})
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	if held := int(m.HeapAlloc) - int(before); held > requests*length/2 {
		t.Errorf("%d bytes are held for %d names", held, 2*requests)
	}
}

// A million grants are a million objects, and not four million.
func TestAGrantOfOneTokenIsOnePieceOfMemory(t *testing.T) {
	for spent := range 2 {
		g := grantOf(1, spent)
		if got := testing.AllocsPerRun(100, func() { g.packed() }); got != 1 {
			t.Errorf("with %d spent: %v pieces", spent, got)
		}
	}
}

func TestOnlySoManyListsOfScopesAreShared(t *testing.T) {
	before := maps.Clone(lists.known)
	t.Cleanup(func() { lists.known = before })
	first := []string{"first", "list"}
	if one, other := shared(first), shared(slices.Clone(first)); &one[0] != &other[0] || &one[0] == &first[0] {
		t.Error("two equal lists are two in memory, or somebody else's")
	}
	for i := range 2 * maxLists {
		list := []string{fmt.Sprint("scope-", i), "b"}
		if got := shared(list); !slices.Equal(got, list) || &got[0] == &list[0] {
			t.Fatalf("%q became %q", list, got)
		}
	}
	if n := len(lists.known); n != maxLists {
		t.Errorf("%d lists are known, want %d", n, maxLists)
	}
	own := []string{"mine"}
	kept := shared(own)
	own[0] = "changed"
	if kept[0] != "mine" {
		t.Error("who asked can change it")
	}
	if shared(nil) != nil {
		t.Error("no list became one")
	}
	// A name with a space in it must not pass for two.
	if got := shared([]string{"first list"}); !slices.Equal(got, []string{"first list"}) {
		t.Errorf("got %q", got)
	}
}
