package memory_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestEverythingButCeremoniesOutlivesTheProcess(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	soon := time.Now().Add(time.Hour + 123*time.Nanosecond)
	value := `{"name":"<é> & \"quoted\"","list":[1,2,{}]}`
	for _, kind := range everyKind {
		key := store.Key{Kind: kind, ID: `https://client.example/?a=<b>&c="d\`}
		if err := b.Create(t.Context(), key, store.NewEncoded([]byte(value)), soon); err != nil {
			t.Fatal(err)
		}
		create(t, b, store.Key{Kind: kind, ID: "permanent"}, 0)
		create(t, b, store.Key{Kind: kind, ID: "deleted"}, 0)
		if err := b.Delete(t.Context(), store.Key{Kind: kind, ID: "deleted"}); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, b)

	b = opened(t, o)
	for kind, want := range map[store.Kind]int{
		store.KindUser: 2, store.KindClient: 2, store.KindGrant: 2, store.KindConsent: 2, store.KindEnrolment: 2, store.KindSession: 2,
		store.KindAssertion: 2, store.KindUse: 2, store.KindJournal: 2, store.KindCeremony: 0, store.KindApproval: 0, "other": 0,
	} {
		listed, err := b.List(t.Context(), kind, "", "", 10)
		if err != nil || len(listed) != want {
			t.Errorf("%s: %d records came back, %v; want %d", kind, len(listed), err, want)
		}
		if want == 0 || len(listed) != want {
			continue
		}
		data, err := listed[0].Value.Encode()
		if err != nil || string(data) != value || !listed[0].ExpiresAt.Equal(soon) {
			t.Errorf("%s: the record came back as %s, %v, expiring at %v", kind, data, err, listed[0].ExpiresAt)
		}
		if !listed[1].ExpiresAt.IsZero() {
			t.Errorf("%s: the permanent record came back expiring at %v", kind, listed[1].ExpiresAt)
		}
	}
}

func TestAConnectedClientStaysConnectedAcrossRestarts(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	s := store.New(b, store.Lifetimes{})
	if err := s.CreateOwner(t.Context(), store.User{}); err != nil {
		t.Fatal(err)
	}
	code, err := s.Approve(t.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: "client"}, Scopes: []string{"mcp:tools"},
		Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
	})
	if err != nil {
		t.Fatal(err)
	}
	reopen := func() {
		t.Helper()
		closed(t, b)
		b = opened(t, o)
		s = store.New(b, store.Lifetimes{})
	}
	reopen()
	tokens, err := s.ConsumeCode(t.Context(), store.Redemption{
		Code: code, ClientID: "client", Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		Refresh: func([]string) bool { return true },
		Accept:  func(*store.Grant) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	all := func(g *store.Grant) ([]string, error) { return g.Scopes, nil }
	for range 3 {
		reopen()
		if _, _, err := s.Access(t.Context(), tokens.Access, time.Now()); err != nil {
			t.Fatalf("the access token: %v", err)
		}
		next, err := s.RotateRefresh(t.Context(), tokens.Refresh, "client", all)
		if err != nil {
			t.Fatalf("the refresh token: %v", err)
		}
		reopen()
		again, err := s.RotateRefresh(t.Context(), tokens.Refresh, "client", all)
		if err != nil || again.Refresh != next.Refresh || again.Access != next.Access {
			t.Fatalf("a repeat after a restart: %v, the same tokens: %v", err, again.Refresh == next.Refresh)
		}
		tokens = next
	}
	if yes, err := s.HasOwner(t.Context()); err != nil || !yes {
		t.Errorf("the owner: %v, %v", yes, err)
	}
}

func TestAPersonCanReadTheFile(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, grantKey("g"), 0)
	err := b.Create(t.Context(), clientKey(1), store.NewEncoded([]byte(`{"name":"A","uris":["https://a.example/?x&y"]}`)), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	create(t, b, clientKey(0), 0)
	err = b.Create(t.Context(), grantKey("code"), object, time.Unix(1800000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "version": 2,
  "checksum": "*",
  "generation": "*",
  "records": [
    {
      "kind": "client",
      "id": "0",
      "value": {}
    },
    {
      "kind": "client",
      "id": "1",
      "value": {
        "name": "A",
        "uris": [
          "https://a.example/?x&y"
        ]
      }
    },
    {
      "kind": "grant",
      "id": "code",
      "expires": "2027-01-15T08:00:00Z",
      "value": {}
    },
    {
      "kind": "grant",
      "id": "g",
      "value": {}
    }
  ]
}
`
	random := regexp.MustCompile(`"(checksum|generation)": "[0-9a-f]+"`)
	if got := random.ReplaceAllString(contents(t, o.StateFile), `"$1": "*"`); got != want {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
}

// Anybody can register clients. If they were in the state file, every refresh would
// wait for all of them to be written.
func TestRegistrationsOfStrangersCostTheStateFileNothing(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, grantKey("g"), 0)
	before := contents(t, o.StateFile)
	for n := range 500 {
		create(t, b, clientKey(n), time.Hour)
	}
	create(t, b, grantKey("h"), 0)
	if after := contents(t, o.StateFile); len(after) > 2*len(before) {
		t.Errorf("the state file grew from %d to %d bytes", len(before), len(after))
	}
}

func TestARegistrationOutlivesTheProcessBeforeAndAfterItsApproval(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, clientKey(1), time.Hour)
	create(t, b, clientKey(2), time.Hour)
	closed(t, b)

	b = opened(t, o)
	record, err := b.Get(t.Context(), clientKey(1))
	if err != nil || record.ExpiresAt.IsZero() {
		t.Fatalf("before its approval: %v, %v", record, err)
	}
	if err := b.Replace(t.Context(), clientKey(1), record.Version, object, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(contents(t, o.StateFile), `"id": "1"`) {
		t.Error("the approval was acknowledged before it was in the state file")
	}
	closed(t, b)

	b = opened(t, o)
	if record, err := b.Get(t.Context(), clientKey(1)); err != nil || !record.ExpiresAt.IsZero() {
		t.Errorf("after its approval: %v, %v", record, err)
	}
	if _, err := b.Get(t.Context(), clientKey(2)); err != nil {
		t.Errorf("the one that nobody approved: %v", err)
	}
}

// A person who is looking at the approval page when the server dies can go on.
func TestARegistrationIsOnTheDiskSoonThoughNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := optionsIn(t.TempDir())
		b, err := memory.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		create(t, b, clientKey(1), time.Hour)
		synctest.Wait()
		spare := strings.TrimSuffix(o.StateFile, ".json") + ".unapproved.json"
		if !strings.Contains(contents(t, spare), `"id": "1"`) {
			t.Errorf("%s does not have the registration", spare)
		}
	})
}

