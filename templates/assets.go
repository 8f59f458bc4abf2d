package templates

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/http"
	"path"
	"time"
)

// An asset is a file that pages link to.
type asset struct {
	content     []byte
	contentType string
	version     string // changes with the content
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func newAsset(name string, content []byte) asset {
	hash := fnv.New128a() // tells versions apart; it guards nothing
	hash.Write(content)
	return asset{
		content:     content,
		contentType: contentTypes[path.Ext(name)],
		version:     base64.RawURLEncoding.EncodeToString(hash.Sum(nil)),
	}
}

// assetURL is the template function "asset".
func (p *Pages) assetURL(name string) (string, error) {
	a, ok := p.assets[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return AssetPath + name + "?v=" + a.version, nil
}

// ServeAsset answers with a file that the pages link to. A link with the version
// in it is good for ever; without, the browser asks each time.
func (p *Pages) ServeAsset(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	a, ok := p.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", `"`+a.version+`"`)
	// A picture that is opened by itself is a document, and an SVG can run scripts.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}
