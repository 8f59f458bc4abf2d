package mcpoauth_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A limitRow is a row of a table of docs/limits.md.
type limitRow struct {
	what, number     string
	constants, tests []string
}

var (
	quoted     = regexp.MustCompile("`([^`]+)`")
	limitTest  = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	limitName  = regexp.MustCompile(`^[mM]ax[A-Z]`)
	wholeValue = regexp.MustCompile(`^([0-9][0-9,]*)(?: ([A-Za-z]+)( .*)?)?$`)
)

// limitUnits are how many of its constant's own unit a unit of the table is: bytes, or
// nanoseconds. Other words, such as characters, are one.
var limitUnits = map[string]int64{
	"KiB": 1 << 10, "MiB": 1 << 20, "s": 1e9, "min": 60e9, "h": 3600e9, "days": 24 * 3600e9,
}

func limitRows(t *testing.T) (rows []limitRow) {
	t.Helper()
	for line := range strings.Lines(readFile(t, "docs/limits.md")) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) == 1 || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| what is bounded ") {
			continue
		}
		if len(cells) != 7 {
			t.Fatalf("a row of docs/limits.md has %d cells, want 5: %s", len(cells)-2, line)
		}
		row := limitRow{what: strings.TrimSpace(cells[1]), number: strings.TrimSpace(cells[2])}
		for _, found := range quoted.FindAllStringSubmatch(cells[3], -1) {
			row.constants = append(row.constants, found[1])
		}
		for _, found := range limitTest.FindAllStringSubmatch(cells[5], -1) {
			row.tests = append(row.tests, found[1])
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatal("docs/limits.md has no table")
	}
	return rows
}

// value is the number of the row in its constant's own unit.
func (r limitRow) value() (int64, error) {
	found := wholeValue.FindStringSubmatch(r.number)
	if found == nil {
		return 0, fmt.Errorf("%q is not a number with a unit", r.number)
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(found[1], ",", ""), 10, 64)
	if unit, ok := limitUnits[found[2]]; ok {
		n *= unit
	}
	return n, err
}

// Whoever wants to know how much of something there can be reads one page, and finds it
// true and whole.
func TestEveryLimitIsWhatTheDocumentationSays(t *testing.T) {
	exists := testsOfAllModules(t)
	sources := make(sources)
	listed := make(map[string]bool)
	for _, row := range limitRows(t) {
		want, err := row.value()
		if err != nil {
			t.Errorf("%s: %v", row.what, err)
		}
		if len(row.constants) == 0 || len(row.tests) == 0 {
			t.Errorf("%s: the row names %d constants and %d tests", row.what, len(row.constants), len(row.tests))
			continue
		}
		got := int64(1)
		for _, name := range row.constants {
			listed[name] = true
			value, err := sources.value(name)
			if err != nil {
				t.Errorf("%s: %v", row.what, err)
			}
			got *= value
		}
		if got != want {
			t.Errorf("%s: docs/limits.md says %s, which is %d, but %s is %d", row.what, row.number, want, strings.Join(row.constants, " × "), got)
		}
		for _, name := range row.tests {
			if !exists[name] {
				t.Errorf("%s: there is no test %s", row.what, name)
			}
		}
	}
	for _, name := range limitsOfTheTree(t, sources) {
		if !listed[name] {
			t.Errorf("docs/limits.md has no row for %s", name)
		}
	}
}

// Tests and measurements bound nothing that anybody else could push against, and what the
// command line does happens on its owner's own machine.
var withoutLimits = []string{"bench", "cmd", "e2e", "internal/perf", "internal/realserver", "load", "model", "replicas", "store/storetest", "tools"}

