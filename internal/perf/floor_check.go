package perf

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

type floorToken struct {
	user, client, resource string
	scopes                 []string
	expires                time.Time
}

// Add makes token one that is good until expires.
func (f *Floor) Add(token, scope string, expires time.Time) {
	f.add(secret.Sum(token), &floorToken{User, "client", Resource, []string{scope}, expires})
}

func (f *Floor) add(hash secret.Hash, token *floorToken) {
	s := &f.tokens[hash[0]]
	s.mu.Lock()
	s.live[hash] = token
	s.mu.Unlock()
}

func (f *Floor) remove(hash secret.Hash) {
	s := &f.tokens[hash[0]]
	s.mu.Lock()
	delete(s.live, hash)
	s.mu.Unlock()
}

// check is the bearer check.
func (f *Floor) check(w http.ResponseWriter, r *http.Request) {
	header := r.Header["Authorization"]
	if len(header) != 1 || len(header[0]) < 7 || !strings.EqualFold(header[0][:7], "bearer ") {
		missing.write(w)
		return
	}
	hash := secret.Sum(header[0][7:])
	s := &f.tokens[hash[0]]
	s.mu.RLock()
	token := s.live[hash]
	s.mu.RUnlock()
	now := time.Now()
	if token == nil || !now.Before(token.expires) || token.resource != Resource {
		invalid.write(w)
		return
	}
	if !slices.Contains(token.scopes, Scope) {
		insufficient.write(w)
		return
	}
	if !f.allow(r, hash, now) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.Next.ServeHTTP(w, r.WithContext(&floorContext{r.Context(), token}))
}

type floorContext struct {
	context.Context
	token *floorToken
}

func (c *floorContext) Value(key any) any {
	if key == (floorKey{}) {
		return c.token
	}
	return c.Context.Value(key)
}

type floorKey struct{}

// FloorUser returns whom a Floor let in, for Handler.
func FloorUser(ctx context.Context) string {
	token, ok := ctx.Value(floorKey{}).(*floorToken)
	if !ok {
		return ""
	}
	return token.user
}

// A refusal is made beforehand.
type refusal struct {
	status            int
	challenge, length []string
	body              []byte
}

const metadata = `resource_metadata="` + Origin + `/.well-known/oauth-protected-resource/mcp", scope="` + Scope + `"`

var (
	missing      = newRefusal(http.StatusUnauthorized, `Bearer `+metadata, `{"error":"unauthorized","error_description":"an access token is needed"}`)
	invalid      = newRefusal(http.StatusUnauthorized, `Bearer error="invalid_token", `+metadata, `{"error":"invalid_token","error_description":"the access token is unknown, expired or revoked"}`)
	insufficient = newRefusal(http.StatusForbidden, `Bearer error="insufficient_scope", `+metadata, `{"error":"insufficient_scope","error_description":"the access token lacks a scope"}`)
)

func newRefusal(status int, challenge, body string) *refusal {
	return &refusal{status, []string{challenge}, []string{strconv.Itoa(len(body))}, []byte(body)}
}

func (f *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	h["Www-Authenticate"] = f.challenge
	h["Content-Type"] = inJSON
	h["Content-Length"] = f.length
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(f.status)
	w.Write(f.body)
}
