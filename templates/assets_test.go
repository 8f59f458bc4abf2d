package templates

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryAssetOfAPageIsServed(t *testing.T) {
	p := parse(t)
	links := regexp.MustCompile(`(?:src|href)="(` + AssetPath + `[^"]+)"`)
	for _, page := range samples() {
		found := links.FindAllStringSubmatch(render(t, p, page), -1)
		if len(found) == 0 {
			t.Errorf("%s links to no asset", page.file())
		}
		for _, match := range found {
			w := getAsset(p, match[1], nil)
			if w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("%s: %s answers %d", page.file(), match[1], w.Code)
			}
			if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control = %q", match[1], got)
			}
		}
	}
}

func TestAnAssetHasItsTypeAndCannotBeSniffed(t *testing.T) {
	p := parse(t)
	for name, want := range map[string]string{
		"style.css":  "text/css; charset=utf-8",
		"passkey.js": "text/javascript; charset=utf-8",
		"consent.js": "text/javascript; charset=utf-8",
		"setup.js":   "text/javascript; charset=utf-8",
		"account.js": "text/javascript; charset=utf-8",
		"icon.svg":   "image/svg+xml",
	} {
		h := getAsset(p, AssetPath+name, nil).Header()
		if h.Get("Content-Type") != want || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers = %v", name, h)
		}
	}
}

// An SVG that is opened by itself is a document of this origin, which could press what the owner can.
func TestAnAssetThatIsOpenedByItselfRunsNoScript(t *testing.T) {
	p := parse(t)
	for name := range p.assets {
		policy := getAsset(p, AssetPath+name, nil).Header().Get("Content-Security-Policy")
		directives := strings.Split(policy, "; ")
		if !slices.Contains(directives, "default-src 'none'") || !slices.Contains(directives, "frame-ancestors 'none'") || strings.Contains(policy, "script-src") {
			t.Errorf("%s: Content-Security-Policy = %q", name, policy)
		}
	}
}

func TestAnAssetIsKeptForEverOnlyUnderItsOwnVersion(t *testing.T) {
	p := parse(t)
	for _, query := range []string{"", "?v=", "?v=old"} {
		w := getAsset(p, AssetPath+"style.css"+query, nil)
		if got := w.Header().Get("Cache-Control"); w.Code != http.StatusOK || got != "no-cache" {
			t.Errorf("%q: %d, Cache-Control = %q", query, w.Code, got)
		}
	}
}

func TestAnAssetThatDidNotChangeIsNotSentAgain(t *testing.T) {
	p := parse(t)
	first := getAsset(p, AssetPath+"style.css", nil)
	again := getAsset(p, AssetPath+"style.css", http.Header{"If-None-Match": {first.Header().Get("ETag")}})
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("answer = %d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestOnlyAssetsAreServed(t *testing.T) {
	p := parse(t)
	for _, name := range []string{"", "nonesuch.css", "consent.html", "layout.html", "../assets.go", "files/style.css", "Style.css"} {
		w := httptest.NewRecorder()
		p.ServeAsset(w, httptest.NewRequest(http.MethodGet, "/", nil), name)
		if w.Code != http.StatusNotFound {
			t.Errorf("%q answers %d", name, w.Code)
		}
	}
}

func getAsset(p *Pages, target string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	p.ServeAsset(w, r, strings.TrimPrefix(r.URL.Path, AssetPath))
	return w
}

// link returns the URL under which a page links to an asset.
func link(t *testing.T, page, name string) string {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(AssetPath+name) + `[^"]*`).FindString(page)
	if found == "" {
		t.Fatalf("the page has no link to %s:\n%s", name, page)
	}
	return found
}
