package memory

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"
)

// formatVersion is the version of the files. Version 1 had no checksum and no log.
const formatVersion = 2

var (
	errNewer   = errors.New("the file is from a newer version of this program")
	errDamaged = errors.New("its checksum does not match")
)

// castagnoli finds whatever a disk or a transfer does to a file. It is no defence
// against a person: who can write the file can do everything.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A head says what a file is and which files belong to it. Each file has a
// generation of its own.
type head struct {
	Version    int    `json:"version"`
	Generation string `json:"generation,omitempty"`
	After      string `json:"after,omitempty"` // of the log which it contains, if that may still be there
	Log        string `json:"log,omitempty"`   // of the log that was begun before it was written; empty: none
	Lines      int    `json:"lines,omitempty"` // of the log that a log comes after
}

// newGeneration returns what no other file has.
func newGeneration() string {
	return fmt.Sprintf("%016x", maphash.String(maphash.MakeSeed(), "generation"))
}

// The layout of a file: parts of it are found by these. A line end and these spaces
// are nowhere else, least of all in a string.
const (
	checkedHead = "{\n  \"version\": 2,\n  \"checksum\": \""
	checkedEnd  = "\",\n"
	recordsHead = "  \"records\": ["
	recordStart = "\n    {"
	recordEnd   = "\n    }"
	recordsEnd  = "\n  ]"
	emptyEnd    = "]"
	documentEnd = "\n}\n"
)

const checksumLen = len("00000000")

func checksum(data []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(data, castagnoli)) }

// writeSnapshot writes records, sorted, to a new file. The checksum is of all that
// comes after its own line. It stops at an error of goOn, which it calls again and again.
func writeSnapshot(f *os.File, h head, records []change, goOn func() error) (size int64, err error) {
	slices.SortFunc(records, func(a, b change) int {
		return cmp.Or(strings.Compare(string(a.key.Kind), string(b.key.Kind)), strings.Compare(a.key.ID, b.key.ID))
	})
	if _, err := f.WriteString(checkedHead + strings.Repeat("0", checksumLen) + checkedEnd); err != nil {
		return 0, err
	}
	sum := crc32.New(castagnoli)
	w := bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10)
	if err := writeBody(w, h, records, goOn); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%08x", sum.Sum32()), int64(len(checkedHead)))
	return size, err
}

func writeBody(w *bufio.Writer, h head, records []change, goOn func() error) error {
	for _, member := range []struct{ name, value string }{{"generation", h.Generation}, {"after", h.After}, {"log", h.Log}} {
		if member.value != "" {
			fmt.Fprintf(w, "  %q: %q,\n", member.name, member.value)
		}
	}
	w.WriteString(recordsHead)
	end := emptyEnd
	var text bytes.Buffer
	for i, c := range records {
		if err := goOn(); err != nil {
			return err
		}
		text.Reset()
		if err := appendIndented(&text, c); err != nil {
			return err
		}
		if i > 0 {
			w.WriteString(",")
		}
		w.WriteString("\n    ")
		if _, err := w.Write(text.Bytes()); err != nil {
			return err
		}
		end = recordsEnd
	}
	w.WriteString(end + documentEnd)
	return nil
}
