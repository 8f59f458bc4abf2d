package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// CGI and WSGI merge what differs in nothing but its punctuation.
func TestNoCallerCanSpellTheOperatorsHeadersAnotherWay(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	for _, name := range []string{"X-Api-Key", "x-api-key", "X_api_key", "X_API_KEY", "X-Api_Key", "X.Api.Key", "X~Api-Key", "X-Tenant", "x_tenant", "X_TENANT", "X.Tenant"} {
		if res, body := f.call("/mcp", name, "mallory"); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d %s", name, res.StatusCode, body)
		}
		got, _ := up.got()
		if strings.Contains(fmt.Sprint(got.Header), "mallory") {
			t.Errorf("%s gets through: %v", name, got.Header)
		}
		if key, tenant := got.Header["X-Api-Key"], got.Header["X_tenant"]; !slices.Equal(key, []string{"the-upstreams-own-key"}) || !slices.Equal(tenant, []string{"the-upstreams-own-tenant"}) {
			t.Errorf("after %s the upstream gets %q and %q", name, key, tenant)
		}
	}
}

func TestAHeaderWhoseNameHasOtherThanLettersDigitsAndHyphensIsDropped(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	for _, c := range "!#$%&'*+._`|~" {
		f.call("/mcp", "Content"+string(c)+"Length", "mallory", "Mcp"+string(c)+"Session-Id", "mallory", "Mcp-Session-Id", "session", "X-2nd", "second")
		got, _ := up.got()
		if strings.Contains(fmt.Sprint(got.Header), "mallory") || got.Header.Get("Mcp-Session-Id") != "session" || got.Header.Get("X-2nd") != "second" {
			t.Errorf("with %q the upstream gets %v", c, got.Header)
		}
	}
}

// The rate limits count a /64 as one; who reads the upstream's log wants the caller.
func TestTheUpstreamIsToldTheCallersWholeAddress(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	for given, want := range map[string]string{
		"2001:db8:1:2:3:4:5:6":                  "2001:db8:1:2:3:4:5:6",
		"203.0.113.9, 2001:db8::7":              "2001:db8::7",
		"198.51.100.7":                          "198.51.100.7",
		"::ffff:198.51.100.7":                   "198.51.100.7",
		"203.0.113.9, 198.51.100.7, 127.0.0.53": "198.51.100.7",
	} {
		f.call("/mcp", "X-Forwarded-For", given)
		if got, _ := up.got(); !slices.Equal(got.Header.Values("X-Forwarded-For"), []string{want}) {
			t.Errorf("%s became %q, want %s", given, got.Header.Values("X-Forwarded-For"), want)
		}
	}
}
