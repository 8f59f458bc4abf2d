package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Guard lets requests with a good access token through to a handler.
type Guard struct {
	Store interface {
		Access(ctx context.Context, token string, now time.Time) (*store.Grant, *store.AccessToken, error)
	}
	Resource    oauth.Resource
	Scopes      oauth.Scopes
	MetadataURL string // of the resource, for challenges
	Limit       Limiter
	Strangers   Strangers // nil: to look a token up costs next to nothing
	Uses        *Uses     // nil: nobody remembers who came
	Log         *slog.Logger
}

// A Limiter bounds how often one grant may be used.
type Limiter interface {
	Allow(grantID string, now time.Time) bool
	RetryAfter() time.Duration
}

// Strangers bound how often an address may present tokens that nobody issued, and how often
// anybody such that name one grant.
type Strangers interface {
	TooMany(r *http.Request, now time.Time) bool
	TooManyOf(grantID string, now time.Time) bool
	Note(r *http.Request, now time.Time)
	NoteOf(grantID string, now time.Time)
	RetryAfter() time.Duration
}

// Protect returns next behind the guard. The request reaches next as it came, its
// body unread and its ResponseWriter untouched, so that streams stream.
func (g Guard) Protect(next http.Handler) http.Handler {
	where := `resource_metadata="` + g.MetadataURL + `"`
	scope := `scope="` + oauth.FormatScope(g.Resource.Scopes) + `"`
	made := &guard{
		Guard: g,
		next:  next,
		missing: newRefusal(http.StatusUnauthorized, "unauthorized", "an access token is needed; the WWW-Authenticate header says where to get one",
			"Bearer "+where+", "+scope),
		invalid: newRefusal(http.StatusUnauthorized, oauth.InvalidToken, "the access token is unknown, expired or revoked",
			`Bearer error="invalid_token", error_description="the access token is unknown, expired or revoked", `+where+", "+scope),
		repeated: newRefusal(http.StatusBadRequest, oauth.InvalidRequest, "there is more than one Authorization header",
			`Bearer error="invalid_request", `+where),
		where: where,
	}
	made.scopeless = made.insufficient(g.Resource.Scopes)
	return made
}

type guard struct {
	Guard
	next                                  http.Handler
	missing, invalid, repeated, scopeless *refusal
	where                                 string
}

// ServeHTTP runs before every MCP request. Serving one costs two allocations: the
// context and the request that carries it.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// By the map, not by Get, which would canonicalise a name that is canonical.
	header := r.Header["Authorization"]
	if len(header) == 0 {
		g.missing.write(w, r)
		return
	}
	if len(header) > 1 {
		g.repeated.write(w, r) // which of them a proxy looked at is anybody's guess
		return
	}
	token, ok := bearer(header[0])
	if !ok {
		g.missing.write(w, r) // another scheme: no token was presented
		return
	}
	now, id := time.Now(), store.GrantOf(token)
	if g.Strangers != nil && g.flooded(r, id, now) {
		// Not 401: behind the same address may be a client whose token is good.
		g.trouble(w, r, oauth.TooOften(g.Strangers.RetryAfter()))
		return
	}
	grant, access, err := g.Store.Access(r.Context(), token, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if g.Strangers != nil && id != "" {
			g.stranger(r, id, now)
		}
		g.invalid.write(w, r)
		return
	case err != nil:
		// Not 401: a client would throw away a token that is good.
		g.trouble(w, r, err)
		return
	case grant.Resource != g.Resource.URL:
		g.invalid.write(w, r) // RFC 8707: good elsewhere is not good here
		return
	case !g.Scopes.Cover(access.Scopes, g.Resource.Scopes):
		g.scopeless.write(w, r)
		return
	case !g.Limit.Allow(id, now):
		g.trouble(w, r, oauth.TooOften(g.Limit.RetryAfter()))
		return
	}
	g.Uses.note(id, grant, r, now)
	g.next.ServeHTTP(w, r.WithContext(&admitted{r.Context(), grant, access, g}))
}

// flooded reports whether the database should not be asked about a token: too many from
// the same address were nobody's, and its grant was not used here lately, or is named by
// many that are not its own. What has not the form of a token costs no question.
func (g *guard) flooded(r *http.Request, id string, now time.Time) bool {
	return id != "" && g.Strangers.TooMany(r, now) && (!g.Uses.remembers(id, now) || g.Strangers.TooManyOf(id, now))
}

// stranger counts a token that nobody issued. The ID of a grant is no secret: without a count
// of its own, who knows one that is in use could flood the database behind its name.
func (g *guard) stranger(r *http.Request, id string, now time.Time) {
	g.Strangers.Note(r, now)
	if g.Uses.remembers(id, now) {
		g.Strangers.NoteOf(id, now)
	}
}

// trouble answers a request that is refused for another reason than its token.
func (g *guard) trouble(w http.ResponseWriter, r *http.Request, err error) {
	oauth.SetDeadlines(w, r)
	oauth.WriteError(w, r, g.Log, err)
}

// bearer returns the token in an Authorization header (RFC 6750 §2.1). The scheme's
// case does not matter (RFC 9110 §11.1).
func bearer(header string) (token string, ok bool) {
	const scheme = "bearer "
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimLeft(header[len(scheme):], " "), true
}

// insufficient is the challenge of RFC 6750 §3.1 that makes a client ask for more. It
// names everything the operation needs, because clients ask for just what it says.
func (g *guard) insufficient(needed []string) *refusal {
	return newRefusal(http.StatusForbidden, oauth.InsufficientScope, lacksScope, g.challenge("", needed))
}

const lacksScope = "the access token lacks a scope that is needed here"

// challenge takes more parameters, each with a comma behind it.
func (g *guard) challenge(more string, needed []string) string {
	return `Bearer error="insufficient_scope", ` + more + `scope="` + oauth.FormatScope(needed) + `", ` + g.where
}
