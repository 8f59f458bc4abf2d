package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/cmd/mcpoauth/internal/proxy"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
)

// Secrets come from the environment or a file: a command line is for everybody on
// the machine to read.
const (
	envSetupToken    = "MCPOAUTH_SETUP_TOKEN"
	envAuthorization = "MCPOAUTH_UPSTREAM_AUTHORIZATION"
)

const proxySynopsis = `proxy --upstream URL [FLAGS]

From the environment, if set:
  ` + envSetupToken + `
    	what the first passkey needs (default a random token, in a link that is shown)
  ` + envAuthorization + `
    	the Authorization header for the upstream, such as Bearer TOKEN
  ` + envStore + `
    	what --store is if it is absent: for a URL with a password
  ` + envKeys + `
    	the keys to encrypt what is kept with, with commas between, the newest first`

// A proxyCommand is the command line of the proxy.
type proxyCommand struct {
	upstream   *url.URL
	header     http.Header // for the upstream
	url        string      // empty: http://localhost and the port
	addr       string
	place      place // where the store is
	keys       []encrypted.Key
	name       string
	scopes     []mcpoauth.Scope
	proxies    []string
	setupToken string
}

func parseProxy(args []string, t terminal) (proxyCommand, error) {
	c := proxyCommand{header: make(http.Header), setupToken: t.env(envSetupToken)}
	flags := flag.NewFlagSet("proxy", flag.ContinueOnError)
	upstream := flags.String("upstream", "", "the `URL` of the MCP endpoint behind, such as http://127.0.0.1:3000/mcp (required)")
	flags.StringVar(&c.url, "url", "", "the public `URL` that clients use, without a path (default http://localhost and the port)")
	flags.StringVar(&c.addr, "addr", "localhost:8080", "listen on this `host:port`; with port 0, on a free one")
	flags.String("data", "data", "keep passkeys and grants in files in this `directory`")
	flags.String("store", "", "or keep them in this `store`: files:DIRECTORY, or the URL of a database, redis://... or postgres://..., which several can share (default files)")
	flags.StringVar(&c.name, "name", "", "what pages and passkey prompts call the server (default MCP server)")
	flags.Func("scopes", "the scopes there are, as `NAME=In words,...`: the first lets a client in, the upstream may ask for others", func(s string) (err error) {
		c.scopes, err = parseScopes(s)
		return err
	})
	flags.Func("trusted-proxy", "believe X-Forwarded-For of this `address` or prefix; may be given again (default this machine, if the URL is https)", func(s string) error {
		c.proxies = append(c.proxies, s)
		return nil
	})
	flags.Func("upstream-header-file", "send the headers in this `file` to the upstream, each on a line as Name: value", c.readHeader)
	if err := parse(flags, proxySynopsis, args, t.out); err != nil {
		return proxyCommand{}, err
	}
	if flags.NArg() > 0 {
		return proxyCommand{}, fmt.Errorf("unexpected argument %q; -h lists the flags", flags.Arg(0))
	}
	var err error
	if c.upstream, err = parseUpstream(*upstream); err != nil {
		return proxyCommand{}, err
	}
	if c.place, err = givenPlace(flags, t.env); err != nil {
		return proxyCommand{}, err
	}
	if c.keys, err = parseKeys(t.env(envKeys)); err != nil {
		return proxyCommand{}, err
	}
	if len(c.proxies) == 0 && strings.HasPrefix(c.url, "https://") {
		c.proxies = []string{"127.0.0.1", "::1"} // this program speaks http: what brings TLS is on this machine
	}
	return c, c.readAuthorization(t.env(envAuthorization))
}

// parseUpstream's errors do not repeat the URL, which may have a password in it.
func parseUpstream(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return nil, errors.New("--upstream is missing; give it the URL of the MCP server behind, such as http://127.0.0.1:3000/mcp")
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Opaque != "":
		return nil, errors.New("--upstream is not the URL of a server; use the form http://127.0.0.1:3000/mcp")
	case u.User != nil:
		return nil, errors.New("--upstream has a user name or password in it, which everybody on this machine can read; set " + envAuthorization + " instead")
	case u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("--upstream has more than a path; credentials go into " + envAuthorization + " or --upstream-header-file")
	case u.Path == "":
		u.Path = "/"
	}
	return u, nil
}

func parseScopes(s string) (scopes []mcpoauth.Scope, err error) {
	for item := range strings.SplitSeq(s, ",") {
		name, words, _ := strings.Cut(strings.TrimSpace(item), "=")
		if name == "" {
			return nil, errors.New("a scope has no name; use NAME=In words,NAME=In words")
		}
		scopes = append(scopes, mcpoauth.Scope{Name: name, Description: words})
	}
	return scopes, nil
}

func (c *proxyCommand) readHeader(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	c.header, err = proxy.ReadHeader(file)
	return err
}

func (c *proxyCommand) readAuthorization(value string) error {
	if value == "" {
		return nil
	}
	if c.header.Get("Authorization") != "" {
		return errors.New("both " + envAuthorization + " and --upstream-header-file set Authorization; keep one")
	}
	header, err := proxy.ReadHeader(strings.NewReader("Authorization: " + value))
	if err != nil || len(header) != 1 || len(header["Authorization"]) != 1 {
		return errors.New(envAuthorization + " is not the value of a header; use the form Bearer TOKEN")
	}
	c.header["Authorization"] = header["Authorization"]
	return nil
}
