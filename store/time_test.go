package store_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	clientID = "client"

	// RFC 7636 appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

	otherVerifier = "another-verifier-of-at-least-43-characters-length"
)

// server is a Store on memory.
type server struct {
	testing.TB
	*store.Store
	backend *memory.Backend
}

func newServer(tb testing.TB, life store.Lifetimes) *server {
	b := memory.New(memory.Options{})
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &server{tb, store.New(b, life), b}
}

// timed runs prove in a bubble whose time passes when everybody sleeps.
func timed(t *testing.T, life store.Lifetimes, prove func(s *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { prove(newServer(t, life)) })
}

func (s *server) approve() (code string) {
	s.Helper()
	return s.approveAs(&store.User{ID: store.OwnerID})
}

func (s *server) approveAs(user *store.User) (code string) {
	s.Helper()
	code, err := s.Approve(s.Context(), store.Approval{
		UserID: user.ID, UserName: user.Name, Client: &store.Client{ID: clientID}, Challenge: challenge,
		Resource: "https://mcp.example.com/mcp", Scopes: []string{"mcp:tools"},
	})
	s.is(err, nil)
	return code
}

func (s *server) redeem(code, verifier string) (store.Tokens, error) {
	return s.ConsumeCode(s.Context(), store.Redemption{
		Code: code, ClientID: clientID, Verifier: verifier,
		Refresh: func([]string) bool { return true },
		Accept:  func(*store.Grant) error { return nil },
	})
}

func (s *server) connect() store.Tokens {
	s.Helper()
	tokens, err := s.redeem(s.approve(), verifier)
	s.is(err, nil)
	return tokens
}

func (s *server) rotate(token string) (store.Tokens, error) {
	return s.RotateRefresh(s.Context(), token, clientID, func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
}

func (s *server) rotated(token string) store.Tokens {
	s.Helper()
	tokens, err := s.rotate(token)
	s.is(err, nil)
	return tokens
}

func (s *server) access(token string) error {
	_, _, err := s.Access(s.Context(), token, time.Now())
	return err
}

func (s *server) ended(tokens ...store.Tokens) {
	s.Helper()
	for _, t := range tokens {
		s.is(s.access(t.Access), store.ErrNotFound)
		_, err := s.rotate(t.Refresh)
		s.is(err, store.ErrNotFound)
	}
}

// is requires that got is want, or wraps it.
func (s *server) is(got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Fatalf("got the error %v, want %v", got, want)
	}
}

func TestACodeExpires(t *testing.T) {
	life := store.Lifetimes{Code: time.Minute}
	timed(t, life, func(s *server) {
		inTime, late := s.approve(), s.approve()
		time.Sleep(time.Minute - time.Nanosecond)
		_, err := s.redeem(inTime, verifier)
		s.is(err, nil)
		time.Sleep(time.Nanosecond)
		_, err = s.redeem(late, verifier)
		s.is(err, store.ErrNotFound)
	})
}

func TestACodeLivesForFiveMinutesUnlessConfigured(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		inTime, late := s.approve(), s.approve()
		time.Sleep(5*time.Minute - time.Nanosecond)
		_, err := s.redeem(inTime, verifier)
		s.is(err, nil)
		time.Sleep(time.Nanosecond)
		_, err = s.redeem(late, verifier)
		s.is(err, store.ErrNotFound)
	})
}

func TestAGrantWhoseCodeIsNeverRedeemedIsForgotten(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		s.approve()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		grants, err := s.backend.List(s.Context(), store.KindGrant, "", "", 10)
		if err != nil || len(grants) != 0 {
			s.Errorf("%d grants are left, %v", len(grants), err)
		}
	})
}

func TestARedeemedCodeIsRepeatedForTenSecondsAndThenEndsItsGrant(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		code := s.approve()
		tokens, err := s.redeem(code, verifier)
		s.is(err, nil)
		time.Sleep(store.CodeRetry - time.Nanosecond)
		again, err := s.redeem(code, verifier)
		s.is(err, nil)
		if !again.Repeated || again.Access != tokens.Access || again.Refresh != tokens.Refresh {
			s.Error("the repeat got other tokens")
		}
		if again.ExpiresIn != tokens.ExpiresIn-store.CodeRetry+time.Nanosecond {
			s.Errorf("the repeated token says that it lives for %v more", again.ExpiresIn)
		}
		time.Sleep(time.Nanosecond)
		_, err = s.redeem(code, verifier)
		s.is(err, store.ErrReused)
		s.ended(tokens)
	})
}

