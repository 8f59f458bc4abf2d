package account

import (
	"context"
	"net/url"
	"time"

	"github.com/mcpoauth/mcpoauth/templates"
)

// eventsShown is how many events the pages have: what is older is in the log.
const eventsShown = 300

// A Recorder remembers what happened lately.
type Recorder interface {
	// Recent returns up to n events, the newest first.
	Recent(ctx context.Context, n int) ([]Event, error)
}

// An Event is something that happened. Only At and Name are always there.
type Event struct {
	At       time.Time
	Name     string // stable: token.issued
	Text     string // in words
	Detail   string // what else is known
	UserID   string
	ClientID string
	GrantID  string
	From     string // a network, not an address
}

func (h *Handler) eventsPage(v *visit) error {
	ctx := v.r.Context()
	if h.Events == nil {
		return errNotFound
	}
	frame, err := h.frame(v, "/account/events")
	if err != nil {
		return err
	}
	events, err := h.Events.Recent(ctx, eventsShown)
	if err != nil {
		return wrap("reading the events", err)
	}
	people, err := h.personNames(ctx)
	if err != nil {
		return err
	}
	several := len(people) > 1
	at := turn(len(events), v.r.URL.Query().Get("page"), "/account/events", make(url.Values))
	page := templates.Events{Account: frame, Previous: at.previous, Next: at.next}
	clients := map[string]string{"": ""}
	for _, e := range events[at.from:at.to] {
		name, known := clients[e.ClientID]
		if !known {
			if name, err = h.clientName(ctx, e.ClientID); err != nil {
				return err
			}
			clients[e.ClientID] = name
		}
		shown := templates.Event{At: templates.NewWhen(e.At, v.now), Name: e.Name, Text: e.Text, Detail: e.Detail, Client: name, From: e.From}
		if several {
			shown.Person = people[e.UserID]
		}
		page.Events = append(page.Events, shown)
	}
	return h.render(v, page)
}
