package templates

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestEveryPageRendersWithItsSamples(t *testing.T) {
	p := parse(t)
	seen := map[string]bool{}
	for _, page := range samples() {
		seen[page.file()] = true
		body := render(t, p, page)
		for _, want := range []string{"<!doctype html>", `<html lang="en">`, `<meta charset="utf-8">`, `name="viewport"`, "· Notes</title>", "<h1"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s has no %s", page.file(), want)
			}
		}
		if strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s: a value was not safe where it stands:\n%s", page.file(), body)
		}
	}
	for name := range p.pages {
		if !seen[name] {
			t.Errorf("%s has no sample: a broken override of it would not fail at start-up", name)
		}
	}
}

func TestAnOverrideTakesThePlaceOfAFile(t *testing.T) {
	p := parseWith(t, fstest.MapFS{
		"problem.html": {Data: []byte(`{{define "title"}}Oh{{end}}{{define "head"}}{{end}}{{define "main"}}<h1>Ours: {{.Page.Title}}</h1>{{end}}`)},
		"style.css":    {Data: []byte("body{}")},
	})
	if body := render(t, p, Problem{Title: "gone"}); !strings.Contains(body, "<h1>Ours: gone</h1>") || !strings.Contains(body, "<title>Oh · Notes</title>") {
		t.Errorf("the override of problem.html is not used:\n%s", body)
	}
	if w := getAsset(p, "/authorize/assets/style.css", nil); w.Body.String() != "body{}" {
		t.Errorf("style.css = %q", w.Body)
	}
	plain, ours := link(t, render(t, parse(t), Problem{}), "style.css"), link(t, render(t, p, Problem{}), "style.css")
	if plain == ours {
		t.Errorf("another style.css has the same link %s: browsers would keep the old one", ours)
	}
}

func TestABrokenOverrideFailsAtStartUpAndNamesTheFile(t *testing.T) {
	page := func(main string) string {
		return `{{define "title"}}{{end}}{{define "head"}}{{end}}{{define "main"}}` + main + `{{end}}`
	}
	for name, tc := range map[string]struct {
		files fstest.MapFS
		want  []string
	}{
		"a file that replaces nothing":      {fstest.MapFS{"consnet.html": {Data: []byte("x")}}, []string{`"consnet.html"`, "consent.html"}},
		"a file in a folder":                {fstest.MapFS{"pages/consent.html": {Data: []byte("x")}}, []string{`"pages/consent.html"`}},
		"a template that does not parse":    {fstest.MapFS{"consent.html": {Data: []byte("{{if}}")}}, []string{"consent.html"}},
		"a layout that does not parse":      {fstest.MapFS{"layout.html": {Data: []byte("{{end}}")}}, []string{"layout.html"}},
		"a template without its main":       {fstest.MapFS{"problem.html": {Data: []byte("text")}}, []string{"problem.html"}},
		"a field that there is not":         {fstest.MapFS{"setup.html": {Data: []byte(page("{{.Page.Nonesuch}}"))}}, []string{"setup.html", "Nonesuch"}},
		"a field missing in one branch":     {fstest.MapFS{"consent.html": {Data: []byte(page("{{if .Page.NativeApp}}{{.Page.Nonesuch}}{{end}}"))}}, []string{"consent.html", "Nonesuch"}},
		"an asset that there is not":        {fstest.MapFS{"approved.html": {Data: []byte(page(`<img src="{{asset "logo.png"}}">`))}}, []string{"approved.html", "logo.png"}},
		"two mistakes are reported at once": {fstest.MapFS{"setup.html": {Data: []byte("{{")}, "problem.html": {Data: []byte(page("{{.Nonesuch}}"))}}, []string{"setup.html", "problem.html"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(App{Name: "Notes"}, tc.files)
			if err == nil {
				t.Fatal("Parse succeeded")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %s", err, want)
				}
			}
		})
	}
}

func TestNoPageHasInlineScriptOrStyle(t *testing.T) {
	p := parse(t)
	for _, page := range samples() {
		body := render(t, p, page)
		for _, banned := range []string{"<style", "style=", "<script>", " onclick", " onload", "javascript:", "http-equiv=\"Content-Security-Policy\""} {
			if strings.Contains(body, banned) {
				t.Errorf("%s has %s, which the policy forbids", page.file(), banned)
			}
		}
	}
}

func TestAPageWithAllItsAssetsIsSmallerThan50KB(t *testing.T) {
	p := parse(t)
	assets := 0
	for _, a := range p.assets {
		assets += len(a.content)
	}
	for _, page := range samples() {
		if size := len(render(t, p, page)) + assets; size >= 50_000 {
			t.Errorf("%s with all assets has %d bytes", page.file(), size)
		}
	}
}

func parse(t *testing.T) *Pages {
	t.Helper()
	return parseWith(t, nil)
}

func parseWith(t *testing.T, overrides fs.FS) *Pages {
	t.Helper()
	p, err := Parse(App{Name: "Notes"}, overrides)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
