package encrypted_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestAfterRotateTheOldKeyCanBeLeftOut(t *testing.T) {
	in := inner(t)
	old, fresh := key(t, oneKey), key(t, otherKey)
	life := time.Now().Add(time.Hour).UTC().Round(0)
	before := over(t, in, old)
	const each = 300 // more than one page
	for _, kind := range store.Kinds() {
		for n := range each {
			create(t, before, store.Key{Kind: kind, ID: fmt.Sprint(n)}, fmt.Sprintf(`{"n": "%s %d"}`, kind, n), life)
		}
	}
	create(t, over(t, in, fresh, old), store.Key{Kind: store.KindGrant, ID: "new"}, `{}`, time.Time{})

	want := encrypted.Counts{Sealed: each * len(store.Kinds()), Kept: 1}
	if got, err := encrypted.Rotate(t.Context(), in, fresh, old); err != nil || got != want {
		t.Fatalf("Rotate = %+v, %v; want %+v", got, err, want)
	}
	want = encrypted.Counts{Kept: want.Sealed + want.Kept}
	if got, err := encrypted.Rotate(t.Context(), in, fresh); err != nil || got != want {
		t.Fatalf("again Rotate = %+v, %v; want %+v", got, err, want)
	}
	after := over(t, in, fresh)
	for _, kind := range store.Kinds() {
		for n := range each {
			record, err := after.Get(t.Context(), store.Key{Kind: kind, ID: fmt.Sprint(n)})
			if err != nil || text(t, record) != fmt.Sprintf(`{"n": "%s %d"}`, kind, n) || record.ExpiresAt != life {
				t.Fatalf("%v, %v", record, err)
			}
		}
	}
	if _, err := before.Get(t.Context(), store.Key{Kind: store.KindUser, ID: "0"}); err == nil || !strings.Contains(err.Error(), "sealed with the key \""+fresh.ID()+"\", and the keys here are "+old.ID()) {
		t.Errorf("with the old key alone Get returned %v", err)
	}
}

func TestRotateMakesNothingTrustworthyThatWasNot(t *testing.T) {
	old, fresh := key(t, oneKey), key(t, otherKey)
	for name, c := range map[string]struct {
		value     any
		complaint string
	}{
		"in the clear":   {map[string]any{"id": "owner"}, "user/owner is not encrypted"},
		"of another key": {map[string]any{"format": 1, "key": "0123456789ab", "sealed": "AAAA"}, "user/owner is sealed with the key \"0123456789ab\""},
		"forged":         {map[string]any{"format": 1, "key": old.ID(), "sealed": "AAAA"}, "user/owner does not open"},
		"forged anew":    {map[string]any{"format": 1, "key": fresh.ID(), "sealed": "AAAA"}, "user/owner does not open"},
	} {
		t.Run(name, func(t *testing.T) {
			in := inner(t)
			owner := store.Key{Kind: store.KindUser, ID: store.OwnerID}
			create(t, over(t, in, old), owner, `{}`, time.Time{})
			overwrite(t, in, owner, c.value, time.Time{})
			before, err := in.Get(t.Context(), owner)
			if err != nil {
				t.Fatal(err)
			}
			counts, err := encrypted.Rotate(t.Context(), in, fresh, old)
			if err == nil || !strings.Contains(err.Error(), c.complaint) || counts != (encrypted.Counts{}) {
				t.Errorf("Rotate = %+v, %v; want %q", counts, err, c.complaint)
			}
			if after, err := in.Get(t.Context(), owner); err != nil || after.Version != before.Version {
				t.Errorf("it was written, %v", err)
			}
		})
	}
}

