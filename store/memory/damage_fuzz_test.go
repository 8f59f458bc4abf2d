package memory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// damaged applies edits to data, five bytes each: where, what, with what, how many.
func damaged(data, edits []byte) []byte {
	data = bytes.Clone(data)
	for ; len(edits) >= 5 && len(data) > 0; edits = edits[5:] {
		at := (int(edits[0])<<8 | int(edits[1])) % len(data)
		with, n := edits[3], 1+int(edits[4])
		end := min(at+n, len(data))
		lines := bytes.SplitAfter(data, []byte("\n"))
		line := int(with) % len(lines)
		switch edits[2] % 9 {
		case 0:
			data[at] = with
		case 1:
			data[at] ^= with
		case 2:
			data = append(data[:at:at], data[end:]...) // bytes are gone
		case 3:
			data = append(data[:at:at], append(bytes.Repeat([]byte{with}, n), data[at:]...)...)
		case 4:
			data = data[:at]
		case 5:
			clear(data[at:end])
		case 6:
			data = append(data[:end:end], append(bytes.Clone(data[at:end]), data[end:]...)...) // some are there twice
		case 7:
			data = bytes.Join(slices.Insert(lines, line, lines[n%len(lines)]), nil)
		case 8:
			data = bytes.Join(slices.Delete(lines, line, line+1), nil)
		}
	}
	return data
}

func addEdits(f *testing.F) {
	for line := range byte(5) {
		f.Add([]byte{0, 0, 7, line, line})
		f.Add([]byte{0, 0, 7, line, 1})
		f.Add([]byte{0, 0, 8, line, 0})
	}
	for what := range byte(7) {
		for _, at := range []byte{0, 1, 30, 50, 90, 250} {
			f.Add([]byte{at, at, what, 0, 0})
			f.Add([]byte{0, at, what, '\n', 20})
			f.Add([]byte{at, 0, what, '"', 255, 0, 7, what, 1, 1})
		}
	}
	f.Add([]byte{})
}

// Whatever happened to a file on the disk: it is refused, or it is as it was.
func FuzzADamagedFile(f *testing.F) {
	addEdits(f)
	whole := snapshotOf(f, head{Generation: "g", After: "a", Log: "l"}, live()...)
	want, err := decodeSnapshot(whole, anyKind)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, edits []byte) {
		data := damaged(whole, edits)
		got, err := decodeSnapshot(data, anyKind)
		if same := bytes.Equal(data, whole); same && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Fatalf("undamaged it is %+v, %v", got, err)
		} else if !same && err == nil && (got.checked || bytes.Contains(data, []byte("checksum"))) {
			t.Fatalf("%q passed", data) // without its checksum a person has edited it
		}
	})
}

