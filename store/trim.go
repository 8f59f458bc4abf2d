package store

import (
	"time"
	"unique"
)

// patience is longer than any request waits for its turn, at a disk that stalls too.
const patience = time.Hour

// Trim returns what value is without that which nobody will ask of it any more; ok is
// false if there is nothing to leave out. A backend that keeps records in its own memory
// calls it now and then. To everybody else the record is the same.
func Trim(value Value, now time.Time) (trimmed Value, ok bool) {
	if e, encoded := value.(*Encoded); encoded {
		// Once it is decoded nobody needs the bytes.
		if value, ok = e.decoded.Load().(Value); !ok {
			return nil, false
		}
	}
	if g, is := value.(*Grant); is && g.outlived(now) > 0 {
		return g.trim(now), true
	}
	return value, ok
}

// outlived counts the successors that nobody gets again. They are the oldest.
func (g *Grant) outlived(now time.Time) (n int) {
	for n < len(g.Spent) && g.Spent[n].over(now.Add(-patience)) {
		n++
	}
	return n
}

func (g *Grant) trim(now time.Time) *Grant {
	return g.with(g.Access, g.Spent[g.outlived(now):])
}

// over reports whether a repeat that began at that time is a reuse.
func (s *Spent) over(began time.Time) bool { return !s.Until.After(began) }

// shareTexts makes g hold the texts that many grants have in common once for all.
func (g *Grant) shareTexts() {
	for _, text := range []*string{&g.UserID, &g.UserName, &g.ClientID, &g.RedirectURI, &g.Resource} {
		*text = unique.Make(*text).Value()
	}
	g.Scopes = shared(g.Scopes)
	for i := range g.Access {
		g.Access[i].Scopes = shared(g.Access[i].Scopes)
	}
}
