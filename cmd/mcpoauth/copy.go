package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const copySynopsis = `copy --from STORE --to STORE [FLAGS]

A STORE is files:DIRECTORY, or the URL of a database: redis://... or postgres://...
Records that are encrypted are copied as they are, and stay so.

From the environment, if set:
  ` + envStore + `
    	what --from is if it is absent: for a URL with a password
  ` + envStoreTo + `
    	what --to is if it is absent`

func runCopy(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("copy", t)
	v.asks()
	fromName := v.String("from", "", "the `store` to copy from, which no server may be using")
	toName := v.String("to", "", "the `store` to copy to, which has to be empty, or to hold the beginning of this copy")
	rest, err := parseAnywhere(v.FlagSet, copySynopsis, args, t.out)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q; -h lists the flags", rest[0])
	}
	from, errFrom := parseEnd("--from", cmp.Or(*fromName, t.env(envStore)))
	to, errTo := parseEnd("--to", cmp.Or(*toName, t.env(envStoreTo)))
	if err := errors.Join(errFrom, errTo); err != nil {
		return err
	}
	return v.copy(ctx, from, to)
}

func parseEnd(name, value string) (place, error) {
	if value == "" {
		return place{}, fmt.Errorf("%s is missing; give it files:DIRECTORY or the URL of a database", name)
	}
	p, err := parsePlace(value, ".")
	if err != nil {
		return place{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

func (v *storeVerb) copy(ctx context.Context, from, to place) (err error) {
	log := slog.New(slog.NewTextHandler(v.t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	source, err := openKept(ctx, from, false, log)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if err := v.confirmStopped(ctx, from, to); err != nil {
		return err
	}
	target, err := openKept(ctx, to, true, log)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	copied, err := store.Copy(ctx, target, &watched{Backend: source, v: v, passes: []string{"copied", "compared"}})
	if err != nil {
		return fmt.Errorf("%w\nThe source is as it was. Start no server on the target before the same command has succeeded", err)
	}
	return v.showCopied(copied, from, to)
}

// confirmStopped asks what only a person knows: the lock of files proves that no server
// has them, and of a database nothing does.
func (v *storeVerb) confirmStopped(ctx context.Context, from, to place) error {
	if from.kind == filesStore && to.kind == filesStore {
		return nil
	}
	return v.confirm(ctx, fmt.Sprintf("From %s\n  to %s.\nEvery server on either has to be stopped: what one writes meanwhile would be lost. Are they?", from, to))
}

func (v *storeVerb) showCopied(copied store.Copied, from, to place) error {
	all := 0
	for _, n := range copied {
		all += n
	}
	return v.show(map[string]any{"copied": copied, "records": all}, func(p *printer) {
		for _, kind := range store.Kinds() {
			if n := copied[kind]; n > 0 {
				p.printf("%8d  %s\n", n, kind)
			}
		}
		p.printf("\nCopied %s from %s\nto %s, and compared them one by one.\nStart the server on the copy, and keep the source until it runs.\n", count(all, "record"), from, to)
	})
}

// A watched backend tells how far somebody has come who lists it.
type watched struct {
	store.Backend

	v      *storeVerb
	passes []string // what is done in each pass through a kind
	pass   map[store.Kind]int
	listed int
	told   time.Time
}

// List implements store.Backend, for one goroutine.
func (w *watched) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	records, err := w.Backend.List(ctx, kind, prefix, after, limit)
	if after == "" {
		if w.pass == nil {
			w.pass, w.told = make(map[store.Kind]int), time.Now()
		}
		w.pass[kind]++
		w.listed = 0
	}
	w.listed += len(records)
	if time.Since(w.told) >= time.Second && w.pass[kind] <= len(w.passes) {
		w.told = time.Now()
		fmt.Fprintf(w.v.t.err, "%s %s so far\n", w.passes[w.pass[kind]-1], count(w.listed, string(kind)))
	}
	return records, err
}
