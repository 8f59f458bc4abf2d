package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// own is what the paths of this repository's modules begin with.
const own = "github.com/mcpoauth/mcpoauth"

// systems are those that users build for: files for one of them alone can import more.
var systems = []string{"linux", "darwin", "windows"}

// A build is the modules of others that go into the packages and tools of one of ours,
// tests apart, each with the folder of its sources.
type build map[string]string

// builtFrom asks the go command, not go.mod, which lists what is never compiled as well.
func builtFrom(dir string) (build, error) {
	found := make(build)
	for _, system := range systems {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{with .Replace}}{{.Path}}{{end}}{{end}}", "./...", "tool")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOOS="+system, "CGO_ENABLED=0")
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w\n%s", system, err, said.Bytes())
		}
		for line := range strings.Lines(string(out)) {
			path, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
			sources, instead, _ := strings.Cut(rest, "\t")
			if path == "" || path == own || strings.HasPrefix(path, own+"/") {
				continue
			}
			if sources == "" {
				return nil, errors.New("the sources of " + path + " are not there")
			}
			if instead != "" {
				return nil, errors.New(path + " is replaced by " + instead + ", which nobody has looked at; take the replace out of go.mod")
			}
			found[path] = sources
		}
	}
	return found, nil
}
