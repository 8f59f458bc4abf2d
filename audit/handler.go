package audit

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// Handler returns a handler that hands every record on to next as it came, if next takes
// it, and notes those that are events. Events have the level info at least, and are noted
// whatever level next takes.
func (j *Journal) Handler(next slog.Handler) slog.Handler { return &handler{next: next, journal: j} }

type handler struct {
	next    slog.Handler
	journal *Journal
	attrs   []slog.Attr
	grouped bool // what comes now has a name before it that no event knows
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if _, ok := meanings[r.Message]; ok {
		h.journal.note(h.event(ctx, r))
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.next = h.next.WithAttrs(attrs)
	if !h.grouped {
		with.attrs = slices.Concat(h.attrs, attrs)
	}
	return &with
}

func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.next = h.next.WithGroup(name)
	with.grouped = h.grouped || name != ""
	return &with
}

// told are the attributes that an event has in its Detail. Others are left out until
// somebody has thought about them: the setup link is one.
var told = []string{
	"by", "client_name", "error", "everywhere", "expires", "grant_type", "limit", "name", "passkey", "reason",
	"redirect_uri", "repeated", "resource", "scopes", "used",
}

// Bounds of what strangers can write into an event, in bytes.
const (
	maxText   = 256
	maxDetail = 600
)

func (h *handler) event(ctx context.Context, r slog.Record) store.Event {
	e := store.Event{Time: r.Time.UTC().Round(0), Name: r.Message, From: from(ctx)}
	var space [maxDetail]byte
	detail := space[:0]
	note := func(a slog.Attr) bool {
		switch text := cut(words(a.Value.Resolve()), maxText); {
		case a.Key == "user_id":
			e.UserID = text
		case a.Key == "client_id":
			e.ClientID = text
		case a.Key == "grant_id":
			e.GrantID = text
		case a.Key == "from":
			e.From = text
		case slices.Contains(told, a.Key) && text != "":
			if len(detail) > 0 {
				detail = append(detail, ' ')
			}
			detail = append(append(detail, a.Key...), '=')
			detail = appendQuoted(detail, text)
		}
		return true
	}
	for _, a := range h.attrs {
		note(a)
	}
	if !h.grouped {
		r.Attrs(note)
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC().Round(0)
	}
	e.Detail = cut(string(detail), maxDetail)
	return e
}

// words is the String of v, which for a bool makes two allocations.
func words(v slog.Value) string {
	if v.Kind() == slog.KindBool {
		return strconv.FormatBool(v.Bool())
	}
	return v.String()
}

func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// appendQuoted keeps one value from passing for several.
func appendQuoted(to []byte, s string) []byte {
	if strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == '"' || c == '=' || !strconv.IsPrint(c) }) {
		return strconv.AppendQuote(to, s)
	}
	return append(to, s...)
}
