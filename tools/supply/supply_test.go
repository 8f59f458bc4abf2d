package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mit = "MIT License\n\nPermission is hereby granted, free of charge, to any person\nobtaining a copy of this Software ...\n"

// sources returns a folder with a file of that name, or with none.
func sources(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if name != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func hashOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

func TestWhatIsWrongIsSaid(t *testing.T) {
	line := "example.com/a MIT " + hashOf(mit) + " for the test\n"
	builds := func(dir string) map[string]build {
		return map[string]build{".": {"example.com/a": dir}, "x": {"example.com/a": dir}}
	}
	licensed := func(name, text string) map[string]build { return builds(sources(t, name, text)) }
	changed := mit + "The Software shall be used for Good, not Evil.\n"
	for name, test := range map[string]struct {
		list   string
		builds map[string]build
		want   string // begins or is within each problem; empty: there is none
	}{
		"all is as it was decided":                   {"[.]\n" + line + "[x] .\n", licensed("LICENSE", mit), ""},
		"a licence may have another file name":       {"[.]\n" + line + "[x] .\n", licensed("Licence.md", mit), ""},
		"a module that nobody decided about":         {"[.]\n[x]\n", licensed("LICENSE", mit), "is not in the list"},
		"one that only another module may have":      {"[.]\n" + line + "[x]\n", licensed("LICENSE", mit), "x: example.com/a: is not in the list"},
		"one that is not needed any more":            {"[.]\n" + line + "[x]\n", map[string]build{".": {}, "x": {}}, ".: example.com/a: is not needed"},
		"a module of ours without a section":         {"[.]\n" + line, licensed("LICENSE", mit), "x: is not in the list"},
		"a section without a module of ours":         {"[.]\n[x]\n", map[string]build{".": {}}, "x: there is no such module"},
		"a licence that was changed":                 {"[.]\n" + line + "[x] .\n", licensed("LICENSE", changed), "is not what was read before"},
		"a licence that is called by another's name": {"[.]\n" + strings.Replace(line, "MIT", "ISC", 1) + "[x] .\n", licensed("LICENSE", mit), "is not ISC"},
		"a licence that is not accepted":             {"[.]\n" + strings.Replace(line, "MIT", "AGPL-3.0", 1) + "[x] .\n", licensed("LICENSE", mit), "AGPL-3.0 is not one of"},
		"no licence at all":                          {"[.]\n" + line + "[x] .\n", licensed("", ""), "there is no licence"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := parse(test.list)
			if err != nil {
				t.Fatal(err)
			}
			problems := l.compare(test.builds)
			if (len(problems) == 0) != (test.want == "") {
				t.Fatalf("got %q, want %q", problems, test.want)
			}
			for _, problem := range problems {
				if !strings.Contains(problem, test.want) {
					t.Errorf("got %q, want %q", problem, test.want)
				}
			}
		})
	}
}

func TestALineWithoutAReasonIsRefused(t *testing.T) {
	for _, text := range []string{"[.]\nexample.com/a MIT 0123456789abcdef\n", "example.com/a MIT 0123456789abcdef reason\n"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// What stands in for a module is not what was read.
func TestAModuleThatIsReplacedIsRefused(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":   "module " + own + "/x\n\ngo 1.26\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ./a\n",
		"x.go":     "package x\n\nimport _ \"example.com/a\"\n",
		"a/go.mod": "module example.com/a\n\ngo 1.26\n",
		"a/a.go":   "package a\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := builtFrom(dir); err == nil || !strings.Contains(err.Error(), "example.com/a is replaced by ./a") {
		t.Errorf("it is taken: %v, %v", found, err)
	}
}
