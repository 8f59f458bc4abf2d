package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A meddler does something just before a record is changed or removed, once.
type meddler struct {
	store.Backend
	before func()
}

func (m *meddler) meddle() {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
}

func (m *meddler) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	m.meddle()
	return m.Backend.Replace(ctx, key, version, value, expires)
}

func (m *meddler) Delete(ctx context.Context, key store.Key) error {
	m.meddle()
	return m.Backend.Delete(ctx, key)
}

// Between its expiry and the next sweep a registration is there and yet is not.
func TestARegistrationThatRanOutBeginsAnewAndIsNeverTakenFromWhoApprovesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		defer backend.Close()
		m := &meddler{Backend: backend}
		s, other := store.New(m, store.Lifetimes{}), store.New(backend, store.Lifetimes{})
		register := func(id, name string) *store.Client {
			t.Helper()
			if err := s.RegisterClient(t.Context(), &store.Client{ID: id, Name: name}); err != nil {
				t.Fatal(err)
			}
			client, err := s.Client(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return client
		}
		time.Sleep(30 * time.Second) // half way between two sweeps
		first := register("a", "first")
		register("b", "first")
		time.Sleep(store.UnusedClient)
		if again := register("b", "again"); again.Name != "again" {
			t.Errorf("one that ran out is still %q", again.Name)
		}
		m.before = func() {
			if _, err := other.Approve(t.Context(), store.Approval{UserID: store.OwnerID, Client: first}); err != nil {
				t.Error(err)
			}
		}
		if kept := register("a", "again"); kept.ApprovedAt.IsZero() || m.before != nil {
			t.Errorf("the approval is lost: %+v", kept)
		}
	})
}
