package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/cmd/mcpoauth/internal/proxy"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
)

// proxyPath is where clients find the endpoint, wherever the upstream has it.
const proxyPath = "/mcp"

func runProxy(ctx context.Context, args []string, t terminal) (err error) {
	c, err := parseProxy(args, t)
	if err != nil {
		return err
	}
	listeners, err := listen(c.addr)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	c.url = cmp.Or(c.url, localURL(listeners[0]))

	notice := &setupNotice{Handler: slog.NewTextHandler(t.err, nil)}
	log := slog.New(notice)
	// Go's HTTP client writes what an upstream sends unasked to the standard log.
	standardLogTo(slog.NewLogLogger(notice, slog.LevelDebug).Writer())
	backend, closeStore, err := openForServer(ctx, c.place, c.keys, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	router, err := c.router(backend, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, router.Close()) }()
	c.greet(t.out, notice)
	return serve(ctx, router, listeners, log)
}

// router is mcpoauth in front of the upstream.
func (c proxyCommand) router(backend store.Backend, log *slog.Logger) (*mcpoauth.Router, error) {
	public, err := url.Parse(c.url)
	if err != nil {
		public = new(url.URL) // which the library refuses, with the reason
	}
	upstream := proxy.Upstream{URL: c.upstream, Header: c.header, Path: proxyPath, Public: public, Proxies: prefixes(c.proxies), Log: log}
	resource := mcpoauth.Resource{Path: proxyPath}
	if len(c.scopes) > 0 {
		resource.Scopes = []string{c.scopes[0].Name}
	}
	return mcpoauth.BuildOAuthRouter(upstream.Handler(), mcpoauth.Config{
		ServerURL:      c.url,
		AppName:        c.name,
		Resources:      []mcpoauth.Resource{resource},
		Scopes:         c.scopes,
		Store:          backend,
		SetupToken:     c.setupToken,
		TrustedProxies: c.proxies,
		Logger:         log,
	})
}

// prefixes reads what of the list can be read; the library refuses the rest.
func prefixes(list []string) (all ratelimit.Proxies) {
	for _, s := range list {
		if addr, err := netip.ParseAddr(s); err == nil {
			all = append(all, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
		} else if prefix, err := netip.ParsePrefix(s); err == nil {
			all = append(all, prefix)
		}
	}
	return all
}

// greet says where everything is. A terminal that is gone is no reason to stop serving.
func (c proxyCommand) greet(out io.Writer, notice *setupNotice) {
	fmt.Fprintf(out, "%s%s is guarded, and passes requests on to %s\n", strings.TrimSuffix(c.url, "/"), proxyPath, c.upstream)
	switch {
	case notice.link != "":
		fmt.Fprintf(out, "\nIt has no owner yet. Open this link in your browser and create a passkey:\n\n    %s\n", notice.link)
	case notice.page != "":
		fmt.Fprintf(out, "\nIt has no owner yet. Open %s in your browser,\nenter your setup token and create a passkey.\n", notice.page)
	}
	fmt.Fprintf(out, "\nKeep the upstream on this machine or a private network: who reaches it past this\nproxy needs no token, and can say to be anybody. Stop with Ctrl-C.\n")
}
