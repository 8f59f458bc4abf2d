// Command supply checks what the modules of this repository are built from against
// tools/modules.txt: that somebody has decided about each module of somebody else's, that
// none is listed that is not needed any more, and that its licence is still the one that
// was read.
//
//	GOWORK=off go run -C tools ./supply
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	problems, err := check("..", "modules.txt")
	if err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(1)
	}
	for _, problem := range problems {
		fmt.Println(problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// check returns what is wrong with the modules below root.
func check(root, listFile string) (problems []string, err error) {
	text, err := os.ReadFile(listFile)
	if err != nil {
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	list, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", listFile, err)
	}
	dirs, err := modules(root)
	if err != nil {
		return nil, fmt.Errorf("looking for modules: %w", err)
	}
	builds := make(map[string]build)
	for _, dir := range dirs {
		if list.ours(dir) {
			builds[dir] = nil
			continue
		}
		if builds[dir], err = builtFrom(filepath.Join(root, dir)); err != nil {
			return nil, fmt.Errorf("listing what %s is built from: %w", dir, err)
		}
	}
	return list.compare(builds), nil
}

// modules returns the folders that have a go.mod, in order, relative to root.
func modules(root string) (dirs []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case entry.Name() == "go.mod":
			dir, err := filepath.Rel(root, filepath.Dir(path))
			dirs = append(dirs, filepath.ToSlash(dir))
			return err
		}
		return nil
	})
	slices.Sort(dirs)
	return dirs, err
}