func TestRotateBesideWritersLosesNoWrite(t *testing.T) {
	in := inner(t)
	old, fresh := key(t, oneKey), key(t, otherKey)
	create(t, over(t, in, old), store.Key{Kind: store.KindGrant, ID: "a"}, `{"n": 0}`, time.Time{})
	b := over(t, in, fresh, old)
	const writers, each = 8, 50
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if err := countUp(t.Context(), b, store.Key{Kind: store.KindGrant, ID: "a"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	// Back and forth, so that there is something to seal each time.
	for range 20 {
		for _, keys := range [][]encrypted.Key{{old, fresh}, {fresh, old}} {
			if _, err := encrypted.Rotate(t.Context(), in, keys...); err != nil {
				t.Error(err)
			}
		}
	}
	all.Wait()
	record, err := b.Get(t.Context(), store.Key{Kind: store.KindGrant, ID: "a"})
	if err != nil || text(t, record) != fmt.Sprintf(`{"n": %d}`, writers*each) {
		t.Errorf("it ends with %s, %v", text(t, record), err)
	}
}

func countUp(ctx context.Context, b store.Backend, key store.Key) error {
	for {
		record, err := b.Get(ctx, key)
		if err != nil {
			return err
		}
		data, err := record.Value.Encode()
		if err != nil {
			return err
		}
		var n int
		if _, err := fmt.Sscanf(string(data), `{"n": %d}`, &n); err != nil {
			return err
		}
		err = b.Replace(ctx, key, record.Version, store.NewEncoded(fmt.Appendf(nil, `{"n": %d}`, n+1)), time.Time{})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func TestRotateLeavesAloneWhatIsDeletedMeanwhile(t *testing.T) {
	in := inner(t)
	old, fresh := key(t, oneKey), key(t, otherKey)
	a := store.Key{Kind: store.KindGrant, ID: "a"}
	create(t, over(t, in, old), a, `{}`, time.Time{})
	counts, err := encrypted.Rotate(t.Context(), &deleting{in}, fresh, old)
	if err != nil || counts.Sealed != 0 {
		t.Errorf("Rotate = %+v, %v", counts, err)
	}
	if _, err := in.Get(t.Context(), a); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is back, %v", err)
	}
}

// deleting deletes each record just before it is replaced.
type deleting struct{ *memory.Backend }

func (d *deleting) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	if err := d.Delete(ctx, key); err != nil {
		return err
	}
	return d.Backend.Replace(ctx, key, version, value, expires)
}

func TestSealPlainSealsWhatIsInTheClear(t *testing.T) {
	in := inner(t)
	tokens := connect(t, in)
	old, fresh := key(t, oneKey), key(t, otherKey)
	life := time.Now().Add(time.Hour).UTC().Round(0)
	create(t, in, store.Key{Kind: store.KindSession, ID: "a"}, `{}`, life)
	create(t, over(t, in, old), store.Key{Kind: store.KindSession, ID: "b"}, `{}`, life)

	counts, err := encrypted.SealPlain(t.Context(), in, fresh, old)
	if err != nil || counts.Sealed < 4 || counts.Kept != 1 {
		t.Fatalf("SealPlain = %+v, %v", counts, err)
	}
	again, err := encrypted.SealPlain(t.Context(), in, fresh, old)
	if want := (encrypted.Counts{Kept: counts.Sealed + counts.Kept}); err != nil || again != want {
		t.Errorf("again SealPlain = %+v, %v; want %+v", again, err, want)
	}
	b := over(t, in, fresh, old)
	if _, _, err := store.New(b, store.Lifetimes{}).Access(t.Context(), tokens.Access, time.Now()); err != nil {
		t.Error(err)
	}
	if record, err := b.Get(t.Context(), store.Key{Kind: store.KindSession, ID: "a"}); err != nil || record.ExpiresAt != life {
		t.Errorf("it expires at %v, want %v; %v", record.ExpiresAt, life, err)
	}
}

func TestSealPlainTakesForSealedOnlyWhatIs(t *testing.T) {
	const complaint = "of the 3 members of a sealed record"
	for data, want := range map[string]string{
		`{"Key": "x"}`:            "",
		`{"Key": 1, "FORMAT": 1}`: "",
		`{"format": 1}`:           complaint,
		`{"sealed": ""}`:          complaint,
		`{"key": "x"}`:            complaint,
		`{"key": null}`:           complaint,
		`{"format": 1, "key": "x", "Sealed": ""}`: complaint,
	} {
		t.Run(data, func(t *testing.T) {
			in := inner(t)
			one := key(t, oneKey)
			a := store.Key{Kind: store.KindGrant, ID: "a"}
			create(t, in, a, data, time.Time{})
			counts, err := encrypted.SealPlain(t.Context(), in, one)
			if want != "" {
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "grant/a") || counts != (encrypted.Counts{}) {
					t.Errorf("SealPlain = %+v, %v", counts, err)
				}
				if record, err := in.Get(t.Context(), a); err != nil || text(t, record) != data {
					t.Errorf("it is %v now, %v", record, err)
				}
				return
			}
			if err != nil || counts != (encrypted.Counts{Sealed: 1}) {
				t.Errorf("SealPlain = %+v, %v", counts, err)
			}
			if record, err := over(t, in, one).Get(t.Context(), a); err != nil || text(t, record) != data {
				t.Errorf("it is %v now, %v", record, err)
			}
		})
	}
}

func TestAPageIsSealedByADatabaseThatCommitsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := memory.New(memory.Options{})
		defer in.Close()
		const count = 300 // more than one page
		for n := range count {
			create(t, in, store.Key{Kind: store.KindGrant, ID: fmt.Sprint(n)}, `{}`, time.Time{})
		}
		counts, err := encrypted.SealPlain(t.Context(), &serial{in, make(chan struct{}, 1)}, key(t, oneKey))
		if want := (encrypted.Counts{Sealed: count}); err != nil || counts != want {
			t.Errorf("SealPlain = %+v, %v; want %+v", counts, err, want)
		}
	})
}