func snapshotOf(f *testing.F, h head, records ...change) []byte {
	f.Helper()
	path := filepath.Join(f.TempDir(), "file")
	err := writeNew(path, func(w *os.File) error {
		_, err := writeSnapshot(w, h, records, func() error { return nil })
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// Whatever a person makes of a file: it is refused, or it is what it says, written the same
// way again.
func FuzzAnEditedFile(f *testing.F) {
	for _, data := range []string{
		``, ` `, `null`, `[]`, `{}`, `{"version":1,"records":[]}`, `{"version":2,"generation":"g","records":[]}`, `{"version":2,"checksum":"00000000","records":[]}`, `{"version":2,"Checksum":null,"records":[]}`,
		`{"version":3,"records":[]}`, `{"version":0,"records":[]}`, `{"version":2,"records":null}`, `{"version":2,"records":[{}]}`, `{"version":2,"lines":1,"records":[]}`, `{"version":2,"more":1,"records":[]}`,
		`{"version":2,"records":[{"kind":"grant","id":"a","value":{}}]}`, `{"version":2,"records":[{"kind":"grant","id":"a","value":{}},{"kind":"grant","id":"a","value":{}}]}`, `{"version":2,"records":[{"kind":"grant","id":"a","deleted":true}]}`,
		`{"version":2,"records":[{"kind":"grant","id":"a","value":[]}]}`, `{"version":2,"records":[{"kind":"grant","id":"a","value": {"x":1}}]}`, `{"version":1,"generation":"g","records":[]}`, `{"version":2,"records":[]}{"version":2,"records":[]}`,
		`{"version":2,"records":[{"kind":"user","id":"owner","expires":"2026-07-28T12:00:00Z","value":{"id":"owner"}}]}`, `{"version":2,"version":1,"records":[]}`, "\ufeff{}", `{"version":2,"records":[{"kind":"grant","id":"\ud800","value":{}}]}`,
	} {
		f.Add([]byte(data))
	}
	known := func(kind store.Kind) bool { return kind != "unknown" }
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte(checkedHead)) {
			return // which FuzzADamagedFile is for
		}
		s, err := decodeSnapshot(data, known)
		if err != nil {
			return
		}
		if s.checked || s.Version < 1 || s.Version > formatVersion || s.lines == nil {
			t.Fatalf("%q is %+v", data, s)
		}
		seen := make(map[store.Key]bool)
		for _, l := range s.lines {
			if seen[l.key()] || l.Deleted || !known(l.Kind) || !json.Valid(l.Value) || !strings.HasPrefix(string(l.Value), "{") {
				t.Errorf("%q has the record %+v", data, l)
			}
			seen[l.key()] = true
			value, err := checkedValue(l)
			if err != nil {
				continue // and the file is refused
			}
			var text bytes.Buffer
			c := change{key: l.key(), next: entry{store.NewEncoded(value), 1, store.At(l.Expires)}}
			if err := appendText(&text, c); err != nil {
				t.Errorf("%+v cannot be written: %v", l, err)
				continue
			}
			again, err := parseText(text.Bytes())
			if err != nil || again.key() != c.line().key() || !again.Expires.Equal(c.next.expires.Time()) || !bytes.Equal(again.Value, value) {
				t.Errorf("%+v is %+v when it was written and read (%v)", l, again, err)
			}
		}
	})
}

// Whatever happened to a log on the disk: it is refused, or it has all that was written up
// to some point, and nothing else.
func FuzzADamagedLog(f *testing.F) {
	addEdits(f)
	l, err := beginLog(filepath.Join(f.TempDir(), "log"), head{Version: formatVersion, Generation: "g", After: "before"})
	if err != nil {
		f.Fatal(err)
	}
	for _, batch := range [][]change{someChanges[:2], someChanges[2:3], someChanges[3:], {changeOf("long", `{"user_id":"`+strings.Repeat("x", 1200)+`"}`, time.Time{})}} {
		if err := l.append(batch); err != nil {
			f.Fatal(err)
		}
	}
	l.file.Close()
	whole, err := os.ReadFile(l.path)
	if err != nil {
		f.Fatal(err)
	}
	want, err := parseLog(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, edits []byte) {
		data := damaged(whole, edits)
		got, err := parseLog(data)
		if err != nil {
			return
		}
		if got.begun() && got.head != want.head || len(got.texts) > len(want.texts) || got.size > int64(len(data)) || got.cut != (got.size == int64(len(data))) {
			t.Fatalf("%q is %+v", data, got)
		}
		for i, text := range got.texts {
			if !bytes.Equal(text, want.texts[i]) {
				t.Fatalf("the change %q became %q", want.texts[i], text)
			}
		}
		if !bytes.Equal(data[:got.size], whole[:got.size]) {
			t.Errorf("%q passed", data[:got.size])
		}
		again, err := parseLog(data[:got.size])
		if err != nil || !again.cut || again.lines != got.lines || len(again.texts) != len(got.texts) {
			t.Errorf("what is kept of it is %+v, %v, and not %+v", again, err, got)
		}
	})
}