func TestTheClientThatRegisteredFirstGivesWayFirstAfterARestartToo(t *testing.T) {
	o := optionsIn(t.TempDir())
	o.Capacity.Clients = 3
	b := opened(t, o)
	for i, n := range []int{9, 5, 7} {
		create(t, b, clientKey(n), time.Hour+time.Duration(i)*time.Second)
	}
	closed(t, b)
	b = opened(t, o)
	create(t, b, clientKey(1), 2*time.Hour)
	if exists(t, b, clientKey(9)) || !exists(t, b, clientKey(5)) || !exists(t, b, clientKey(7)) {
		t.Error("not the one that registered first gave way")
	}
	closed(t, b)
	o.Capacity.Clients = 1
	b = opened(t, o)
	if got := count(t, b, store.KindClient); got != 1 || !exists(t, b, clientKey(1)) {
		t.Errorf("a smaller capacity left %d clients, or not the last", got)
	}
}

func TestAClientThatWasApprovedAndThenDeletedDoesNotComeBack(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, clientKey(1), time.Hour)
	closed(t, b)
	b = opened(t, o)
	record, err := b.Get(t.Context(), clientKey(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(t.Context(), clientKey(1), record.Version, object, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), clientKey(1)); err != nil {
		t.Fatal(err)
	}
	closed(t, b)
	if exists(t, opened(t, o), clientKey(1)) {
		t.Error("it is back, as it registered")
	}
}

const whole = `{"version":1,"records":[{"kind":"grant","id":"a","value":{"id":"a"}}]}`

