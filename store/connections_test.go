package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// alike makes two people whose grants stand side by side in every list.
func (s *server) alike() (one, two *store.User) {
	s.Helper()
	seen := make(map[string]string)
	for {
		id := secret.NewID()
		other, found := seen[secret.Tag(id)]
		if !found {
			seen[secret.Tag(id)] = id
			continue
		}
		for _, id := range []string{id, other} {
			s.is(s.CreateUser(s.Context(), store.User{ID: id, Name: id, Passkeys: []store.Passkey{{ID: []byte(id)}}}), nil)
		}
		return s.user(id), s.user(other)
	}
}

func TestWhatIsDoneToOnePersonsGrantsLeavesThoseOfAnotherWhoseIDsBeginAlike(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann, bob := s.alike()
	anns, bobs := s.key(ann.ID, "a"), s.key(bob.ID, "b")
	if s.grantsOf(ann.ID) != 1 || s.grantsOf(bob.ID) != 1 || s.grantsOf("") != 2 {
		t.Errorf("they have %d and %d, everybody %d", s.grantsOf(ann.ID), s.grantsOf(bob.ID), s.grantsOf(""))
	}
	s.is(s.RenameUser(t.Context(), ann.ID, "Ann"), nil)
	if g, _, err := s.Access(t.Context(), bobs, time.Now()); err != nil || g.UserName != bob.ID {
		t.Errorf("the other's grant says %q, %v", g.UserName, err)
	}
	ended, err := s.RevokeGrants(t.Context(), ann.ID, nil)
	if s.is(err, nil); len(ended) != 1 || ended[0].UserID != ann.ID {
		t.Errorf("ended are %v", ended)
	}
	s.is(s.access(anns), store.ErrNotFound)
	s.is(s.access(bobs), nil)
}

func TestGrantsAreConnectionsAndKeysAndNoCodesThatWait(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.owner()
	s.approve()
	s.connect()
	s.key(store.OwnerID, "ci")
	if n := s.grantsOf(""); n != 2 {
		t.Errorf("%d are listed, want 2", n)
	}
	ended, err := s.RevokeGrants(t.Context(), "", nil)
	if s.is(err, nil); len(ended) != 3 {
		t.Errorf("%d ended, want the code too", len(ended))
	}
}

func TestWhichGrantsEndIsChosen(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.owner()
	tokens, key := s.connect(), s.key(store.OwnerID, "ci")
	ended, err := s.RevokeGrants(t.Context(), store.OwnerID, func(g *store.Grant) bool { return g.ClientID == clientID })
	if s.is(err, nil); len(ended) != 1 || ended[0].ID != tokens.Grant.ID {
		t.Errorf("ended are %v", ended)
	}
	s.ended(tokens)
	s.is(s.access(key), nil)
}

func TestHundredsOfGrantsAreListedAndEnded(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.owner()
	const n = 501
	for range n {
		s.connect()
	}
	if got := s.grantsOf(store.OwnerID); got != n {
		t.Errorf("%d are listed, want %d", got, n)
	}
	ended, err := s.RevokeGrants(t.Context(), store.OwnerID, nil)
	if s.is(err, nil); len(ended) != n || s.grantsOf("") != 0 {
		t.Errorf("%d ended, %d are left", len(ended), s.grantsOf(""))
	}
}

func TestAnAPIKeyIsAGrantWithOneTokenThatIsKeptAsAHash(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		ann := s.person("Ann")
		key, grant, err := s.newKey(ann.ID, "ci")
		s.is(err, nil)
		if !strings.HasPrefix(key, "mcpoauth_ak_"+grant.ID) {
			s.Errorf("the key is %q", key)
		}
		found, access, err := s.Access(s.Context(), key, time.Now())
		s.is(err, nil)
		if found.KeyName != "ci" || found.UserID != ann.ID || found.UserName != "Ann" || found.ClientID != "" || found.Resource != resourceURL || access.Scopes[0] != "mcp:tools" {
			s.Errorf("it is %+v, %+v", found, access)
		}
		for _, record := range s.records(store.KindGrant) {
			if strings.Contains(record, key[len(key)-43:]) {
				s.Error("the store has the key's secret")
			}
		}
		// It is neither refreshed nor redeemed, and an access token's prefix opens nothing new.
		_, err = s.rotate(key)
		s.is(err, store.ErrNotFound)
		_, err = s.redeem(key, verifier)
		s.is(err, store.ErrNotFound)
		time.Sleep(time.Hour - time.Nanosecond)
		s.is(s.access(key), nil)
		time.Sleep(time.Nanosecond)
		s.is(s.access(key), store.ErrNotFound)
		if s.grantsOf("") != 0 {
			s.Error("a key that has expired is listed")
		}
	})
}

