package store_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestATrimmedGrantHasAllThatAnybodyCanAskFor(t *testing.T) {
	now := time.Now()
	old, newer := store.Spent{Until: store.At(now.Add(-2 * time.Hour))}, store.Spent{Until: store.At(now.Add(-time.Minute))}
	grant := &store.Grant{
		ID: "g", ClientID: "client", Scopes: []string{"a"}, RefreshHash: [32]byte{3}, CodeHash: [32]byte{4},
		Access: []store.AccessToken{{Hash: [32]byte{5}, Scopes: []string{"a"}, ExpiresAt: store.At(now.Add(time.Hour))}},
		Spent:  []store.Spent{old, newer},
	}
	before := encoded(t, grant)

	value, ok := store.Trim(grant, now)
	if !ok {
		t.Fatal("nothing was left out")
	}
	want := *grant
	want.Spent = []store.Spent{newer}
	if got, want := encoded(t, value), encoded(t, &want); !bytes.Equal(got, want) {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if got := encoded(t, grant); !bytes.Equal(got, before) {
		t.Error("the grant that others may hold has changed")
	}
	if _, again := store.Trim(value, now); again {
		t.Error("there is always something")
	}
}

// A request that began before the grace period's end may wait for a stalled disk.
func TestSuccessorsAreKeptLongerThanARequestWaits(t *testing.T) {
	now := time.Now()
	if _, ok := store.Trim(&store.Grant{Spent: []store.Spent{{Until: store.At(now.Add(-time.Hour + time.Second))}}}, now); ok {
		t.Error("they are gone")
	}
}

func TestWhatIsNotDecodedYetIsNotTrimmed(t *testing.T) {
	if _, ok := store.Trim(store.NewEncoded([]byte(`{}`)), time.Now()); ok {
		t.Error("something was left out")
	}
}

func encoded(t *testing.T, v store.Value) []byte {
	t.Helper()
	data, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
