package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
)

func runSeal(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("seal", t)
	v.asks()
	if err := v.parseNone("seal [FLAGS]", args); err != nil {
		return err
	}
	return v.reseal(ctx, encrypted.SealPlain, func() error {
		return v.confirm(ctx, "This encrypts "+v.place.String()+". Without the key nobody can read it ever again.\nEvery server on it has to be stopped. Are they, and is a copy of the key in a safe place?")
	})
}

func runRotate(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("rotate", t)
	if err := v.parseNone("rotate [FLAGS]", args); err != nil {
		return err
	}
	return v.reseal(ctx, encrypted.Rotate, func() error { return nil })
}

type resealing func(ctx context.Context, inner store.Backend, keys ...encrypted.Key) (encrypted.Counts, error)

// reseal runs one of the two that encrypt what is in a store with the first key.
func (v *storeVerb) reseal(ctx context.Context, do resealing, confirm func() error) (err error) {
	if len(v.keys) == 0 {
		return errors.New("there is no key; set " + envKeys + " to the keys, with commas between, the newest first; make one with: openssl rand -base64 32")
	}
	log := slog.New(slog.NewTextHandler(v.t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	kept, err := openKept(ctx, v.place, false, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	if err := confirm(); err != nil {
		return err
	}
	counts, err := do(ctx, &watched{Backend: kept, v: v, passes: []string{"went through"}}, v.keys...)
	if err != nil {
		return fmt.Errorf("%w\n%s had been encrypted by then; run it again to go on", err, count(counts.Sealed, "record"))
	}
	result := map[string]any{"sealed": counts.Sealed, "kept": counts.Kept, "key": v.keys[0].ID()}
	return v.show(result, func(p *printer) {
		p.printf("Encrypted %s with the key %s; %d had been before.\n", count(counts.Sealed, "record"), v.keys[0].ID(), counts.Kept)
	})
}
