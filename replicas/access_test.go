package replicas

import (
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// call is told that a request with an access token, which began at that time, was let
// through by a replica, or was refused.
func (g *grant) call(access string, begun time.Time, replica int, accepted bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.accessIndex(access)
	l := g.chain[i]
	if !accepted {
		// One more than are known may have been issued, and pushed the oldest out.
		pushedOut := len(g.chain)-i > store.MaxAccess-1
		if !g.doomed && !g.revoking && !l.revoking && !pushedOut {
			g.violation(lostToken, "replica %d refused access token %d of %d", replica, i, len(g.chain)-1)
			g.doomed = true // once is enough
		}
		return
	}
	for _, revoked := range []ack{g.revoked, l.revoked} {
		if !revoked.at.IsZero() && begun.After(revoked.at) {
			g.acceptedLate(revoked, begun.Sub(revoked.at), replica)
		}
	}
}

func (g *grant) acceptedLate(revoked ack, after time.Duration, replica int) {
	g.stillAccepted(after)
	switch {
	case replica == revoked.replica:
		g.violation(lostRevocation, "replica %d accepted a token %v after it had revoked it itself", replica, after)
	case after > g.bound:
		g.violation(lostRevocation, "replica %d accepted a token %v after replica %d had revoked it", replica, after, revoked.replica)
	}
}

func (g *grant) accessIndex(access string) int {
	return slices.IndexFunc(g.chain, func(l link) bool { return l.access == access })
}

// revokes is told that a request to end the grant goes out. Whatever comes back,
// nothing is certain to work from now on.
func (g *grant) revokes() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.revoking = true
}

// isRevoked is told that a replica has acknowledged it.
func (g *grant) isRevoked(at time.Time, replica int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.revoked.at.IsZero() {
		g.revoked = ack{at, replica}
	}
}

// revokesAccess is revokes for an access token alone.
func (g *grant) revokesAccess(access string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.chain[g.accessIndex(access)].revoking = true
}

// accessIsRevoked is isRevoked for an access token alone.
func (g *grant) accessIsRevoked(access string, at time.Time, replica int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := &g.chain[g.accessIndex(access)]; l.revoked.at.IsZero() {
		l.revoked = ack{at, replica}
	}
}
