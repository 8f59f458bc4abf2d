package memory_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A gate is a value that holds the write which encodes it until a token comes
// through, or the gate is closed for good.
type gate chan struct{}

func (g gate) Encode() ([]byte, error) {
	<-g
	return []byte(`{}`), nil
}

func grantKey(id string) store.Key { return store.Key{Kind: store.KindGrant, ID: id} }

func TestChangesThatArriveDuringAWriteShareTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inFiles(t)
		first, others := make(gate), make(gate)
		const n = 100
		acknowledged := make(chan error, 1+n)
		go func() { acknowledged <- b.Create(t.Context(), grantKey("first"), first, time.Time{}) }()
		synctest.Wait()
		for i := range n {
			go func() { acknowledged <- b.Create(t.Context(), grantKey(fmt.Sprint(i)), others, time.Time{}) }()
		}
		synctest.Wait()
		if got := len(acknowledged); got != 0 {
			t.Fatalf("%d changes were acknowledged before they were written", got)
		}
		close(first)
		for range n - 1 {
			others <- struct{}{}
		}
		synctest.Wait()
		if got := len(acknowledged); got != 1 {
			t.Fatalf("%d changes were acknowledged before the last of the others was encoded, want the first alone", got)
		}
		others <- struct{}{}
		for range 1 + n {
			if err := <-acknowledged; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestNobodySeesAChangeBeforeItIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inFiles(t)
		g := make(gate)
		created := make(chan error, 1)
		go func() { created <- b.Create(t.Context(), grantKey("a"), g, time.Time{}) }()
		synctest.Wait()
		if _, err := b.Get(t.Context(), grantKey("a")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get returned %v", err)
		}
		if listed, err := b.List(t.Context(), store.KindGrant, "", "", 10); err != nil || len(listed) != 0 {
			t.Errorf("List returned %d records, %v", len(listed), err)
		}
		close(g)
		if err := <-created; err != nil {
			t.Fatal(err)
		}
		if _, err := b.Get(t.Context(), grantKey("a")); err != nil {
			t.Error(err)
		}
	})
}

// Who is told that a key is taken, or gone, may rely on it for ever.
func TestARefusalWaitsForTheWriteThatItRestsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inFiles(t)
		g := make(gate)
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- b.Create(t.Context(), grantKey("a"), g, time.Time{}) }()
		synctest.Wait()
		go func() { second <- b.Create(t.Context(), grantKey("a"), object, time.Time{}) }()
		synctest.Wait()
		select {
		case err := <-second:
			t.Fatalf("the second caller got %v while the first one waited", err)
		default:
		}
		close(g)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if err := <-second; !errors.Is(err, store.ErrConflict) {
			t.Errorf("the second caller got %v, want ErrConflict", err)
		}
	})
}

func TestACallerWhoseContextEndsWhileItWaitsGetsItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inFiles(t)
		g := make(gate)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Create(ctx, grantKey("a"), g, time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		close(g)
		synctest.Wait() // the write itself goes on
	})
}

func TestAChangeThatCannotBeWrittenHasNotHappened(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	create(t, b, grantKey("kept"), 0)
	create(t, b, grantKey("replaced"), 0)
	before := versions(t, b.List)

	restore := unwritable(t, o.StateFile)
	for name, err := range map[string]error{
		"Create":  b.Create(t.Context(), grantKey("refused"), object, time.Time{}),
		"Replace": b.Replace(t.Context(), grantKey("replaced"), before["replaced"], store.NewEncoded([]byte(`{"n":1}`)), time.Time{}),
		"Delete":  b.Delete(t.Context(), grantKey("kept")),
	} {
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), o.StateFile) {
			t.Errorf("%s: got the error %v, want one of the backend that names the file", name, err)
		}
	}
	if after := versions(t, b.List); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the records went from %v to %v", before, after)
	}
	create(t, b, store.Key{Kind: store.KindUser, ID: "owner"}, 0)        // another file
	create(t, b, store.Key{Kind: store.KindCeremony, ID: "ceremony"}, 0) // no file

	restore()
	create(t, b, grantKey("refused"), 0) // the key is free, and the backend works again
	closed(t, b)
	b = opened(t, o)
	if got := count(t, b, store.KindGrant); got != 3 {
		t.Errorf("%d grants are in the file, want 3", got)
	}
}

