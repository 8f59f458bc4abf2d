// Package templates holds the pages that people see: embedded HTML, style and
// scripts, each of which an application may replace by its own.
//
// The files are layout.html, which frames every page, and one for each type of page:
// consent.html, setup_needed.html, setup.html, enrol.html, approved.html and problem.html;
// signin.html, and for who is signed in connections.html, passkeys.html, people.html,
// invited.html, keys.html, key_made.html, events.html and confirm.html. They define the
// templates "title", "head" and "main", see .App, .Page, which is the page's type of this
// package, and .Account, the frame of who is signed in, and have the functions asset (the
// URL of an asset), short (a name that fits into a heading) and when (a When as an
// element). The assets are style.css, icon.svg, which is the logo on every page and in
// the browser's tab, and the scripts passkey.js, consent.js, setup.js and account.js.
//
// A consent.html that keeps the script needs a form "decision", posted to .Action with
// data-digest and data-app, a hidden field "ceremony", the buttons "approve" and
// "deny" of the name decision, and a region "status". A setup.html or enrol.html needs a
// form "setup" with data-purpose (setup, invitation or recovery: what the page speaks of),
// the field "setup-token", the button "create" and the region "status", within "todo", and
// "done" for what comes after. A signin.html or confirm.html needs a
// form with data-digest, a hidden field "ceremony", the button "touch" and the region
// "status"; data-adds on the form makes a passkey afterwards. The content security policy
// allows no inline script or style.
package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
)

// AssetPath is where the pages look for what ServeAsset serves.
const AssetPath = "/authorize/assets/"

//go:embed files
var embedded embed.FS

// layout is the frame of every page; each other template file is one page.
const layout = "layout.html"

// App is what every page knows of the application.
type App struct {
	Name   string
	Accent string // the colour of buttons and marks, #rrggbb; if empty, that of style.css
}

// Pages are parsed templates and the assets that they link to.
type Pages struct {
	// Log gets the error of a page that fails. If nil, slog.Default is used.
	Log *slog.Logger

	app    App
	pages  map[string]*template.Template
	assets map[string]asset
}

// A view is what a template sees.
type view struct {
	App     App
	Account *Account // the frame, if the page is for who is signed in
	Page    Page
}

// Parse reads the templates and assets. A file in overrides takes the place of
// the embedded one of the same name; nil overrides none. Every template is
// executed once, so that one with a mistake is an error here, not before a visitor.
func Parse(app App, overrides fs.FS) (*Pages, error) {
	files, err := readFiles(overrides)
	if err != nil {
		return nil, err
	}
	p := &Pages{app: App{Name: line(app.Name, maxName), Accent: app.Accent}, pages: make(map[string]*template.Template), assets: make(map[string]asset)}
	files["style.css"] = append(files["style.css"], accentStyle(app.Accent)...)
	for name, content := range files {
		if path.Ext(name) != ".html" {
			p.assets[name] = newAsset(name, content)
		}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) != ".html" || name == layout {
			continue
		}
		if p.pages[name], err = p.parsePage(files, name); err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, p.trySamples())
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

// readFiles returns the embedded files with the overrides in their places.
func readFiles(overrides fs.FS) (map[string][]byte, error) {
	files := make(map[string][]byte)
	entries, err := embedded.ReadDir("files")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	for _, entry := range entries {
		if files[entry.Name()], err = embedded.ReadFile("files/" + entry.Name()); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
	}
	if overrides == nil {
		return files, nil
	}
	known := slices.Sorted(maps.Keys(files))
	err = fs.WalkDir(overrides, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("templates: reading override %q: %w", name, err)
		}
		if entry.IsDir() {
			return nil
		}
		if !slices.Contains(known, name) {
			return fmt.Errorf("templates: override %q replaces nothing; the names are %s", name, strings.Join(known, ", "))
		}
		if files[name], err = fs.ReadFile(overrides, name); err != nil {
			return fmt.Errorf("templates: reading override %q: %w", name, err)
		}
		return nil
	})
	return files, err
}

func (p *Pages) parsePage(files map[string][]byte, name string) (*template.Template, error) {
	t := template.New(layout).Funcs(template.FuncMap{
		"asset": p.assetURL,                                           // the URL of an asset
		"short": func(s string) string { return line(s, maxHeading) }, // a name that fits into a heading
		"when":  timeElement,                                          // a When, with the exact time on hover
	})
	if _, err := t.Parse(string(files[layout])); err != nil {
		return nil, fmt.Errorf("templates: parsing %s: %w", layout, err)
	}
	if _, err := t.New(name).Parse(string(files[name])); err != nil {
		return nil, fmt.Errorf("templates: parsing %s: %w", name, err)
	}
	return t, nil
}

// trySamples executes every page that was parsed with its samples.
func (p *Pages) trySamples() error {
	var problems []error
	for _, page := range samples() {
		if p.pages[page.file()] == nil {
			continue
		}
		if _, err := p.execute(page); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (p *Pages) execute(page Page) ([]byte, error) {
	var out bytes.Buffer
	seen := view{App: p.app, Page: page.cleaned()}
	if framed, ok := seen.Page.(interface{ frame() Account }); ok {
		seen.Account = new(framed.frame())
	}
	if err := p.pages[page.file()].Execute(&out, seen); err != nil {
		return nil, fmt.Errorf("templates: executing %s: %w", page.file(), err)
	}
	return out.Bytes(), nil
}