// A code that is repeated in its time gets the newest pair, though the refresh token in between
// would be too late for a repeat of its own.
func TestACodeIsRepeatedAfterTheGraceOfItsRefreshToken(t *testing.T) {
	timed(t, store.Lifetimes{RefreshGrace: time.Second}, func(s *server) {
		code := s.approve()
		first, err := s.redeem(code, verifier)
		s.is(err, nil)
		second := s.rotated(first.Refresh)
		time.Sleep(3 * time.Second)
		again, err := s.redeem(code, verifier)
		s.is(err, nil)
		if !again.Repeated || again.Refresh != second.Refresh || again.Access != second.Access {
			s.Error("the repeat did not get the newest pair")
		}
	})
}

func TestALateReuseWithAnotherVerifierEndsTheGrantToo(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		code := s.approve()
		tokens, err := s.redeem(code, verifier)
		s.is(err, nil)
		second := s.rotated(tokens.Refresh)
		time.Sleep(24 * time.Hour)
		_, err = s.redeem(code, otherVerifier)
		s.is(err, store.ErrReused)
		s.ended(tokens, second)
	})
}

func TestAnAccessTokenExpires(t *testing.T) {
	for name, c := range map[string]struct{ configured, want time.Duration }{
		"as configured":          {time.Hour, time.Hour},
		"after a day by default": {0, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, store.Lifetimes{Access: c.configured}, func(s *server) {
				tokens := s.connect()
				if tokens.ExpiresIn != c.want {
					s.Errorf("it says that it lives for %v", tokens.ExpiresIn)
				}
				time.Sleep(c.want - time.Nanosecond)
				s.is(s.access(tokens.Access), nil)
				time.Sleep(time.Nanosecond)
				s.is(s.access(tokens.Access), store.ErrNotFound)
				s.rotated(tokens.Refresh)
			})
		})
	}
}

func TestARefreshTokenLivesWhileItIsUsed(t *testing.T) {
	const idle = time.Hour
	timed(t, store.Lifetimes{RefreshIdle: idle, Access: time.Minute}, func(s *server) {
		tokens := s.connect()
		for range 5 {
			time.Sleep(idle - time.Nanosecond)
			tokens = s.rotated(tokens.Refresh)
		}
		time.Sleep(idle)
		_, err := s.rotate(tokens.Refresh)
		s.is(err, store.ErrNotFound)
	})
}

func TestARepeatWithinTheGraceGetsTheNewestPair(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		first := s.connect()
		second := s.rotated(first.Refresh)
		time.Sleep(store.DefaultRefreshGrace / 2)
		third := s.rotated(second.Refresh)
		time.Sleep(store.DefaultRefreshGrace/2 - time.Nanosecond)
		again := s.rotated(first.Refresh)
		if !again.Repeated || again.Refresh != third.Refresh || again.Access != third.Access {
			s.Error("the repeat did not get the newest pair")
		}
		s.rotated(again.Refresh)
	})
}

func TestARepeatAfterTheGraceEndsTheGrantWithEveryToken(t *testing.T) {
	for name, c := range map[string]struct{ configured, want time.Duration }{
		"as configured":                {time.Second, time.Second},
		"after two minutes by default": {0, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, store.Lifetimes{RefreshGrace: c.configured}, func(s *server) {
				first := s.connect()
				second := s.rotated(first.Refresh)
				time.Sleep(c.want)
				third := s.rotated(second.Refresh) // used as it should be
				s.is(s.access(first.Access), nil)
				_, err := s.rotate(first.Refresh)
				s.is(err, store.ErrReused)
				s.ended(first, second, third)
			})
		})
	}
}

func TestATokenFromLongAgoIsStillKnownToBeOurs(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		first := s.connect()
		newest := first
		for range 2 * store.MaxSpent {
			time.Sleep(time.Hour)
			newest = s.rotated(newest.Refresh)
		}
		if n := len(newest.Grant.Spent); n > 1 {
			s.Errorf("%d spent tokens are kept for nothing", n)
		}
		_, err := s.rotate(first.Refresh)
		s.is(err, store.ErrReused)
		s.ended(newest)
	})
}

func TestARepeatWhoseAccessTokenHasExpiredGetsAFreshPair(t *testing.T) {
	timed(t, store.Lifetimes{Access: time.Minute}, func(s *server) {
		first := s.connect()
		second := s.rotated(first.Refresh)
		time.Sleep(time.Minute)
		third := s.rotated(first.Refresh)
		if third.Repeated || third.Access == second.Access {
			s.Error("it got a dead access token")
		}
		s.is(s.access(third.Access), nil)
		s.rotated(third.Refresh)
	})
}

