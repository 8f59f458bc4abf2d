package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"

	"github.com/mcpoauth/mcpoauth/audit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
)

// A storeVerb is the command line of a verb that works on a store.
type storeVerb struct {
	*flag.FlagSet

	t     terminal
	place place
	keys  []encrypted.Key
	json  bool
	yes   bool
}

func newStoreVerb(name string, t terminal) *storeVerb {
	v := &storeVerb{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), t: t}
	v.BoolVar(&v.json, "json", false, "write one JSON object, for machines")
	return v
}

// asks lets a verb that destroys something be told not to ask.
func (v *storeVerb) asks() { v.BoolVar(&v.yes, "yes", false, "do it without asking") }

// parse reads a verb's own flags and those that all have, and returns what stands between
// or behind them.
func (v *storeVerb) parse(synopsis string, args []string) (rest []string, err error) {
	v.String("store", "", "where the server keeps its records: `files`, files:DIRECTORY, or the URL of a database, redis://... or postgres://... (default files)")
	v.String("data", ".", "the `directory` of passkeys.json and state.json")
	if rest, err = parseAnywhere(v.FlagSet, synopsis+"\n"+storeEnvironment, args, v.t.out); err != nil {
		return nil, err
	}
	v.place, err = givenPlace(v.FlagSet, v.t.env)
	if err == nil {
		v.keys, err = parseKeys(v.t.env(envKeys))
	}
	return rest, err
}

// parseNone is parse for a verb that has flags only.
func (v *storeVerb) parseNone(synopsis string, args []string) error {
	rest, err := v.parse(synopsis, args)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unexpected argument %q; -h lists the flags", rest[0])
	}
	return err
}

// An admin is a verb at work on the store.
type admin struct {
	*storeVerb

	store *store.Store
	log   *slog.Logger // of events, which the owner sees on the account pages
}

// do opens the store, and closes it when work is done.
func (v *storeVerb) do(ctx context.Context, work func(admin) error) (err error) {
	log := slog.New(slog.NewTextHandler(v.t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	kept, err := openKept(ctx, v.place, false, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	backend, err := unsealed(ctx, kept, v.keys)
	if err != nil {
		return err
	}
	s := store.New(backend, store.Lifetimes{})
	journal := audit.New(nil, log)
	journal.SaveTo(s)
	defer journal.Close()
	return work(admin{v, s, slog.New(journal.Handler(slog.DiscardHandler))})
}

// show writes the outcome of a verb, for people or for machines.
func (v *storeVerb) show(value any, text func(*printer)) (err error) {
	if v.json {
		err = writeJSON(v.t, value)
	} else {
		p := &printer{out: v.t.out}
		text(p)
		err = p.failed
	}
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}

// by is how the journal names who did something.
func (v *storeVerb) by() slog.Attr { return slog.String("by", "mcpoauth "+v.Name()) }

// person returns who has an ID or, in whatever case, a name.
func (a admin) person(ctx context.Context, nameOrID string) (*store.User, error) {
	users, err := a.store.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading people: %w", err)
	}
	var named []*store.User
	for _, u := range users {
		if u.ID == nameOrID {
			return u, nil
		}
		if strings.EqualFold(u.Name, nameOrID) {
			named = append(named, u)
		}
	}
	switch len(named) {
	case 0:
		return nil, finding(fmt.Sprintf("there is no person of the name or ID %q; mcpoauth people lists them", nameOrID))
	case 1:
		return named[0], nil
	}
	return nil, finding(fmt.Sprintf("%d people are called %q; use the ID, which mcpoauth people lists", len(named), nameOrID))
}
