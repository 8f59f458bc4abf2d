package redis

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestWhatWasCreatedSinceItWasMissedStaysInTheIndex(t *testing.T) {
	b, err := Open(t.Context(), "redis://"+realserver.Redis(t).Addr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	key := store.Key{Kind: "grant", ID: "a"}
	if err := b.Create(t.Context(), key, store.NewEncoded([]byte(`{}`)), time.Time{}); err != nil {
		t.Fatal(err)
	}
	b.client.Do(t.Context(), b.forget(key))
	if listed, err := b.List(t.Context(), key.Kind, "", "", 10); err != nil || len(listed) != 1 {
		t.Errorf("%d records are listed, %v", len(listed), err)
	}
}