func TestManyRotationsLeaveNothingBehind(t *testing.T) {
	timed(t, store.Lifetimes{Access: time.Hour}, func(s *server) {
		tokens := s.connect()
		for range 1000 {
			time.Sleep(10 * time.Minute)
			tokens = s.rotated(tokens.Refresh)
		}
		if access, spent := len(tokens.Grant.Access), len(tokens.Grant.Spent); access > store.MaxAccess || spent > store.MaxSpent {
			s.Errorf("the grant holds %d access tokens and %d spent ones", access, spent)
		}
	})
}

func TestAGrantIsForgottenWhenItsLastTokenHasExpired(t *testing.T) {
	const idle = 2 * time.Hour
	timed(t, store.Lifetimes{RefreshIdle: idle, Access: time.Hour}, func(s *server) {
		s.connect()
		left := func() int {
			synctest.Wait()
			grants, err := s.backend.List(s.Context(), store.KindGrant, "", "", 10)
			s.is(err, nil)
			return len(grants)
		}
		time.Sleep(idle - time.Minute)
		if left() != 1 {
			s.Error("it is gone too early")
		}
		time.Sleep(2 * time.Minute)
		if left() != 0 {
			s.Error("it is still there")
		}
	})
}

func TestAnApprovedClientOutlivesAnUnusedOne(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		for _, id := range []string{clientID, "unused"} {
			s.is(s.RegisterClient(s.Context(), &store.Client{ID: id}), nil)
		}
		time.Sleep(store.UnusedClient - time.Nanosecond)
		_, err := s.Client(s.Context(), "unused")
		s.is(err, nil)
		s.approve()
		time.Sleep(time.Nanosecond)
		_, err = s.Client(s.Context(), "unused")
		s.is(err, store.ErrNotFound)
		time.Sleep(2 * time.Minute) // a sweep later
		_, err = s.Client(s.Context(), clientID)
		s.is(err, nil)
	})
}

func TestACeremonyExpiresAndItsAnswerToo(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		begin := func() string {
			id, err := s.BeginCeremony(s.Context(), store.Ceremony{})
			s.is(err, nil)
			return id
		}
		inTime, late := begin(), begin()
		time.Sleep(store.CeremonyLife - time.Nanosecond)
		ceremony, err := s.TakeCeremony(s.Context(), inTime)
		s.is(err, nil)
		s.is(s.AnswerCeremony(s.Context(), *ceremony), nil)
		time.Sleep(time.Nanosecond)
		_, err = s.TakeCeremony(s.Context(), late)
		s.is(err, store.ErrNotFound)
		time.Sleep(store.CeremonyLife - 2*time.Nanosecond)
		ceremony, err = s.TakeApproval(s.Context(), inTime)
		s.is(err, nil)
		s.is(s.AnswerCeremony(s.Context(), *ceremony), nil)
		time.Sleep(store.CeremonyLife)
		_, err = s.TakeApproval(s.Context(), inTime)
		s.is(err, store.ErrNotFound)
	})
}

// broken is a backend that has lost its database, but for reading.
type broken struct{ store.Backend }

var errBroken = errors.New("broken")

func (broken) Replace(context.Context, store.Key, uint64, store.Value, time.Time) error {
	return errBroken
}
func (broken) Delete(context.Context, store.Key) error { return errBroken }

// A client that reads invalid_grant throws its tokens away; trouble in the store
// must not look like one.
func TestTroubleInTheBackendIsNoRefusal(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		code, first := s.approve(), s.connect()
		working := s.Store
		s.Store = store.New(broken{s.backend}, store.Lifetimes{})
		_, err := s.redeem(code, verifier)
		s.is(err, errBroken)
		_, err = s.rotate(first.Refresh)
		s.is(err, errBroken)
		_, err = s.RevokeToken(s.Context(), first.Refresh, clientID)
		s.is(err, errBroken)

		s.Store = working
		second := s.rotated(first.Refresh)
		time.Sleep(store.DefaultRefreshGrace)
		s.Store = store.New(broken{s.backend}, store.Lifetimes{})
		_, err = s.rotate(first.Refresh) // a theft that could not be ended
		s.is(err, errBroken)
		s.Store = working
		_, err = s.rotate(first.Refresh)
		s.is(err, store.ErrReused)
		s.ended(second)
	})
}

