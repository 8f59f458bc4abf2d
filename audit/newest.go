package audit

import (
	"slices"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// maxCrowd is how many of the events that are kept may be of those that anybody can cause.
	maxCrowd = Kept / 3

	// maxShare is how many one client may have, and one person who is not the
	// owner; and as many again of those that anybody can cause.
	maxShare = Kept / 6
)

// newest returns the last n events, the oldest first. Of those that anybody can cause it
// has no more than maxCrowd, and of no one's more than maxShare. They come to lie at the
// end of the slice, over those that are left out.
func newest(events []store.Event, n int) []store.Event {
	first := len(events)
	taken := make(shares)
	for _, e := range slices.Backward(events) {
		if len(events)-first == n {
			break
		}
		if taken.admit(e) {
			first--
			events[first] = e
		}
	}
	return events[first:]
}

// A share is what one client or person has of the events that anybody can cause, or of the
// others; without either, it is all that anybody can cause.
type share struct {
	crowd        bool
	client, user string
}

// sharesOf returns the shares that e counts to. The owner has none: what they do hides
// nothing from them.
func sharesOf(e store.Event) []share {
	crowd := meanings[e.Name].crowd
	of := make([]share, 0, 3)
	if crowd {
		of = append(of, share{crowd: true})
	}
	if e.ClientID != "" {
		of = append(of, share{crowd: crowd, client: e.ClientID})
	}
	if e.UserID != "" && e.UserID != store.OwnerID {
		of = append(of, share{crowd: crowd, user: e.UserID})
	}
	return of
}

func (s share) most() int {
	if s.client == "" && s.user == "" {
		return maxCrowd
	}
	return maxShare
}

// shares counts the events of each share.
type shares map[share]int

// admit counts e, unless a share that it counts to is full.
func (s shares) admit(e store.Event) bool {
	of := sharesOf(e)
	if slices.ContainsFunc(of, func(one share) bool { return s[one] >= one.most() }) {
		return false
	}
	for _, one := range of {
		s[one]++
	}
	return true
}
