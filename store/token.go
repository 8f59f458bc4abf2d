package store

import (
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// Every secret of a grant begins with a prefix that says what it is (for secret
// scanners, and so that one kind never passes for another) and with the ID of its
// grant (so that one look-up finds everything). Codes and refresh tokens carry
// the grant's family secret too, which proves an old one to be ours long after
// its own hash is gone.
//
//	access token                 mcpoauth_at_ ID             secret
//	refresh token                mcpoauth_rt_ ID family      secret
//	authorization code           mcpoauth_ac_ ID family      secret
//	client secret, setup token   mcpoauth_cs_, mcpoauth_st_  secret
const (
	accessPrefix  = "mcpoauth_at_"
	refreshPrefix = "mcpoauth_rt_"
	codePrefix    = "mcpoauth_ac_"
	clientPrefix  = "mcpoauth_cs_"
	setupPrefix   = "mcpoauth_st_"

	accessLen = len(accessPrefix) + secret.IDLen + secret.Len
	chainLen  = len(refreshPrefix) + secret.IDLen + 2*secret.Len
)

// NewClientSecret returns a secret for a confidential client.
func NewClientSecret() string { return clientPrefix + secret.New() }

// NewSetupToken returns a token that allows the first passkey to be made.
func NewSetupToken() string { return setupPrefix + secret.New() }

// parseAccess splits an access token; the parts are slices of it.
func parseAccess(token string) (grantID, own string, ok bool) {
	rest, found := strings.CutPrefix(token, accessPrefix)
	if !found || len(token) != accessLen {
		return "", "", false
	}
	grantID = rest[:secret.IDLen]
	return grantID, rest[secret.IDLen:], secret.ValidID(grantID)
}

func formatAccess(grantID, own string) string { return accessPrefix + grantID + own }

// A link is a code or refresh token taken apart: one link in a grant's chain.
type link struct {
	grantID, family, own string
}

func (l link) code() string    { return codePrefix + l.grantID + l.family + l.own }
func (l link) refresh() string { return refreshPrefix + l.grantID + l.family + l.own }

// next returns the link that follows l, with a secret of its own.
func (l link) next(own string) link { return link{l.grantID, l.family, own} }

func parseLink(prefix, token string) (link, bool) {
	rest, found := strings.CutPrefix(token, prefix)
	if !found || len(token) != chainLen {
		return link{}, false
	}
	rest, own := rest[:len(rest)-secret.Len], rest[len(rest)-secret.Len:]
	l := link{grantID: rest[:secret.IDLen], family: rest[secret.IDLen:], own: own}
	return l, secret.ValidID(l.grantID)
}
