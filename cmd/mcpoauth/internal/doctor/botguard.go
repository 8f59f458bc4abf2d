package doctor

import (
	"bytes"
	"net/http"
	"strings"
)

// guards are what stands before servers to keep programs out, known by a header that
// it adds, or by words on its page.
var guards = []struct {
	name, header, value string
	words               []string
}{
	{"Cloudflare's bot protection", "Cf-Mitigated", "", []string{"just a moment...", "attention required! | cloudflare", "/cdn-cgi/challenge-platform/"}},
	{"DataDome's bot protection", "X-Datadome", "", []string{"captcha-delivery.com"}},
	{"Imperva's bot protection", "X-Iinfo", "", []string{"_incapsula_resource"}},
	{"AWS WAF", "X-Amzn-Waf-Action", "", []string{"awswaf.com"}},
	{"Vercel's bot protection", "X-Vercel-Mitigated", "", nil},
	{"Sucuri's firewall", "X-Sucuri-Block", "", []string{"sucuri website firewall"}},
	{"Akamai's bot protection", "Server", "akamaighost", []string{"errors.edgesuite.net"}},
	{"Anubis", "", "", []string{"making sure you&#39;re not a bot", "/.within.website/x/cmd/anubis"}},
	{"Cloudflare", "Server", "cloudflare", nil},
}

// botGuard names who refused in the server's place, or returns "". What an MCP server
// itself says is never HTML.
func (a answer) botGuard() string {
	switch a.status {
	case http.StatusForbidden, http.StatusServiceUnavailable, http.StatusTooManyRequests:
	default:
		return ""
	}
	if a.media() != "text/html" {
		return ""
	}
	page := bytes.ToLower(a.body)
	for _, g := range guards {
		if g.header != "" && a.header.Get(g.header) != "" && strings.Contains(strings.ToLower(a.header.Get(g.header)), g.value) {
			return g.name
		}
		for _, words := range g.words {
			if bytes.Contains(page, []byte(words)) {
				return g.name
			}
		}
	}
	return "a firewall or bot protection"
}

const (
	whyBots  = "MCP clients are programs: they solve no puzzle and have no cookies"
	cureBots = "let the well-known paths, the MCP endpoint, /register and /token through without a challenge, for Anthropic from 160.79.104.0/21, for OpenAI from the ranges that it publishes"
)
