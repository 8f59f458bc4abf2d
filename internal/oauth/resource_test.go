package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestR34_ResourcesAreComparedInOneSpelling(t *testing.T) {
	const mcp = "https://mcp.example.com/mcp"
	for s, want := range map[string]string{
		"https://mcp.example.com/mcp":          mcp,
		"https://mcp.example.com/mcp/":         mcp,
		"https://mcp.example.com/mcp//":        mcp,
		"HTTPS://MCP.Example.COM/mcp":          mcp,
		"https://mcp.example.com:443/mcp":      mcp,
		"https://mcp.example.com:/mcp":         mcp,
		"https://mcp.example.com/mcp?kb_name=": mcp,
		"https://mcp.example.com":              "https://mcp.example.com",
		"https://mcp.example.com/":             "https://mcp.example.com",
		"http://localhost:80/mcp":              "http://localhost/mcp",
		"http://localhost:443/mcp":             "http://localhost:443/mcp",
		"https://mcp.example.com:80/mcp":       "https://mcp.example.com:80/mcp",
		"https://mcp.example.com/MCP":          "https://mcp.example.com/MCP",
		"https://[2001:DB8::1]:443/mcp":        "https://[2001:db8::1]/mcp",
		"https://mcp.example.com/a%2Fb":        "https://mcp.example.com/a%2Fb",
	} {
		if got, ok := CanonicalResource(s); !ok || got != want {
			t.Errorf("%s: got %q, %v, want %q", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "mcp", "/mcp", "//mcp.example.com/mcp", "https:", "https:///mcp", "https://:443/mcp", "https:mcp", "ftp://mcp.example.com/mcp",
		"urn:mcp", "https://mcp.example.com/mcp#part", "https://mcp.example.com/mcp#", "https://user@mcp.example.com/mcp", "https://mcp.example.com:x/mcp",
		"https://[fe80::1%25eth0]/mcp",
	} {
		if got, ok := CanonicalResource(s); ok {
			t.Errorf("%q is taken as %q", s, got)
		}
	}
}

func TestR33_TheResourceParametersOfARequestNameOneResource(t *testing.T) {
	rs := Resources{
		{URL: "https://mcp.example.com/mcp", Path: "/mcp"},
		{URL: "https://mcp.example.com/notes", Path: "/notes"},
		{URL: "https://mcp.example.com", Path: "/"},
	}
	for name, test := range map[string]struct {
		requested []string
		want      string // the path; empty: refused
	}{
		"none means the default one":         {nil, "/mcp"},
		"the default one":                    {[]string{"https://mcp.example.com/mcp"}, "/mcp"},
		"another one":                        {[]string{"https://mcp.example.com/notes/"}, "/notes"},
		"the origin":                         {[]string{"https://mcp.example.com/"}, "/"},
		"the same one twice, in two ways":    {[]string{"https://mcp.example.com/notes", "https://MCP.example.com:443/notes/"}, "/notes"},
		"an unknown one":                     {[]string{"https://mcp.example.com/other"}, ""},
		"one below":                          {[]string{"https://mcp.example.com/mcp/below"}, ""},
		"another server's":                   {[]string{"https://evil.example/mcp"}, ""},
		"two different ones":                 {[]string{"https://mcp.example.com/mcp", "https://mcp.example.com/notes"}, ""},
		"two different ones, default second": {[]string{"https://mcp.example.com/notes", "https://mcp.example.com/mcp"}, ""},
		"a known and an unknown one":         {[]string{"https://mcp.example.com/mcp", "https://evil.example/"}, ""},
		"no URI":                             {[]string{"mcp"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rs.Select(test.requested)
			switch {
			case test.want == "":
				if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Code != InvalidTarget {
					t.Errorf("got %v, %v, want invalid_target", got, err)
				}
			case err != nil || got.Path != test.want:
				t.Errorf("got %v, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestR5_MetadataOfAResourceIsAtItsPathInsertedURL(t *testing.T) {
	for path, want := range map[string]string{
		"/":        "/.well-known/oauth-protected-resource",
		"/mcp":     "/.well-known/oauth-protected-resource/mcp",
		"/a/b/mcp": "/.well-known/oauth-protected-resource/a/b/mcp",
	} {
		if got := (Resource{Path: path}).MetadataPath(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// A canonical URI is its own canonical form, and names the same host.
func FuzzCanonicalResource(f *testing.F) {
	for _, s := range []string{
		"https://mcp.example.com/mcp", "HTTPS://MCP.Example.COM:443/mcp//", "http://localhost:80/", "https://[2001:DB8::1]:443/x?y", "https://h:/",
		"https://[fe80::1%25eth0]/", "https://h/%2F/", "https://%C3%89.example/", "https://h/*", "https://h/a b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := CanonicalResource(s)
		if !ok {
			return
		}
		if twice, ok := CanonicalResource(once); !ok || twice != once {
			t.Errorf("%q becomes %q, which becomes %q, %v", s, once, twice, ok)
		}
		have, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.Parse(once)
		if err != nil {
			t.Fatal(err)
		}
		if got.Scheme != have.Scheme || got.Hostname() != strings.ToLower(have.Hostname()) || strings.TrimRight(got.Path, "/") != strings.TrimRight(have.Path, "/") {
			t.Errorf("%q becomes %q, which is elsewhere", s, once)
		}
		if got.RawQuery != "" || got.Fragment != "" || strings.HasSuffix(once, "/") {
			t.Errorf("%q becomes %q, which has more than it may", s, once)
		}
	})
}
