package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// readLogs returns the logs beside the file at path, with the texts of their changes.
func readLogs(path string) (logs []*foundLog, err error) {
	for _, path := range logPaths(path) {
		data, err := readTrusted(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		l, err := parseLog(data)
		if err != nil {
			err = fmt.Errorf("reading %s: %w", path, err)
			if !errors.Is(err, errNewer) {
				err = cured{err, cureLog}
			}
			return nil, err
		}
		l.path = path
		logs = append(logs, l)
	}
	return logs, nil
}

// A foundLog is a log with the changes that are in it.
type foundLog struct {
	log
	texts [][]byte
}

// begun reports whether the log has its first line. One without was being made when the
// process ended, and never had another.
func (l *foundLog) begun() bool { return l.lines > 0 }

// parseLog reads all lines up to the end, or up to a last one that was never
// acknowledged.
func parseLog(data []byte) (*foundLog, error) {
	l := &foundLog{}
	for rest := data; len(rest) > 0; {
		text, after, whole := bytes.Cut(rest, []byte("\n"))
		number, body, ok := openLine(text)
		if !whole || !ok {
			if torn(rest, l.size) {
				return l, nil
			}
			return nil, fmt.Errorf("line %d is damaged", l.lines+1)
		}
		if number != l.lines {
			return nil, fmt.Errorf("line %d is not there: in its place is line %d", l.lines+1, number+1)
		}
		if err := l.take(body); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.lines+1, err)
		}
		l.lines++
		l.size += int64(len(rest) - len(after))
		rest = after
	}
	l.cut = true
	return l, nil
}

func (l *foundLog) take(body []byte) error {
	if l.lines == 0 {
		if err := json.Unmarshal(append([]byte("{"), body...), &l.head); err != nil {
			return err
		}
		return checkVersion(l.Version)
	}
	changes, ok := bytes.CutPrefix(body, []byte(`"changes":[`+changeStart))
	changes, closed := bytes.CutSuffix(changes, []byte("]}"))
	if !ok || !closed {
		return errors.New("there is no list of changes")
	}
	l.texts = append(l.texts, bytes.Split(changes, []byte(","+changeStart))...)
	l.count = len(l.texts)
	return nil
}

// torn reports whether tail, which begins at an offset of the file, is what a line can
// leave that was being written when the machine stopped: its beginning, or all of it
// with holes, where blocks had not reached the disk. Anything else has been
// acknowledged, and was damaged since.
func torn(tail []byte, offset int64) bool {
	const sector = 512
	end := bytes.IndexByte(tail, '\n')
	switch {
	case end < 0:
		_, _, ok := openLine(tail[:len(tail)-1])
		return !ok // a whole line whose end is another byte now was acknowledged
	case end < len(tail)-1:
		return false
	}
	hole := int64(len(tail) - len(bytes.TrimLeft(tail, "\x00")))
	return hole > 0 && (offset+hole)%sector == 0 || bytes.Contains(tail, make([]byte, sector))
}
