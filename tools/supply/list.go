package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A list is what may be built from what.
type list map[string]*section

// A section is about one module of ours: what it needs of others', beyond what those of
// ours that it includes may need. One that includes * is for this repository's own tests:
// nobody else builds it, and anything goes.
type section struct {
	includes []string
	needs    map[string]decision
}

// A decision lets a module in, for a reason that stands beside it in the file.
type decision struct{ licence, hash string }

// parse reads sections that begin with [module] and the modules it includes, and have
// lines of path, licence, hash of the licence and reason.
func parse(text string) (list, error) {
	l, current := make(list), (*section)(nil)
	n := 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case strings.HasPrefix(fields[0], "["):
			current = &section{includes: fields[1:], needs: make(map[string]decision)}
			l[strings.Trim(fields[0], "[]")] = current
		case current == nil || len(fields) < 4:
			return nil, fmt.Errorf("line %d: want [module], or path, licence, hash and reason", n)
		default:
			current.needs[fields[0]] = decision{fields[1], fields[2]}
		}
	}
	return l, nil
}

// ours reports whether nobody else builds the module.
func (l list) ours(dir string) bool { return l[dir] != nil && slices.Contains(l[dir].includes, "*") }

// compare returns what is wrong, in a stable order.
func (l list) compare(builds map[string]build) (problems []string) {
	for _, dir := range slices.Sorted(maps.Keys(l)) {
		if _, ok := builds[dir]; !ok {
			problems = append(problems, fmt.Sprintf("%s: there is no such module; remove its section", dir))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(builds)) {
		s, allowed := l[dir], make(map[string]decision)
		if s == nil {
			problems = append(problems, fmt.Sprintf("%s: is not in the list; add its section", dir))
			continue
		}
		l.allow(dir, allowed)
		for _, path := range slices.Sorted(maps.Keys(builds[dir])) {
			d, ok := allowed[path]
			if problem := d.problem(builds[dir][path]); !ok || problem != "" {
				problems = append(problems, fmt.Sprintf("%s: %s: %s", dir, path, cmp.Or(problem, "is not in the list")))
			}
		}
		for _, path := range slices.Sorted(maps.Keys(s.needs)) {
			if _, ok := builds[dir][path]; !ok {
				problems = append(problems, fmt.Sprintf("%s: %s: is not needed any more; remove its line", dir, path))
			}
		}
	}
	return problems
}

// allow adds to allowed what the module and those it includes may be built from.
func (l list) allow(dir string, allowed map[string]decision) {
	if s := l[dir]; s != nil {
		maps.Copy(allowed, s.needs)
		for _, other := range s.includes {
			l.allow(other, allowed)
		}
	}
}
