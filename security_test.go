package mcpoauth_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A defence that names a test which does not exist is a promise that nobody keeps.
func TestEveryTestThatSecurityNamesExists(t *testing.T) {
	exists := testsOfAllModules(t)
	for _, file := range []string{"SECURITY.md", "docs/attacks.md"} {
		named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(readFile(t, file), -1)
		if len(named) == 0 {
			t.Errorf("%s names no test", file)
		}
		for _, name := range named {
			if !exists[name[1]] {
				t.Errorf("%s names %s, which does not exist", file, name[1])
			}
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)

// testsOfAllModules returns the names of the tests in the tree, nested modules included.
func testsOfAllModules(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, found := range testFunction.FindAllStringSubmatch(readFile(t, path), -1) {
				names[found[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
