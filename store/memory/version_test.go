package memory_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func dirOf(o memory.Options) string { return filepath.Dir(o.StateFile) }

func TestAFileOfTheFirstVersionIsMigratedAndKept(t *testing.T) {
	for name, grants := range map[string]int{"small": 3, "large": 300} {
		t.Run(name, func(t *testing.T) {
			o := optionsIn(t.TempDir())
			tokens := stateOf(t, o.StateFile, grants)
			write(t, o.PasskeyFile, `{"version":1,"records":[{"kind":"user","id":"owner","value":{"id":"owner"}}]}`)
			old := map[string]string{o.StateFile: contents(t, o.StateFile), o.PasskeyFile: contents(t, o.PasskeyFile)}
			b := opened(t, o)
			for path, before := range old {
				if contents(t, path+".v1") != before {
					t.Errorf("%s.v1 is not what was there", path)
				}
				hasMode(t, path+".v1", 0o600)
				if !strings.HasPrefix(contents(t, path), "{\n  \"version\": 2,") {
					t.Errorf("%s begins with %.30q", path, contents(t, path))
				}
			}
			s := store.New(b, store.Lifetimes{})
			for _, had := range tokens {
				rotated(t, s, had)
			}
			if yes, err := s.HasOwner(t.Context()); err != nil || !yes {
				t.Errorf("the owner: %v, %v", yes, err)
			}
		})
	}
}

func TestAMigrationOverwritesNoCopy(t *testing.T) {
	o := optionsIn(t.TempDir())
	write(t, o.StateFile, whole)
	write(t, o.StateFile+".v1", "another")
	refusedNaming(t, o, o.StateFile, o.StateFile+".v1", "move that one away")
	if contents(t, o.StateFile) != whole || contents(t, o.StateFile+".v1") != "another" {
		t.Error("a file was changed")
	}
	write(t, o.StateFile+".v1", whole) // left by a migration that was killed
	if b := opened(t, o); !exists(t, b, grantKey("a")) {
		t.Error("the grant is gone")
	}
}

func TestADamagedFileIsToldFromAnEditedOne(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, grantKey("kept"), 0)
	create(t, b, grantKey("removed"), 0)
	closed(t, b)
	was := contents(t, o.StateFile)
	edited := strings.Replace(was, `,
    {
      "kind": "grant",
      "id": "removed",
      "value": {}
    }`, "", 1)
	if edited == was {
		t.Fatalf("the test does not know the file:\n%s", was)
	}
	write(t, o.StateFile, edited)
	refusedNaming(t, o, o.StateFile, "checksum", "was damaged", "backup", "if you edited it yourself, delete its line")
	if contents(t, o.StateFile) != edited {
		t.Error("the file was changed")
	}
	write(t, o.StateFile, uncheck(edited))
	b = opened(t, o)
	if !exists(t, b, grantKey("kept")) || exists(t, b, grantKey("removed")) {
		t.Error("it is not as it was edited")
	}
	if !strings.Contains(headOf(t, o.StateFile), `"checksum"`) {
		t.Error("the checksum is not back")
	}
}

// What a person writes may be no record of its kind at all.
func TestAnEditedRecordThatIsNoneIsAStartUpError(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, grantKey("a"), 0)
	closed(t, b)
	write(t, o.StateFile, strings.Replace(uncheck(contents(t, o.StateFile)), "{}", `{"user_id": 1}`, 1))
	refusedNaming(t, o, o.StateFile, "grant/a", "user_id")
}

func TestACopyOfARunningServersFilesIsUsable(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	enlarge(t, b)
	tokens := inService(t, store.New(b, store.Lifetimes{}), 20)
	named(t, o.StateFile)
	s := store.New(opened(t, copied(t, o)), store.Lifetimes{})
	for _, had := range tokens {
		rotated(t, s, had)
	}
}