func TestACallerWhoHangsUpDoesNotKeepAStolenGrantAlive(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		first := s.connect()
		second := s.rotated(first.Refresh)
		time.Sleep(store.DefaultRefreshGrace)
		ctx, cancel := context.WithCancel(s.Context())
		_, err := s.RotateRefresh(ctx, first.Refresh, clientID, func(*store.Grant) ([]string, error) {
			cancel()
			return nil, nil
		})
		s.is(err, store.ErrReused)
		s.ended(second)
	})
}

func TestARefreshTokenIsIdleFor90DaysUnlessConfigured(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		tokens := s.connect()
		record, err := s.backend.Get(s.Context(), store.Key{Kind: store.KindGrant, ID: tokens.Grant.ID})
		s.is(err, nil)
		if life := time.Until(record.ExpiresAt); life != 90*24*time.Hour {
			s.Errorf("the grant lives for %v", life)
		}
	})
}

// What others do to a grant is no use of it by its client.
func TestNothingButARefreshProlongsARefreshToken(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		s.owner()
		tokens := s.connect()
		time.Sleep(time.Hour)
		s.is(s.RenameUser(s.Context(), tokens.Grant.UserID, "Ann"), nil)
		revoked, err := s.RevokeToken(s.Context(), tokens.Access, clientID)
		s.is(err, nil)
		if revoked == nil {
			s.Error("no access token is revoked")
		}
		record, err := s.backend.Get(s.Context(), store.Key{Kind: store.KindGrant, ID: tokens.Grant.ID})
		s.is(err, nil)
		if life := time.Until(record.ExpiresAt); life != 90*24*time.Hour-time.Hour {
			s.Errorf("an hour later the grant lives for %v", life)
		}
	})
}

// stalling is a backend that lets the loser of a race wait.
type stalling struct{ store.Backend }

func (b stalling) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	err := b.Backend.Replace(ctx, key, version, value, expires)
	if errors.Is(err, store.ErrConflict) {
		time.Sleep(time.Hour)
	}
	return err
}

// While a disk stalls, a client's own repeat must not look like a thief's.
func TestARequestThatWaitedForItsTurnIsNoReuse(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		s.Store = store.New(stalling{s.backend}, store.Lifetimes{})

		code := s.approve()
		var first store.Tokens
		repeat, err := s.ConsumeCode(s.Context(), store.Redemption{
			Code: code, ClientID: clientID, Verifier: verifier,
			Refresh: func([]string) bool { return true },
			Accept: func(g *store.Grant) (err error) {
				if g.Code != nil { // another request of the client comes first
					first, err = s.redeem(code, verifier)
				}
				return err
			},
		})
		s.is(err, nil)
		if !repeat.Repeated || repeat.Access != first.Access {
			s.Error("the code: the loser got other tokens")
		}

		var second store.Tokens
		repeat, err = s.RotateRefresh(s.Context(), first.Refresh, clientID, func(g *store.Grant) (_ []string, err error) {
			if second.Access == "" {
				second, err = s.rotate(first.Refresh)
			}
			return g.Scopes, err
		})
		s.is(err, nil)
		if !repeat.Repeated || repeat.Access != second.Access {
			s.Error("the refresh token: the loser got other tokens")
		}
	})
}

// Otherwise a clock that was wrong for a while and is put back brings back the tokens of somebody
// who was shut out meanwhile.
func TestWhatHasExpiredIsRevokedToo(t *testing.T) {
	for name, end := range map[string]func(s *server, id string) error{
		"RevokeGrants": func(s *server, id string) error { _, err := s.RevokeGrants(s.Context(), id, nil); return err },
		"SuspendUser":  func(s *server, id string) error { _, err := s.SuspendUser(s.Context(), id); return err },
		"RemoveUser":   func(s *server, id string) error { _, err := s.RemoveUser(s.Context(), id); return err },
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, store.Lifetimes{Access: 10 * time.Second, RefreshIdle: 20 * time.Second}, func(s *server) {
				user := store.User{ID: "ann", Name: "Ann"}
				s.is(s.CreateUser(s.Context(), user), nil)
				_, err := s.redeem(s.approveAs(&user), verifier)
				s.is(err, nil)
				time.Sleep(20 * time.Second) // and no sweep yet
				s.is(end(s, user.ID), nil)
				left, err := s.backend.List(s.Context(), store.KindGrant, "", "", 10)
				if err != nil || len(left) != 0 {
					s.Errorf("%d grants are left, %v", len(left), err)
				}
			})
		})
	}
}
