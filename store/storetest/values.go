package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var values = []rule{
	{"a value of up to a mebibyte is kept", func(s *subject) {
		for _, size := range []int{0, 1, 1 << 10, 8 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
			large := text(strings.Repeat("0123456789abcdef", size/16+1)[:size])
			id := fmt.Sprint(size)
			s.create(id, large)
			s.holds(id, large)
			s.same(s.list(id, "", 1)[0].Value, large)
			s.replace(id, s.get(id).Version, number(1))
			s.holds(id, number(1))
			s.replace(id, s.get(id).Version, large)
			s.holds(id, large)
			s.delete(id)
		}
	}},
	{"a value keeps every character", func(s *subject) {
		odd := text("\x00 \t\r\n \" \\ ' ` % $1 <&> \u2028 é 漢 🔑")
		s.create("odd", odd)
		s.holds("odd", odd)
	}},
	{"a value keeps what it is made of, to the last digit", func(s *subject) {
		// Whoever takes it apart on the way, in Lua for one, makes {} of [] and
		// rounds what does not fit a float.
		odd := store.NewEncoded([]byte(`{"": "", "null": null, "yes": true, "list": [], "map": {}, "lists": [[], [[]], {}], "big": 18446744073709551615, "less": -9007199254740993, "part": 1.5}`))
		s.create("odd", odd)
		s.holds("odd", odd)
	}},
	{"an ID may be any printable ASCII, in 2048 bytes", func(s *subject) {
		ids := oddIDs()
		for i, id := range ids {
			s.create(id, number(i))
		}
		for i, id := range ids {
			s.holds(id, number(i))
		}
		for i, id := range ids {
			if i%2 == 0 {
				s.delete(id)
			}
		}
		for i, id := range ids {
			if i%2 == 0 {
				s.gone(id)
			} else {
				s.holds(id, number(i))
			}
		}
	}},
}

// oddIDs are legal, and each is another record for somebody who quotes, folds,
// trims or cuts.
func oddIDs() []string {
	var printable strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		printable.WriteByte(c)
	}
	long := strings.Repeat("x", 2047)
	return []string{
		"a", "A", "Z", "_", "a.", "a-", "a_", "a~", "aB", "..", ".", "-", "~",
		"https://client.example/oauth?x=1&y=%20#z", "https://client.example/oauth?x=1&y= #z",
		"a/b", "a//b", "a:b", "a*", "a%", "a?", "a[b]", "{a}", `a\`, `a"`, "a'", "a'; --", "$1", " a", "a ",
		"null", "0", "00", "true", printable.String(), long + "1", long + "2",
	}
}

var owned = []rule{
	{"the bytes of a value are the caller's own", func(s *subject) {
		handed := number(1)
		s.create("a", handed)
		s.scribble(handed)
		s.holds("a", number(1))
		s.replace("a", s.get("a").Version, handed)
		s.scribble(handed)
		s.holds("a", number(1))

		kept := s.get("a").Value
		s.scribble(kept, s.get("a").Value, s.list("", "", 1)[0].Value)
		if b, ok := s.backend.(store.CachingBackend); ok {
			for range 2 {
				record, err := b.GetCached(s.Context(), s.key("a"))
				if err != nil {
					s.Fatal(err)
				}
				s.same(record.Value, number(1))
				s.scribble(record.Value)
			}
		}
		s.same(kept, number(1))
		s.holds("a", number(1))
		s.same(s.list("", "", 1)[0].Value, number(1))
	}},
	{"a record that was returned stays as it was", func(s *subject) {
		s.createUntil("a", number(1), time.Now().Add(time.Hour))
		got, listed := s.get("a"), s.list("", "", 1)
		before := got
		s.replace("a", got.Version, number(2))
		s.delete("a")
		s.create("a", number(3))
		s.list("", "", 1)
		for _, record := range []store.Record{got, listed[0]} {
			s.same(record.Value, number(1))
			if record.Version != before.Version || !record.ExpiresAt.Equal(before.ExpiresAt) {
				s.Errorf("it became version %d, which expires at %v", record.Version, record.ExpiresAt)
			}
		}
	}},
}

// scribble writes over what each value returns as its encoding.
func (s *subject) scribble(values ...store.Value) {
	s.Helper()
	for _, value := range values {
		data, err := value.Encode()
		if err != nil {
			s.Fatal(err)
		}
		for i := range data {
			data[i] = '#'
		}
	}
}
