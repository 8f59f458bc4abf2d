package replicas

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A session is a client that was approved, and what is known of its grant.
type session struct {
	*grant
	d        *deployment
	clientID string
	code     string
}

// connect signs a client in and redeems its code, at all replicas at once or at one after
// the other until one answers. It returns nil if that came to nothing.
func (d *deployment) connect(ctx context.Context, everywhere bool) *session {
	clientID, code, ok := d.signIn(ctx)
	if !ok {
		return nil
	}
	s := &session{newGrant(d.check, code), d, clientID, code}
	if everywhere {
		s.volley(ctx, code)
	}
	for range 3 {
		if s.newest().access != "" || s.over() {
			break
		}
		s.exchange(ctx, code, next)
	}
	if s.newest().access == "" {
		return nil
	}
	d.tally.signIns.Add(1)
	return s
}

// exchange presents the code or a refresh token, and reports whether there were tokens.
func (s *session) exchange(ctx context.Context, presented string, replica int) bool {
	values := url.Values{"client_id": {s.clientID}}
	if presented == s.code {
		values.Set("grant_type", "authorization_code")
		values.Set("code", presented)
		values.Set("redirect_uri", redirectURI)
		values.Set("code_verifier", verifier)
	} else {
		values.Set("grant_type", "refresh_token")
		values.Set("refresh_token", presented)
	}
	e := s.present(presented, time.Now())
	res := s.d.do(ctx, form("/token", values).at(replica))
	switch {
	case res.unknown():
	case res.status == http.StatusOK:
		e.granted(pair{res.text("access_token"), res.text("refresh_token")})
		return true
	case res.text("error") == "invalid_grant", res.text("error") == "invalid_client": // final, to a client
		e.refused()
	default:
		s.violation(strange, "/token: %d %.300s", res.status, res.body)
	}
	return false
}

// volley presents the code or a refresh token at every replica at once.
func (s *session) volley(ctx context.Context, presented string) {
	var all sync.WaitGroup
	for i := range s.d.replicas {
		all.Go(func() { s.exchange(ctx, presented, i) })
	}
	all.Wait()
}

// refresh exchanges the newest refresh token, and tries again if the outcome is unknown.
func (s *session) refresh(ctx context.Context, replica int) bool {
	s.d.tally.refreshes.Add(1)
	for range 4 {
		if s.over() || s.exchange(ctx, s.newest().refresh, replica) {
			return !s.over()
		}
		time.Sleep(100 * time.Millisecond)
		replica = next
	}
	return false
}

// use calls the MCP server with an access token of the session.
func (s *session) use(ctx context.Context, access string, replica int) reply {
	s.d.tally.calls.Add(1)
	begun := time.Now()
	res := s.d.visit(ctx, access, replica)
	switch {
	case res.unknown():
	case res.status == http.StatusOK && strings.Contains(string(res.body), s.clientID):
		s.call(access, begun, res.replica, true)
	case res.status == http.StatusUnauthorized:
		s.call(access, begun, res.replica, false)
	default:
		s.violation(strange, "/mcp: %d %.300s", res.status, res.body)
	}
	return res
}

// visit asks the MCP server who is calling.
func (d *deployment) visit(ctx context.Context, access string, replica int) reply {
	call := object("/mcp", map[string]any{
		"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": "whoami", "arguments": map[string]any{}},
	}).at(replica)
	call.bearer = access
	return d.do(ctx, call)
}

// forge comes with a token of the session's grant that was never issued.
func (s *session) forge(ctx context.Context) {
	access := s.newest().access
	forged := access[:len(access)-8] + "AAAAAAAA"
	res := s.d.visit(ctx, forged, next)
	s.stranger(!res.unknown() && res.status != http.StatusUnauthorized)
}

// revoke ends the grant. It reports whether that was acknowledged.
func (s *session) revoke(ctx context.Context, replica int) bool {
	s.revokes()
	res := s.d.do(ctx, s.revocation(s.newest().refresh).at(replica))
	if res.status == http.StatusOK {
		s.isRevoked(time.Now(), res.replica)
		s.d.tally.revocations.Add(1)
	}
	return res.status == http.StatusOK
}

// revokeAccess ends an access token alone.
func (s *session) revokeAccess(ctx context.Context, access string) bool {
	s.revokesAccess(access)
	res := s.d.do(ctx, s.revocation(access))
	if res.status == http.StatusOK {
		s.accessIsRevoked(access, time.Now(), res.replica)
		s.d.tally.revocations.Add(1)
	}
	return res.status == http.StatusOK
}

func (s *session) revocation(token string) request {
	return form("/revoke", url.Values{"client_id": {s.clientID}, "token": {token}})
}

// watch uses a revoked token everywhere until it is refused, or has to be.
func (s *session) watch(ctx context.Context, access string) {
	var all sync.WaitGroup
	until := time.Now().Add(s.bound + time.Second)
	for i := range s.d.replicas {
		all.Go(func() {
			for s.use(ctx, access, i).status != http.StatusUnauthorized && time.Now().Before(until) {
				time.Sleep(time.Millisecond)
			}
		})
	}
	all.Wait()
}
