package store

import (
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// Every secret of a grant begins with a prefix that says what it is (for secret
// scanners, and so that one kind never passes for another) and with the ID of its
// grant (so that one look-up finds everything). Refresh tokens carry the grant's
// family secret too, which proves an old one to be ours long after its own hash is
// gone. A code does not: it has been in a URL.
//
//	access token         mcpoauth_at_ ID        secret
//	API key              mcpoauth_ak_ ID        secret
//	refresh token        mcpoauth_rt_ ID family secret
//	authorization code   mcpoauth_ac_ ID        secret
//
// What belongs to no grant has the ID of its own record, or none:
//
//	setup, invitation and recovery token   mcpoauth_et_ ID secret
//	session                                mcpoauth_ss_ ID secret
//	client secret                          mcpoauth_cs_    secret
const (
	accessPrefix    = "mcpoauth_at_"
	keyPrefix       = "mcpoauth_ak_"
	refreshPrefix   = "mcpoauth_rt_"
	codePrefix      = "mcpoauth_ac_"
	enrolmentPrefix = "mcpoauth_et_"
	sessionPrefix   = "mcpoauth_ss_"
	clientPrefix    = "mcpoauth_cs_"

	prefixLen  = len(accessPrefix)
	singleLen  = prefixLen + secret.IDLen + secret.Len
	refreshLen = singleLen + secret.Len
)

// NewClientSecret returns a secret for a confidential client.
func NewClientSecret() string { return clientPrefix + secret.New() }

func formatAccess(grantID, own string) string { return accessPrefix + grantID + own }

func formatCode(grantID, own string) string { return codePrefix + grantID + own }

// parseAccess splits what opens a guarded handler: an access token or an API key.
func parseAccess(token string) (grantID, own string, isKey, ok bool) {
	if grantID, own, ok = parseSingle(accessPrefix, token); ok {
		return grantID, own, false, true
	}
	grantID, own, ok = parseSingle(keyPrefix, token)
	return grantID, own, true, ok
}

// GrantOf returns the ID that an access token or API key names, or "" for anything else.
// Nothing is proven by it.
func GrantOf(token string) string {
	grantID, _, _, _ := parseAccess(token)
	return grantID
}

// parseSingle splits a token of one secret; the parts are slices of it.
func parseSingle(prefix, token string) (grantID, own string, ok bool) {
	if len(token) != singleLen || !strings.HasPrefix(token, prefix) {
		return "", "", false
	}
	grantID = token[prefixLen : prefixLen+secret.IDLen]
	return grantID, token[prefixLen+secret.IDLen:], secret.ValidID(grantID)
}

// A link is a refresh token taken apart: one link in the chain of a grant. The code
// that began it stands in front with a secret of its own.
type link struct {
	grantID, family, own string
}

func (l link) refresh() string { return refreshPrefix + l.grantID + l.family + l.own }

// next returns the link that follows l, with a secret of its own.
func (l link) next(own string) link { return link{l.grantID, l.family, own} }

func parseRefresh(token string) (link, bool) {
	if len(token) != refreshLen || !strings.HasPrefix(token, refreshPrefix) {
		return link{}, false
	}
	rest := token[prefixLen:]
	l := link{grantID: rest[:secret.IDLen], family: rest[secret.IDLen : secret.IDLen+secret.Len], own: rest[secret.IDLen+secret.Len:]}
	return l, secret.ValidID(l.grantID)
}
