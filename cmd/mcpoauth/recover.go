package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A recovery is what the verb recover hands out.
type recovery struct {
	Link      string    `json:"link"` // whoever has it becomes that person
	UserID    string    `json:"user_id"`
	UserName  string    `json:"user_name"`
	Passkeys  int       `json:"passkeys"` // that it replaces
	ExpiresAt time.Time `json:"expires_at"`
}

func runRecover(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("recover", t)
	who := v.String("person", store.OwnerID, "the `name or ID` of who has lost their passkeys")
	address := v.String("url", "", "the public `URL` of the server, without a path, such as https://mcp.example.com (required)")
	if err := v.parseNone("recover --url URL [--person NAME] [FLAGS]", args); err != nil {
		return err
	}
	origin, err := parseOrigin(*address)
	if err != nil {
		return err
	}
	return v.do(ctx, func(a admin) error {
		r, err := a.recover(ctx, *who, origin)
		if err != nil {
			return err
		}
		return a.show(r, func(p *printer) { p.recovery(r, a.place.kind == filesStore) })
	})
}

// recover makes an enrolment of a person and returns its link.
func (a admin) recover(ctx context.Context, who, origin string) (recovery, error) {
	owned, err := a.store.HasOwner(ctx)
	if err != nil {
		return recovery{}, fmt.Errorf("looking for the owner: %w", err)
	}
	if !owned {
		return recovery{}, finding("there is no owner yet, so that nothing is lost: what you need is the setup link, which the server shows when it starts")
	}
	u, err := a.person(ctx, who)
	if err != nil {
		return recovery{}, err
	}
	if u.Suspended() {
		return recovery{}, finding(fmt.Sprintf("%s is suspended; mcpoauth resume comes first", cut(u.Name, 64)))
	}
	token, err := a.store.Enrol(ctx, store.ForRecovery, u.ID, "")
	if err != nil {
		return recovery{}, fmt.Errorf("storing the recovery link: %w", err)
	}
	e, err := a.store.Enrolment(ctx, token)
	if err != nil {
		return recovery{}, fmt.Errorf("reading the recovery link again: %w", err)
	}
	a.log.WarnContext(ctx, "recovery.started", "user_id", u.ID, a.by())
	link := origin + "/passkey/enrol?for=recovery#token=" + token
	return recovery{link, u.ID, u.Name, len(u.Passkeys), e.ExpiresAt}, nil
}

func (p *printer) recovery(r recovery, files bool) {
	name := cut(r.UserName, 64)
	p.printf("%s\n\n", r.Link)
	if files {
		p.printf("Start the server, and open this link in the browser of %s.\n", name)
	} else {
		p.printf("Open this link in the browser of %s.\n", name)
	}
	p.printf(`It works once, until %s (%s).
The new passkey replaces %s of theirs and signs them out everywhere;
what is connected stays. Whoever opens the link first becomes %s.
`, r.ExpiresAt.Local().Format("15:04 MST"), "in "+span(time.Until(r.ExpiresAt).Round(time.Minute)), count(r.Passkeys, "passkey"), name)
}

// parseOrigin reads the public URL of a server. A link to any other place would take the
// token there.
func parseOrigin(s string) (string, error) {
	if s == "" {
		return "", errors.New("--url is missing; give it the public URL of the server, such as https://mcp.example.com")
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("--url is not the public URL of a server; use the form https://mcp.example.com")
	}
	host := strings.ToLower(u.Hostname())
	_, errIP := netip.ParseAddr(host)
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	switch {
	case strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return "", fmt.Errorf("--url has more than scheme, host and port; use %s", origin)
	case strings.ContainsFunc(host, isNoHostRune), !isPort(u):
		return "", errors.New("--url has a host or a port that none can have; use the URL that the server is configured with, such as https://mcp.example.com, international names in the form that begins with xn--")
	case errIP == nil:
		return "", errors.New("--url is an IP address, for which browsers make no passkeys; use the host name that the server is configured with")
	case u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost"):
		return "", fmt.Errorf("--url is plain http on a host that is not this machine; use https://%s", strings.ToLower(u.Host))
	}
	return origin, nil
}

func isNoHostRune(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != ':' // of an IPv6 address
}

func isPort(u *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "443"), 10, 16)
	return err == nil && port > 0 && !strings.HasSuffix(u.Host, ":")
}
