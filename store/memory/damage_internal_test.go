package memory

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func changeOf(id, value string, expires time.Time) change {
	return change{key: store.Key{Kind: store.KindGrant, ID: id}, next: entry{store.NewEncoded([]byte(value)), 1, store.At(expires)}}
}

// Awkward values: what the layout is found by is in their strings.
var someChanges = []change{
	changeOf("a", `{"user_id":"owner"}`, time.Time{}),
	changeOf(`b "\ ,"value":{`, `{"user_id":"  \"\\","x":",\"value\":","client_id":"<&>\u2028é","scopes":["\t\n    }","a b"],"redirect_uri":""}`, time.Unix(1800000000, 5)),
	changeOf("c", ` { "scopes" : [ ] , "n" : { } } `, time.Time{}),
	{key: store.Key{Kind: store.KindGrant, ID: "deleted"}},
	changeOf("e", `{}`, time.Time{}),
}

func anyKind(store.Kind) bool { return true }

func writtenSnapshot(t *testing.T, h head, records ...change) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	err := writeNew(path, func(f *os.File) error {
		size, err := writeSnapshot(f, h, records, func() error { return nil })
		if info, errStat := f.Stat(); err == nil && (errStat != nil || info.Size() != size) {
			t.Errorf("the size is given as %d, and is %d", size, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contentsOf(t, path)
}

func contentsOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// live is a snapshot's part of someChanges: it has no deletions.
func live() []change {
	return slices.DeleteFunc(slices.Clone(someChanges), func(c change) bool { return c.next.version == 0 })
}

func TestWhatWasWrittenComesBackWithAndWithoutTheChecksum(t *testing.T) {
	for name, records := range map[string][]change{"some": live(), "none": nil} {
		h := head{Version: formatVersion, Generation: "g", After: "a", Log: "l"}
		data := writtenSnapshot(t, h, records...)
		checked, err := decodeSnapshot(data, anyKind)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, data)
		}
		lines := strings.SplitAfter(string(data), "\n")
		edited := strings.Join(slices.Delete(lines, 2, 3), "")
		unchecked, err := decodeSnapshot([]byte(edited), anyKind)
		if err != nil {
			t.Fatalf("%s: without the checksum: %v\n%s", name, err, edited)
		}
		if !checked.checked || unchecked.checked || checked.head != h || unchecked.head != h || len(checked.lines) != len(records) {
			t.Errorf("%s: came back as %+v and %+v", name, checked, unchecked)
		}
		for i := range records {
			a, b := checked.lines[i], unchecked.lines[i]
			b.Value = compact(nil, b.Value)
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s: a record came back as %+v with the checksum, as %+v without", name, a, b)
			}
		}
	}
}

func TestAFileThatWasCutAnywhereIsRefused(t *testing.T) {
	data := writtenSnapshot(t, head{Generation: "g", Log: "l"}, live()...)
	for n := range data {
		if s, err := decodeSnapshot(data[:n], anyKind); err == nil {
			t.Errorf("%d of %d bytes passed, as %d records", n, len(data), len(s.lines))
		}
	}
}

func TestAFlippedBitInTheFileIsFound(t *testing.T) {
	data := writtenSnapshot(t, head{Generation: "g", Log: "l"}, live()...)
	eachFlip(data, func(i int, flipped []byte) {
		if _, err := decodeSnapshot(flipped, anyKind); err == nil {
			t.Errorf("byte %d became %q, and it passed", i, flipped[i])
		}
	})
}

// eachFlip flips each bit of data, and then all of each byte.
func eachFlip(data []byte, visit func(i int, flipped []byte)) {
	flipped := slices.Clone(data)
	for i := range data {
		for _, bits := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 0xff, data[i]} {
			flipped[i] = data[i] ^ bits
			visit(i, flipped)
		}
		flipped[i] = data[i]
	}
}

