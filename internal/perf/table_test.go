package perf_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

func TestATableTakesThePlaceOfTheOneBefore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.md")
	before := "words\n<!-- costs -->\n| a | b |\n|---|---|\n| old | 1 |\n<!-- end -->\nmore <!-- end -->\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	var table perf.Table
	if err := table.Save(file, "costs"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, file, before) // nothing was measured
	table.Row("new", perf.Number(1234567))
	table.Row("new too", perf.Number(3.14159))
	if err := table.Save(file, "costs"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, file, "words\n<!-- costs -->\n| a | b |\n|---|---|\n| new | 1,234,567 |\n| new too | 3.1 |\n<!-- end -->\nmore <!-- end -->\n")
	if err := table.Save(file, "other"); err == nil {
		t.Error("a table that is not there was written")
	}
}

func wantFile(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}
