package mcpoauth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A watched backend remembers what is asked of it, as "get grant" or "create
// ceremony", and fails when it is told to.
type watched struct {
	store.Backend

	mu     sync.Mutex // guards what follows
	calls  []string
	refuse string // calls that begin so fail; " " is none, "" all
	forget string // calls that begin so are carried out, but fail all the same
}

const nothing = " "

func watch(backend store.Backend) *watched {
	return &watched{Backend: backend, refuse: nothing, forget: nothing}
}

var errBroken = errors.New("the disk is on fire")

func (w *watched) before(verb string, kind store.Kind) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	call := verb + " " + string(kind)
	w.calls = append(w.calls, call)
	if strings.HasPrefix(call, w.refuse) {
		return errBroken
	}
	return nil
}

func (w *watched) after(verb string, kind store.Kind, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && strings.HasPrefix(verb+" "+string(kind), w.forget) {
		return errBroken
	}
	return err
}

// breakDown makes the calls of that prefix fail before they do anything.
func (w *watched) breakDown(prefix string) { w.set(prefix, nothing) }

// loseAnswers makes the calls of that prefix fail after they were carried out.
func (w *watched) loseAnswers(prefix string) { w.set(nothing, prefix) }

func (w *watched) mend() { w.set(nothing, nothing) }

func (w *watched) set(refuse, forget string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse, w.forget = refuse, forget
}

// seen returns the calls since the last time it was asked.
func (w *watched) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

func (w *watched) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := w.before("get", key.Kind); err != nil {
		return store.Record{}, err
	}
	return w.Backend.Get(ctx, key)
}

func (w *watched) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	if err := w.before("create", key.Kind); err != nil {
		return err
	}
	return w.after("create", key.Kind, w.Backend.Create(ctx, key, value, expires))
}

func (w *watched) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	if err := w.before("replace", key.Kind); err != nil {
		return err
	}
	return w.after("replace", key.Kind, w.Backend.Replace(ctx, key, version, value, expires))
}

func (w *watched) Delete(ctx context.Context, key store.Key) error {
	if err := w.before("delete", key.Kind); err != nil {
		return err
	}
	return w.after("delete", key.Kind, w.Backend.Delete(ctx, key))
}

func (w *watched) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	if err := w.before("list", kind); err != nil {
		return nil, err
	}
	return w.Backend.List(ctx, kind, prefix, after, limit)
}
