package perf

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

type floorCode struct {
	client, redirectURI, challenge string
	expires                        time.Time
}

// A floorSession is what a refresh token stands for. Its ID is in each token of it, so
// that one that was spent is known as such.
type floorSession struct {
	client          string
	refresh, access secret.Hash
}

// Approve returns a new code.
func (f *Floor) Approve(client string) (code string) {
	code = secret.New()
	f.mu.Lock()
	f.codes[secret.Sum(code)] = &floorCode{client, RedirectURI, Challenge, time.Now().Add(time.Minute)}
	f.mu.Unlock()
	return code
}

// Connect returns what an approval and its redemption end in.
func (f *Floor) Connect(client string) (access, refresh string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := secret.NewID()
	session := &floorSession{client: client}
	f.sessions[id] = session
	return f.issue(id, session)
}

// issue gives a session new tokens.
func (f *Floor) issue(id string, s *floorSession) (access, refresh string) {
	access, refresh = secret.New(), id+secret.New()
	f.remove(s.access)
	s.access, s.refresh = secret.Sum(access), secret.Sum(refresh)
	f.add(s.access, &floorToken{User, s.client, Resource, []string{Scope}, time.Now().Add(time.Hour)})
	return access, refresh
}

// token exchanges codes and refresh tokens.
func (f *Floor) token(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	client := form.Get("client_id")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients[client] == nil {
		refuse(w, "invalid_client")
		return
	}
	var access, refresh string
	switch form.Get("grant_type") {
	case "authorization_code":
		hash := secret.Sum(form.Get("code"))
		code := f.codes[hash]
		if code == nil || code.client != client || code.redirectURI != form.Get("redirect_uri") || !time.Now().Before(code.expires) ||
			!secret.VerifyS256(code.challenge, form.Get("code_verifier")) {
			refuse(w, "invalid_grant")
			return
		}
		delete(f.codes, hash)
		id := secret.NewID()
		session := &floorSession{client: client}
		f.sessions[id] = session
		access, refresh = f.issue(id, session)
	case "refresh_token":
		id, session := f.session(form.Get("refresh_token"))
		if session == nil || session.client != client {
			refuse(w, "invalid_grant")
			return
		}
		if !session.refresh.Matches(form.Get("refresh_token")) {
			delete(f.sessions, id) // it was spent, and comes again
			refuse(w, "invalid_grant")
			return
		}
		access, refresh = f.issue(id, session)
	default:
		refuse(w, "unsupported_grant_type")
		return
	}
	answer(w, http.StatusOK, fmt.Appendf(nil, `{"access_token":%q,"token_type":"Bearer","expires_in":3600,"refresh_token":%q,"scope":"`+Scope+`"}`, access, refresh))
}

func (f *Floor) session(refresh string) (id string, s *floorSession) {
	id = refresh[:min(len(refresh), secret.IDLen)]
	return id, f.sessions[id]
}

// revoke ends a session.
func (f *Floor) revoke(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	client := form.Get("client_id")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients[client] == nil {
		refuse(w, "invalid_client")
		return
	}
	if id, session := f.session(form.Get("token")); session != nil && session.client == client && session.refresh.Matches(form.Get("token")) {
		f.remove(session.access)
		delete(f.sessions, id)
	}
	answer(w, http.StatusOK, []byte(`{}`))
}

const bodyLimit = 64 << 10

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		refuse(w, "invalid_request")
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		refuse(w, "invalid_request")
		return nil, false
	}
	return form, true
}

func refuse(w http.ResponseWriter, code string) {
	answer(w, http.StatusBadRequest, fmt.Appendf(nil, `{"error":%q}`, code))
}