func TestManyChangesThatCannotBeWrittenAllFail(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	restore := unwritable(t, o.StateFile)
	defer restore()
	errs := make(chan error, 50)
	for n := range cap(errs) {
		go func() { errs <- b.Create(t.Context(), grantKey(fmt.Sprint(n%10)), object, time.Time{}) }()
	}
	for range cap(errs) {
		if err := <-errs; err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("got the error %v, want one of the backend", err)
		}
	}
	if got := count(t, b, store.KindGrant); got != 0 {
		t.Errorf("%d grants that were refused are live", got)
	}
}

func TestAValueThatIsNoObjectIsRefusedBeforeItSpoilsTheFile(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	for _, bad := range []string{``, `1`, `[]`, `"{}"`, `{`, `{}{}`} {
		if err := b.Create(t.Context(), grantKey("a"), store.NewEncoded([]byte(bad)), time.Time{}); err == nil {
			t.Errorf("%q was kept", bad)
		}
	}
	create(t, b, grantKey("a"), 0)
	closed(t, b)
	opened(t, o)
}

func TestOnlyTheFileWhoseKindChangedIsWritten(t *testing.T) {
	for kind, want := range map[store.Kind][2]bool{
		store.KindUser:     {true, false},
		store.KindClient:   {false, true},
		store.KindGrant:    {false, true},
		store.KindCeremony: {false, false},
		"other":            {false, false},
	} {
		t.Run(string(kind), func(t *testing.T) {
			o := optionsIn(t.TempDir())
			b := opened(t, o)
			passkeys, state := stat(t, o.PasskeyFile), stat(t, o.StateFile)
			create(t, b, store.Key{Kind: kind, ID: "a"}, 0)
			got := [2]bool{
				!os.SameFile(passkeys, stat(t, o.PasskeyFile)),
				!os.SameFile(state, stat(t, o.StateFile)),
			}
			if got != want {
				t.Errorf("passkeys and state written: %v, want %v", got, want)
			}
		})
	}
}

func TestChangesAfterCloseAreRefused(t *testing.T) {
	b := opened(t, optionsIn(t.TempDir()))
	create(t, b, grantKey("a"), 0)
	closed(t, b)
	if err := b.Create(t.Context(), grantKey("b"), object, time.Time{}); err == nil {
		t.Error("a change was acknowledged that no file holds")
	}
	if !exists(t, b, grantKey("a")) {
		t.Error("a record cannot be read any more")
	}
}

func TestCloseWaitsForTheChangesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := optionsIn(t.TempDir())
		b := opened(t, o)
		g := make(gate)
		created, shut := make(chan error, 1), make(chan error, 1)
		go func() { created <- b.Create(t.Context(), grantKey("a"), g, time.Time{}) }()
		synctest.Wait()
		go func() { shut <- b.Close() }()
		synctest.Wait()
		if len(shut) != 0 {
			t.Error("Close did not wait")
		}
		close(g)
		for _, done := range []chan error{created, shut} {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if !exists(t, opened(t, o), grantKey("a")) {
			t.Error("what was acknowledged during Close is gone")
		}
	})
}

// unwritable puts a directory where a file is, which no rename replaces, whoever
// the test runs as.
func unwritable(t *testing.T, path string) (restore func()) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Rename(path, path+".away"))
	must(os.MkdirAll(filepath.Join(path, "x"), 0o700))
	return func() {
		t.Helper()
		must(os.RemoveAll(path))
		must(os.Rename(path+".away", path))
	}
}

func versions(t *testing.T, list func(context.Context, store.Kind, string, string, int) ([]store.Record, error)) map[string]uint64 {
	t.Helper()
	listed, err := list(t.Context(), store.KindGrant, "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]uint64)
	for _, r := range listed {
		versions[r.Key.ID] = r.Version
	}
	return versions
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