// Files as a crash left them, whichever of them was damaged and how: Open refuses them, or
// the owner is there and everything is as it was after one of the changes.
func FuzzDamagedFilesOfACrash(f *testing.F) {
	names := []string{"passkeys.json", "state.json", "state.json.log1", "state.json.log2", "state.unapproved.json", "state.activity.json"}
	for which := range byte(len(names)) {
		f.Add([]byte{3, which, which, 'x', 0, which}) // not many: each is written to the disk
	}
	for _, what := range []byte{0, 2, 4, 5} {
		f.Add([]byte{0xff, 0xff, what, '\n', 1, 2})
		f.Add([]byte{8, 200, what, 0, 255, 2})
	}
	files, states := crashed(f, names)
	f.Fuzz(func(t *testing.T, edits []byte) {
		dir := t.TempDir()
		which := 0
		if len(edits) > 0 {
			which = int(edits[len(edits)-1]) % len(names)
		}
		for i, name := range names {
			data, there := files[name]
			if !there {
				continue
			}
			if i == which {
				data = damaged(data, edits)
				if !strings.Contains(name, ".log") && !bytes.Contains(data, []byte("checksum")) && len(data) > 0 {
					return // which a person may have edited
				}
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b, err := Open(Options{PasskeyFile: filepath.Join(dir, names[0]), StateFile: filepath.Join(dir, names[1])})
		if err != nil {
			return
		}
		defer b.Close()
		got := stateOf(t, b)
		for _, state := range states {
			if maps.Equal(got, state) {
				return
			}
		}
		t.Fatalf("after damage to %s there are %d records, as there never were", names[which], len(got))
	})
}

// crashed returns files that nobody closed, and what there was after each change that is in
// their log.
func crashed(f *testing.F, names []string) (files map[string][]byte, states []map[store.Key]string) {
	f.Helper()
	dir := f.TempDir()
	b, err := Open(Options{PasskeyFile: filepath.Join(dir, names[0]), StateFile: filepath.Join(dir, names[1])})
	if err != nil {
		f.Fatal(err)
	}
	defer b.Close()
	change := func(kind store.Kind, id, value string) {
		key := store.Key{Kind: kind, ID: id}
		if value == "" {
			err = b.Delete(f.Context(), key)
		} else {
			err = b.Create(f.Context(), key, store.NewEncoded([]byte(value)), time.Time{})
		}
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range b.files {
			settle(file)
		}
	}
	change(store.KindUser, store.OwnerID, `{"id":"owner","name":"owner"}`)
	for i := range 70 { // beyond maxWhole, so that there is a log
		change(store.KindGrant, fmt.Sprint("grant", i), `{"id":"`+strings.Repeat("x", 1000)+`"}`)
	}
	if _, err := os.Stat(filepath.Join(dir, names[2])); err != nil {
		f.Fatal("there is no log:", err)
	}
	// The log holds some of the last changes too, with which the file was outgrown.
	all := stateOf(f, b)
	for i := 69; i >= 55; i-- {
		before := maps.Clone(all)
		for j := i; j < 70; j++ {
			delete(before, store.Key{Kind: store.KindGrant, ID: fmt.Sprint("grant", j)})
		}
		states = append(states, before)
	}
	states = append(states, all)
	for i := range 5 {
		change(store.KindGrant, fmt.Sprint("grant", i*3), "")
		states = append(states, stateOf(f, b))
		change(store.KindSession, fmt.Sprint("session", i), `{"id":"s"}`)
		states = append(states, stateOf(f, b))
	}
	files = make(map[string][]byte)
	for _, name := range names {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			files[name] = data
		}
	}
	return files, states
}

// settle waits for the merge that is under way or due. One beside changes takes them as they
// come, each shard of a table after the other: without the end of its log, which no crash takes
// away once it was acknowledged, the file is then as it never was.
func settle(f *file) {
	merging := func() bool {
		f.diskMu.Lock()
		defer f.diskMu.Unlock()
		return f.merging || len(f.logs) > 0 && f.due(false)
	}
	for merging() {
		time.Sleep(time.Millisecond)
	}
}

func stateOf(t testing.TB, b *Backend) map[store.Key]string {
	t.Helper()
	state := make(map[store.Key]string)
	for _, kind := range store.Kinds() {
		records, err := b.List(t.Context(), kind, "", "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			value, err := record.Value.Encode()
			if err != nil {
				t.Fatal(err)
			}
			state[record.Key] = string(value)
		}
	}
	return state
}
