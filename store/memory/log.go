package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// A log holds the changes since a file was written whole, one line of JSON for those
// that became durable together. Each line has a number and a checksum; the first one
// has the log's head.
type log struct {
	head
	path  string
	file  *os.File
	size  int64 // up to the last line that was acknowledged
	lines int
	count int  // of changes
	cut   bool // nothing but those lines is in the file; else a failed write may have left something
}

// A file has two places for logs, which take turns: one log is merged into the file
// while the next one grows.
func logPaths(path string) [2]string { return [2]string{path + ".log1", path + ".log2"} }

// beginLog makes an empty log, durably.
func beginLog(path string, h head) (*log, error) {
	l := &log{head: h, path: path, cut: true}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	first := logLine(0, text[len("{"):len(text)-len("}")])
	// Not opened again: what fails then would leave a log that nobody goes on with.
	l.file, err = createNew(path, func(f *os.File) error { _, err := f.Write(first); return err })
	if err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, l.file.Close(), os.Remove(path))
	}
	l.size, l.lines = int64(len(first)), 1
	return l, nil
}

func (l *log) open() (err error) {
	l.file, err = os.OpenFile(l.path, os.O_WRONLY, 0)
	return err
}

// append makes changes durable. After an error they are not in the log, unless even
// cutting it off failed: that is tried again before anything else is appended.
func (l *log) append(changes []change) error {
	var body bytes.Buffer
	body.WriteString(`"changes":[`)
	for i, c := range changes {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(changeStart)
		if err := appendText(&body, c); err != nil {
			return err
		}
	}
	body.WriteByte(']')
	if err := l.restore(); err != nil {
		return err
	}
	text := logLine(l.lines, body.Bytes())
	_, err := l.file.WriteAt(text, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.cut = false
		return errors.Join(err, l.restore())
	}
	l.size += int64(len(text))
	l.lines++
	l.count += len(changes)
	return nil
}

// restore cuts off what a failed write has left.
func (l *log) restore() error {
	if l.cut {
		return nil
	}
	if err := l.file.Truncate(l.size); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.cut = true
	return nil
}

// inPlace reports whether the log is still where the next start looks for it. Somebody
// may have removed it, as people do with logs.
func (l *log) inPlace() bool { return inPlace(l.file) == nil }

// remove deletes a log whose changes are elsewhere. One that stays nevertheless is
// known at the next start by its generation.
func (l *log) remove() error {
	if l.file != nil {
		l.file.Close()
	}
	err := os.Remove(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// The layout of a line: {"crc":"…","n":1,"changes":[…]}. The checksum is of what comes
// after it. Compact JSON has no tabs, so that they tell where a change begins.
const (
	lineHead    = `{"crc":"`
	lineNumber  = `","n":`
	changeStart = "\t"
)

func logLine(number int, body []byte) []byte {
	rest := fmt.Appendf(nil, `%d,%s}`, number, body)
	return fmt.Appendf(nil, "%s%s%s%s\n", lineHead, checksum(rest), lineNumber, rest)
}

// openLine returns the body of a line without its end, if it is sound.
func openLine(text []byte) (number int, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(lineHead))
	if !ok || len(rest) < checksumLen {
		return 0, nil, false
	}
	sum := string(rest[:checksumLen])
	rest, ok = bytes.CutPrefix(rest[checksumLen:], []byte(lineNumber))
	if !ok || checksum(rest) != sum {
		return 0, nil, false
	}
	digits, body, ok := bytes.Cut(rest, []byte(","))
	number, err := strconv.Atoi(string(digits))
	return number, body, ok && err == nil && bytes.HasSuffix(body, []byte("}"))
}
