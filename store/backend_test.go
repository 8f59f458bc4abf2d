package store_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestEveryRecordComesBackFromItsJSON(t *testing.T) {
	hash := store.Hash{1, 2, 3}
	now := time.Date(2026, 7, 28, 12, 0, 0, 123456789, time.UTC)
	for _, record := range []store.Value{
		&store.User{ID: "owner", Handle: []byte{1}, CreatedAt: now, Passkeys: []store.Passkey{{ID: []byte{2}, PublicKey: []byte{3}, Transports: []string{"usb"}, SignCount: 7, BackedUp: true, CreatedAt: now, UsedAt: now}}},
		&store.Client{ID: "c", SecretHash: hash, Name: "<&>", RedirectURIs: []string{"http://localhost/cb"}, Contacts: []string{"a"}, CreatedAt: now},
		&store.Grant{ID: "g", Scopes: []string{"a"}, CreatedAt: store.At(now), CodeHash: hash, Code: &store.Code{Challenge: "c", ExpiresAt: now}, FamilyHash: hash, RefreshHash: hash, Access: []store.AccessToken{{Hash: hash, Scopes: []string{"a"}, ExpiresAt: store.At(now)}}, Spent: []store.Spent{{Until: store.At(now), Successors: [92]byte{9}}}},
		&store.Ceremony{ID: "c", BrowserHash: hash, Session: json.RawMessage(`{"a":1}`)},
	} {
		data, err := record.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(record).Elem()).Interface()
		if err := json.Unmarshal(data, back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, any(record)) {
			t.Errorf("%T came back as %+v", record, back)
		}
	}
}

func TestARecordThatCannotBeDecodedIsTroubleAndNotMissing(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	for id, value := range map[string]store.Value{
		"not its type": store.NewEncoded([]byte(`{"client_id":1}`)),
		"another type": &store.Grant{},
	} {
		key := store.Key{Kind: store.KindClient, ID: id}
		if err := s.backend.Create(t.Context(), key, value, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := s.Client(t.Context(), id); err == nil || err == store.ErrNotFound {
				t.Errorf("%s: got the error %v", id, err)
			}
		}
	}
}