// limitsOfTheTree returns the constants of all packages whose name says that they are limits.
func limitsOfTheTree(t *testing.T, s sources) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		path = filepath.ToSlash(path)
		switch {
		case err != nil || !entry.IsDir():
			return err
		case path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules" || entry.Name() == "testdata" || slices.Contains(withoutLimits, path)):
			return fs.SkipDir
		}
		p, err := s.read(path)
		if err != nil {
			return err
		}
		for name := range p.constants {
			if limitName.MatchString(name) {
				names = append(names, strings.Replace(path, ".", "mcpoauth", 1)+"."+name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// sources are packages by their directory.
type sources map[string]*source

// A source is what a package says of its constants, and of the http.Server that it makes.
type source struct {
	constants map[string]ast.Expr
	server    map[string]ast.Expr // by the name of the field; nil: it makes none
}

// value evaluates a constant by its package and name: a directory of this tree, or an
// import path. "http.Server.X" in the place of a name is a field that the package sets.
func (s sources) value(name string) (int64, error) {
	dir, field, ofServer := strings.Cut(name, ".http.Server.")
	constantName := ""
	if !ofServer {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return 0, fmt.Errorf("%q is not a package with a constant", name)
		}
		dir, constantName = name[:i], name[i+1:]
	}
	p, err := s.read(dir)
	if err != nil {
		return 0, err
	}
	expr := p.constants[constantName]
	if ofServer {
		expr = p.server[field]
	}
	if expr == nil {
		return 0, fmt.Errorf("there is no %s", name)
	}
	n, err := p.evaluate(expr)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	exact, ok := constant.Int64Val(constant.ToInt(n))
	if !ok {
		return 0, fmt.Errorf("%s is %v, not a whole number", name, n)
	}
	return exact, nil
}

// read parses a package once.
func (s sources) read(dir string) (*source, error) {
	if dir == "mcpoauth" {
		dir = "."
	}
	if s[dir] != nil {
		return s[dir], nil
	}
	place := dir
	if _, err := os.Stat(dir); err != nil {
		out, err := exec.Command("go", "list", "-f", "{{.Dir}}", dir).Output()
		if err != nil {
			return nil, fmt.Errorf("there is no package %s: %w", dir, err)
		}
		place = strings.TrimSpace(string(out))
	}
	files, err := filepath.Glob(filepath.Join(place, "*.go"))
	if err != nil {
		return nil, err
	}
	p := &source{constants: make(map[string]ast.Expr), server: make(map[string]ast.Expr)}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.add(file)
	}
	s[dir] = p
	return p, nil
}

func (p *source) add(file *ast.File) {
	for _, decl := range file.Decls {
		if decl, ok := decl.(*ast.GenDecl); ok && decl.Tok == token.CONST {
			for _, spec := range decl.Specs {
				spec := spec.(*ast.ValueSpec)
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						p.constants[name.Name] = spec.Values[i]
					}
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		literal, ok := node.(*ast.CompositeLit)
		if ok && isName(literal.Type, "http", "Server") {
			for _, element := range literal.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					p.server[pair.Key.(*ast.Ident).Name] = pair.Value
				}
			}
		}
		return true
	})
}

func isName(expr ast.Expr, pkg, name string) bool {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == pkg && selector.Sel.Name == name
}

var durations = map[string]int64{"Nanosecond": 1, "Millisecond": 1e6, "Second": 1e9, "Minute": 60e9, "Hour": 3600e9}

func (p *source) evaluate(expr ast.Expr) (constant.Value, error) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(expr.Value, expr.Kind, 0), nil
	case *ast.ParenExpr:
		return p.evaluate(expr.X)
	case *ast.Ident:
		if of := p.constants[expr.Name]; of != nil {
			return p.evaluate(of)
		}
	case *ast.SelectorExpr:
		if unit, ok := durations[expr.Sel.Name]; ok && isName(expr, "time", expr.Sel.Name) {
			return constant.MakeInt64(unit), nil
		}
	case *ast.BinaryExpr:
		x, errX := p.evaluate(expr.X)
		y, errY := p.evaluate(expr.Y)
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		switch expr.Op {
		case token.SHL, token.SHR:
			by, _ := constant.Uint64Val(y)
			return constant.Shift(x, expr.Op, uint(by)), nil
		case token.QUO:
			return constant.BinaryOp(x, token.QUO_ASSIGN, y), nil // of whole numbers
		}
		return constant.BinaryOp(x, expr.Op, y), nil
	}
	return nil, fmt.Errorf("cannot evaluate a %T", expr)
}