func TestAGrantIsFoundByItsIDAlone(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.owner()
	_, grant, err := s.newKey(store.OwnerID, "ci")
	s.is(err, nil)
	found, err := s.Grant(t.Context(), grant.ID)
	if s.is(err, nil); found.KeyName != "ci" {
		t.Errorf("found %+v", found)
	}
	for _, wrong := range []string{"", "x", strings.Repeat("A", 22), grant.ID + "A"} {
		_, err := s.Grant(t.Context(), wrong)
		s.is(err, store.ErrNotFound)
	}
}

func TestAnAPIKeyAndAnAccessTokenDoNotPassForEachOther(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	key, _, err := s.CreateKey(t.Context(), store.NewKey{UserID: s.person("Ann").ID, Life: time.Hour})
	s.is(err, nil)
	access := s.connect().Access
	const prefix = len("mcpoauth_at_")
	for token, want := range map[string]error{
		key: nil, access: nil,
		"mcpoauth_at_" + key[prefix:]: store.ErrNotFound, "mcpoauth_ak_" + access[prefix:]: store.ErrNotFound,
	} {
		_, _, err := s.Access(t.Context(), token, time.Now())
		s.is(err, want)
	}
}

// Who can write one record of the database, or a record that is damaged, must not keep the
// others from ending.
func TestAGrantThatCannotBeReadKeepsNoOtherFromEnding(t *testing.T) {
	for name, test := range map[string]struct {
		revoke func(s *server, id string) ([]*store.Grant, error)
		ended  int
		is     error
	}{
		"of a person": {func(s *server, id string) ([]*store.Grant, error) { return s.RevokeGrants(s.Context(), id, nil) }, 4, store.ErrUnreadable},
		"suspended":   {func(s *server, id string) ([]*store.Grant, error) { return s.SuspendUser(s.Context(), id) }, 4, store.ErrUnreadable},
		"removed":     {func(s *server, id string) ([]*store.Grant, error) { return s.RemoveUser(s.Context(), id) }, 4, store.ErrUnreadable},
		"some":        {func(s *server, id string) ([]*store.Grant, error) { return s.RevokeGrants(s.Context(), "", ofUser(id)) }, 4, store.ErrUnreadable},
		"all":         {func(s *server, _ string) ([]*store.Grant, error) { return s.RevokeGrants(s.Context(), "", nil) }, 5, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, store.Lifetimes{})
			ann := s.person("Ann")
			var keys []string
			for range 5 {
				keys = append(keys, s.key(ann.ID, "ci"))
			}
			slices.Sort(keys)
			first := store.Key{Kind: store.KindGrant, ID: store.GrantOf(keys[0])}
			record, err := s.backend.Get(t.Context(), first)
			s.is(err, nil)
			s.is(s.backend.Replace(t.Context(), first, record.Version, store.NewEncoded([]byte(`{"scopes":1}`)), time.Time{}), nil)
			ended, err := test.revoke(s, ann.ID)
			if s.is(err, test.is); len(ended) != test.ended {
				t.Errorf("%d have ended, want %d", len(ended), test.ended)
			}
			for _, key := range keys[1:] {
				s.is(s.access(key), store.ErrNotFound)
			}
		})
	}
}

func ofUser(id string) func(*store.Grant) bool {
	return func(g *store.Grant) bool { return g.UserID == id }
}

func TestRemovingNobodyEndsNothing(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.owner()
	key := s.key(store.OwnerID, "ci")
	_, err := s.RemoveUser(t.Context(), "")
	s.is(err, store.ErrNotFound)
	_, err = s.SuspendUser(t.Context(), "")
	s.is(err, store.ErrNotFound)
	s.is(s.access(key), nil)
}

func TestResumingEndsWhatACrashLeft(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	key := s.key(ann.ID, "ci")
	half := *ann
	half.SuspendedAt = time.Now()
	at := store.Key{Kind: store.KindUser, ID: ann.ID}
	record, err := s.backend.Get(t.Context(), at)
	s.is(err, nil)
	s.is(s.backend.Replace(t.Context(), at, record.Version, &half, time.Time{}), nil)
	s.is(s.ResumeUser(t.Context(), ann.ID), nil)
	s.is(s.access(key), store.ErrNotFound)
}

// Anybody can send a registration again, from which the ID comes.
func TestAnApprovedClientThatRegistersAgainStaysForGood(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	client := &store.Client{ID: "client"}
	s.is(s.RegisterClient(t.Context(), client), nil)
	s.owner()
	s.approve()
	s.is(s.RegisterClient(t.Context(), client), nil)
	record, err := s.backend.Get(t.Context(), store.Key{Kind: store.KindClient, ID: client.ID})
	if s.is(err, nil); !record.ExpiresAt.IsZero() {
		t.Errorf("it expires at %v", record.ExpiresAt)
	}
}