func TestAFileThatIsNotWhollyUnderstoodIsAStartUpError(t *testing.T) {
	o := optionsIn(t.TempDir())
	write(t, o.StateFile, whole)
	if b := opened(t, o); !exists(t, b, grantKey("a")) {
		t.Fatal("the file of this test does not work even when it is whole")
	}
	for name, data := range map[string]string{
		"empty":                     "",
		"blank":                     " \n",
		"zeros":                     strings.Repeat("\x00", 100),
		"not JSON":                  "version: 1",
		"truncated":                 whole[:len(whole)-10],
		"truncated by a byte":       whole[:len(whole)-1],
		"trailing garbage":          whole + "x",
		"two documents":             whole + whole,
		"no object":                 "[]",
		"null":                      "null",
		"no version":                strings.Replace(whole, `"version":1,`, "", 1),
		"an unknown version":        strings.Replace(whole, `"version":1`, `"version":-2`, 1),
		"no records":                `{"version":1}`,
		"records are null":          `{"version":1,"records":null}`,
		"an unknown field":          strings.Replace(whole, `"version"`, `"more":1,"version"`, 1),
		"an unknown record field":   strings.Replace(whole, `"kind"`, `"more":1,"kind"`, 1),
		"an unknown kind":           strings.Replace(whole, `"grant"`, `"grunt"`, 1),
		"a kind of the other file":  strings.Replace(whole, `"grant"`, `"user"`, 1),
		"a kind that is not kept":   strings.Replace(whole, `"grant"`, `"ceremony"`, 1),
		"a deleted record":          strings.Replace(whole, `"value"`, `"deleted":true,"value"`, 1),
		"a generation too early":    strings.Replace(whole, `"version":1`, `"version":1,"generation":"a"`, 1),
		"a record twice":            strings.Replace(whole, `[{`, `[{"kind":"grant","id":"a","value":{}},{`, 1),
		"a broken expiry":           strings.Replace(whole, `"value"`, `"expires":"tomorrow","value"`, 1),
		"no value":                  strings.Replace(whole, `,"value":{"id":"a"}`, "", 1),
		"a value that is null":      strings.Replace(whole, `{"id":"a"}`, "null", 1),
		"a value that is a list":    strings.Replace(whole, `{"id":"a"}`, `["a"]`, 1),
		"a value that is a string":  strings.Replace(whole, `{"id":"a"}`, `"{}"`, 1),
		"a version that is a float": strings.Replace(whole, `"version":1`, `"version":1.5`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			o := optionsIn(t.TempDir())
			write(t, o.StateFile, data)
			refusedNaming(t, o, o.StateFile, "backup", "move it away", "approved again")
			if got := contents(t, o.StateFile); got != data {
				t.Error("the file was changed")
			}
		})
	}
}

func TestABrokenPasskeyFileSaysThatMovingItAwayReopensTheSetup(t *testing.T) {
	o := optionsIn(t.TempDir())
	write(t, o.PasskeyFile, "{")
	refusedNaming(t, o, o.PasskeyFile, "backup", "setup", "setup token")
}

func TestAPathThatIsADirectoryIsAStartUpError(t *testing.T) {
	o := optionsIn(t.TempDir())
	if err := os.Mkdir(o.StateFile, 0o700); err != nil {
		t.Fatal(err)
	}
	refusedNaming(t, o, o.StateFile)
}

func TestAFileWhoseDirectoryCannotBeIsAStartUpError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	refusedNaming(t, optionsIn(filepath.Join(dir, "file")), "file")
}

func TestBothFilesOrNeitherHaveToBeNamed(t *testing.T) {
	dir := t.TempDir()
	refusedNaming(t, memory.Options{StateFile: filepath.Join(dir, "state.json")}, "PasskeyFile")
	refusedNaming(t, memory.Options{PasskeyFile: filepath.Join(dir, "passkeys.json")}, "StateFile")
	closed(t, opened(t, memory.Options{}))
}

func TestOneFileCannotBeBoth(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "both.json")
	refusedNaming(t, memory.Options{PasskeyFile: path, StateFile: path}, path, "of its own")
	refusedNaming(t, memory.Options{PasskeyFile: path, StateFile: dir + "/./x/../both.json"}, path, "of its own")

	link := filepath.Join(dir, "link")
	symlink(t, dir, link)
	refusedNaming(t, memory.Options{PasskeyFile: path, StateFile: filepath.Join(link, "both.json")}, path, "of its own")
	symlink(t, "both.json", filepath.Join(dir, "other.json"))
	refusedNaming(t, memory.Options{PasskeyFile: path, StateFile: filepath.Join(dir, "other.json")}, path)
}

func TestAFileOfANewerVersionIsLeftForThatVersion(t *testing.T) {
	o := optionsIn(t.TempDir())
	newer := strings.Replace(whole, `"version":1`, `"version":3`, 1)
	if err := os.WriteFile(o.StateFile, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedNaming(t, o, o.StateFile, "newer version", "run that version")
	if got := contents(t, o.StateFile); got != newer {
		t.Errorf("the file is %s now", got)
	}
}

func TestASecondOpenOfTheSameFilesIsRefused(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, grantKey("a"), 0)
	refusedNaming(t, o, o.PasskeyFile, "in use", "another router of this process")

	elsewhere := t.TempDir()
	mixed := memory.Options{PasskeyFile: filepath.Join(elsewhere, "passkeys.json"), StateFile: o.StateFile}
	refusedNaming(t, mixed, o.StateFile, "in use")
	link := filepath.Join(elsewhere, "link.json")
	symlink(t, o.StateFile, link)
	mixed.StateFile = link
	refusedNaming(t, mixed, o.StateFile, "in use")

	closed(t, b)
	if b := opened(t, o); !exists(t, b, grantKey("a")) {
		t.Error("the grant is gone")
	}
	mixed.StateFile = filepath.Join(elsewhere, "state.json")
	opened(t, mixed) // what was refused holds no lock
}

func TestNobodyElseMayReadTheFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it has no such modes
	}
	dir := filepath.Join(t.TempDir(), "new", "directory")
	o := optionsIn(dir)
	b := opened(t, o)
	create(t, b, grantKey("a"), 0)
	create(t, b, store.Key{Kind: store.KindUser, ID: "owner"}, 0)
	hasMode(t, dir, fs.ModeDir|0o700)
	for _, path := range []string{o.PasskeyFile, o.StateFile, o.PasskeyFile + ".lock", o.StateFile + ".lock"} {
		hasMode(t, path, 0o600)
	}
	closed(t, b)

	if err := os.Chmod(o.PasskeyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	opened(t, o)
	hasMode(t, o.PasskeyFile, 0o600)
}

func TestALinkStaysALinkToItsFile(t *testing.T) {
	for name, target := range map[string]string{
		"absolute": filepath.Join(t.TempDir(), "real.json"),
		"relative": "real.json",
	} {
		t.Run(name, func(t *testing.T) {
			o := optionsIn(t.TempDir())
			symlink(t, target, o.StateFile) // to nothing, at first
			b := opened(t, o)
			create(t, b, grantKey("a"), 0)
			closed(t, b)
			if info, err := os.Lstat(o.StateFile); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("the link is replaced by %v, %v", info.Mode(), err)
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(o.StateFile), target)
			}
			if !strings.Contains(contents(t, target), `"a"`) {
				t.Error("the grant is not in the file behind the link")
			}
			if b := opened(t, o); !exists(t, b, grantKey("a")) {
				t.Error("the grant did not come back")
			}
		})
	}
}

func TestALinkToItselfIsAStartUpError(t *testing.T) {
	o := optionsIn(t.TempDir())
	symlink(t, o.StateFile, o.StateFile)
	refusedNaming(t, o, o.StateFile)
}

func TestARelativePathStaysWhereItWasWhenTheProcessMoves(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	b := opened(t, optionsIn("data"))
	t.Chdir(t.TempDir())
	create(t, b, grantKey("a"), 0)
	if !strings.Contains(contents(t, filepath.Join(dir, "data", "state.json")), `"a"`) {
		t.Error("the grant went elsewhere")
	}
}

func TestALeftoverOfAKilledWriteIsNoObstacle(t *testing.T) {
	o := optionsIn(t.TempDir())
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, "untouched")
	symlink(t, outside, o.StateFile+".tmp")
	write(t, o.PasskeyFile+".tmp", "{")
	b := opened(t, o)
	create(t, b, grantKey("a"), 0)
	if contents(t, outside) != "untouched" {
		t.Error("a write went through a link")
	}
	closed(t, b)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(o.StateFile), "*.tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

func TestNewPanicsRatherThanForgetWhatWasMeantToBeKept(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New took the name of a file")
		}
	}()
	memory.New(optionsIn(t.TempDir()))
}

func TestTheFileIsPlainJSON(t *testing.T) {
	o := optionsIn(t.TempDir())
	opened(t, o)
	if !json.Valid([]byte(contents(t, o.PasskeyFile))) {
		t.Error("it is not")
	}
}

func refusedNaming(t *testing.T, o memory.Options, words ...string) {
	t.Helper()
	b, err := memory.Open(o)
	if err == nil {
		t.Error("it was opened")
		closed(t, b)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %q: %v", word, err)
		}
	}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}

func hasMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	if got := stat(t, path).Mode(); got != want {
		t.Errorf("%s has mode %v, want %v", path, got, want)
	}
}

// An approved client leaves the file of those that are not when that is written next, which a
// crash may come before.
func TestAClientIsNotWhatTheFileOfUnapprovedOnesStillSays(t *testing.T) {
	o := optionsIn(t.TempDir())
	unapproved := filepath.Join(filepath.Dir(o.StateFile), "state.unapproved.json")
	key := store.Key{Kind: store.KindClient, ID: "0123456789012345678901"}
	b := opened(t, o)
	if err := b.Create(t.Context(), key, &store.Client{ID: key.ID}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	closed(t, b)
	before, err := os.ReadFile(unapproved)
	if err != nil {
		t.Fatal(err)
	}
	b = opened(t, o)
	record, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(t.Context(), key, record.Version, &store.Client{ID: key.ID}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	closed(t, b)
	if err := os.WriteFile(unapproved, before, 0o600); err != nil {
		t.Fatal(err)
	}
	b = opened(t, o)
	if record, err = b.Get(t.Context(), key); err != nil || !record.ExpiresAt.IsZero() {
		t.Errorf("it expires at %v, %v", record.ExpiresAt, err)
	}
}