func writtenLog(t *testing.T, batches ...[]change) []byte {
	t.Helper()
	l, err := beginLog(filepath.Join(t.TempDir(), "log"), head{Version: formatVersion, Generation: "g", After: "before"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.file.Close()
	for _, b := range batches {
		if err := l.append(b); err != nil {
			t.Fatal(err)
		}
	}
	return contentsOf(t, l.path)
}

func parsed(t *testing.T, data []byte) *foundLog {
	t.Helper()
	l, err := parseLog(data)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatWasLoggedComesBack(t *testing.T) {
	l := parsed(t, writtenLog(t, someChanges[:2], someChanges[2:]))
	if !l.cut || l.lines != 3 || l.After != "before" || len(l.texts) != len(someChanges) {
		t.Fatalf("came back as %+v", l)
	}
	for i, c := range someChanges {
		got, err := parseText(l.texts[i])
		if err != nil {
			t.Fatal(err)
		}
		want := c.line()
		if !want.Deleted {
			value, err := valueOf(c)
			if err != nil {
				t.Fatal(err)
			}
			want.Value = compact(nil, value)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("came back as %+v, want %+v", got, want)
		}
	}
}

func TestALogThatWasCutAnywhereHasWhatStandsBefore(t *testing.T) {
	data := writtenLog(t, someChanges[:2], someChanges[2:3], someChanges[3:])
	whole := parsed(t, data)
	for n := range data {
		l := parsed(t, data[:n])
		lines := bytes.Count(data[:n], []byte("\n"))
		if l.lines != lines || l.size > int64(n) || !slices.EqualFunc(l.texts, whole.texts[:len(l.texts)], bytes.Equal) {
			t.Errorf("%d bytes: %d lines and %d changes, want %d lines", n, l.lines, len(l.texts), lines)
		}
		if l.cut != (l.size == int64(n)) {
			t.Errorf("%d bytes: cut is %v", n, l.cut)
		}
	}
}

func TestAFlippedBitInTheLogIsFound(t *testing.T) {
	data := writtenLog(t, someChanges[:2], someChanges[2:3], someChanges[3:])
	eachFlip(data, func(i int, flipped []byte) {
		if l, err := parseLog(flipped); err == nil {
			t.Errorf("byte %d became %q, and %d lines passed", i, flipped[i], l.lines)
		}
	})
}

func TestALineThatIsMissingTwiceOrElsewhereIsNamed(t *testing.T) {
	lines := bytes.SplitAfter(writtenLog(t, someChanges[:1], someChanges[1:2], someChanges[2:3]), []byte("\n"))
	for name, c := range map[string]struct {
		order []int
		named string
	}{
		"missing":            {[]int{0, 2, 3}, "line 2 is not there"},
		"twice":              {[]int{0, 1, 1, 2, 3}, "line 3 is not there"},
		"in another order":   {[]int{0, 2, 1, 3}, "line 2 is not there"},
		"without a first":    {[]int{1, 2, 3}, "line 1 is not there"},
		"with two beginings": {[]int{0, 0, 1}, "line 2 is not there"},
	} {
		var data []byte
		for _, i := range c.order {
			data = append(data, lines[i]...)
		}
		if _, err := parseLog(data); err == nil || !strings.Contains(err.Error(), c.named) {
			t.Errorf("%s: got the error %v, want %q", name, err, c.named)
		}
	}
}

// A machine that loses power may have written the blocks of a line in any order.
func TestALastLineWithHolesWasNeverAcknowledged(t *testing.T) {
	const sector = 512
	long := changeOf("long", `{"user_id":"`+strings.Repeat("x", 5*sector)+`"}`, time.Time{})
	data := writtenLog(t, someChanges, []change{long})
	start := parsed(t, writtenLog(t, someChanges)).size
	for from := start; from < int64(len(data)); from = from/sector*sector + sector {
		holed := slices.Clone(data)
		clear(holed[from:min(from/sector*sector+sector, int64(len(data)))])
		l, err := parseLog(holed)
		if err != nil || l.lines != 2 || l.size != start || l.cut {
			t.Errorf("a hole at %d: %v, %+v", from, err, l)
		}
	}
	// But before a line that was acknowledged later there can be none.
	data = writtenLog(t, []change{long}, someChanges)
	clear(data[sector : 2*sector])
	if _, err := parseLog(data); err == nil || !strings.Contains(err.Error(), "line 2 is damaged") {
		t.Errorf("a hole before a whole line: %v", err)
	}
}

func TestALogOfANewerVersionIsLeftForThatVersion(t *testing.T) {
	newer := logLine(0, []byte(`"version":3,"generation":"g","more":[]`))
	if _, err := parseLog(newer); !errors.Is(err, errNewer) {
		t.Errorf("got the error %v", err)
	}
}
