package main

import (
	"context"
	"log/slog"
)

// setupNotice is a slog.Handler that takes what is logged once about the setup out of
// the log, for the greeting, where a person looks.
type setupNotice struct {
	slog.Handler
	link string // of the setup page, with the token that it needs
	page string // of the setup page, if the token is the operator's own
}

func (n *setupNotice) Handle(ctx context.Context, record slog.Record) error {
	if record.Message != "setup.needed" {
		return n.Handler.Handle(ctx, record)
	}
	record.Attrs(func(attr slog.Attr) bool {
		switch attr.Key {
		case "setup_link":
			n.link = attr.Value.String()
		case "page":
			n.page = attr.Value.String()
		}
		return true
	})
	return nil
}