// serial replaces one record after another, slowly, and for each only waits so long.
type serial struct {
	*memory.Backend
	turn chan struct{}
}

func (s *serial) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	select {
	case s.turn <- struct{}{}:
	case <-time.After(5 * time.Second):
		return context.DeadlineExceeded
	}
	defer func() { <-s.turn }()
	time.Sleep(200 * time.Millisecond)
	return s.Backend.Replace(ctx, key, version, value, expires)
}

func TestRotateNeedsKeysAndABackendThatAnswers(t *testing.T) {
	if _, err := encrypted.Rotate(t.Context(), inner(t)); err == nil || !strings.Contains(err.Error(), "there is no key") {
		t.Errorf("without keys Rotate returned %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := encrypted.Rotate(ctx, inner(t), key(t, oneKey)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is done Rotate returned %v", err)
	}
}

// A seal that is interrupted and begun again with another key would leave a store that no key
// reads whole, and say that all is well.
func TestSealPlainKeepsOnlyWhatItsKeysOpen(t *testing.T) {
	in := inner(t)
	old, fresh := key(t, oneKey), key(t, otherKey)
	create(t, over(t, in, old), store.Key{Kind: store.KindSession, ID: "b"}, `{}`, time.Time{})
	counts, err := encrypted.SealPlain(t.Context(), in, fresh)
	if err == nil || counts.Kept != 0 || !strings.Contains(err.Error(), "sealed with the key") || !strings.Contains(err.Error(), "add that one") {
		t.Errorf("SealPlain = %+v, %v", counts, err)
	}
}

// The time beside a record is as good as whoever can write to the database.
func TestRotateProlongsNothing(t *testing.T) {
	in := inner(t)
	old, fresh := key(t, oneKey), key(t, otherKey)
	a, life := store.Key{Kind: store.KindSession, ID: "a"}, time.Now().Add(time.Hour).UTC().Round(0)
	create(t, over(t, in, old), a, `{}`, life)
	overwrite(t, in, a, envelopeOf(t, in, a), time.Time{})
	if _, err := encrypted.Rotate(t.Context(), in, fresh, old); err != nil {
		t.Fatal(err)
	}
	if record, err := over(t, in, fresh).Get(t.Context(), a); err != nil || record.ExpiresAt != life {
		t.Errorf("it expires at %v, want %v; %v", record.ExpiresAt, life, err)
	}
}

func TestARecordThatDoesNotOpenStandsForItselfAloneInAList(t *testing.T) {
	in := inner(t)
	b := over(t, in, key(t, oneKey))
	for _, id := range []string{"a", "b", "c"} {
		create(t, b, store.Key{Kind: store.KindGrant, ID: id}, `{}`, time.Time{})
	}
	overwrite(t, in, store.Key{Kind: store.KindGrant, ID: "a"}, map[string]any{}, time.Time{})
	listed, err := b.List(t.Context(), store.KindGrant, "", "", 10)
	if err != nil || len(listed) != 3 {
		t.Fatalf("List = %v, %v", listed, err)
	}
	if _, err := listed[0].Value.Encode(); err == nil || !strings.Contains(err.Error(), "grant/a is not encrypted") {
		t.Errorf("what does not open is %v", err)
	}
	st := store.New(b, store.Lifetimes{})
	for _, err := range st.Grants(t.Context(), "") {
		if err == nil || !strings.Contains(err.Error(), "grant/a is not encrypted") {
			t.Errorf("to list them is %v", err)
		}
		break
	}
	if ended, err := st.RevokeGrants(t.Context(), "", nil); err != nil || len(ended) != 3 {
		t.Errorf("%d of 3 have ended, %v", len(ended), err)
	}
}
