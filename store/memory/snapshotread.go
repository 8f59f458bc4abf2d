package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/mcpoauth/mcpoauth/store"
)

// A snapshot is what a file holds.
type snapshot struct {
	head
	lines   []line
	checked bool // by its checksum: it is as this program wrote it
}

// decodeSnapshot is strict: a file that is not wholly understood would be written back
// without the part that was not.
func decodeSnapshot(data []byte, known func(store.Kind) bool) (s snapshot, err error) {
	if body, ok := bytes.CutPrefix(data, []byte(checkedHead)); ok {
		s, err = decodeChecked(body)
	} else {
		s, err = decodeAny(data)
	}
	if err != nil {
		return snapshot{}, err
	}
	return s, validate(s.lines, known)
}

func decodeChecked(data []byte) (snapshot, error) {
	if len(data) < checksumLen || !bytes.HasPrefix(data[checksumLen:], []byte(checkedEnd)) {
		return snapshot{}, errDamaged
	}
	sum, body := string(data[:checksumLen]), data[checksumLen+len(checkedEnd):]
	if sum != checksum(body) {
		return snapshot{}, errDamaged
	}
	members, records, ok := bytes.Cut(body, []byte(recordsHead))
	if !ok {
		return snapshot{}, errors.New("there is no list of records")
	}
	s := snapshot{checked: true}
	if err := json.Unmarshal(slices.Concat([]byte(`{`), members, []byte(`"version":2}`)), &s.head); err != nil {
		return snapshot{}, err
	}
	texts, err := splitRecords(records)
	if err != nil {
		return snapshot{}, err
	}
	s.lines, err = parseAll(texts, func(text []byte) (line, error) {
		return parseText(compact(make([]byte, 0, len(text)), text))
	})
	return s, err
}

// splitRecords returns the text of each record, with its indentation.
func splitRecords(data []byte) (texts [][]byte, err error) {
	rest := data
	for bytes.HasPrefix(rest, []byte(recordStart)) {
		i := bytes.Index(rest, []byte(recordEnd))
		if i < 0 {
			break
		}
		end := i + len(recordEnd)
		texts = append(texts, rest[:end])
		rest = bytes.TrimPrefix(rest[end:], []byte(","))
	}
	end := recordsEnd
	if len(texts) == 0 {
		end = emptyEnd
	}
	if string(rest) != end+documentEnd {
		return nil, fmt.Errorf("after %d records: %.20q is not how the list goes on or ends", len(texts), rest)
	}
	return texts, nil
}

// decodeAny reads a file that a person has edited, or of version 1.
func decodeAny(data []byte) (snapshot, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return snapshot{}, errors.New("the file is empty")
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return snapshot{}, err
	}
	if err := checkVersion(version.Version); err != nil {
		return snapshot{}, err
	}
	var doc struct {
		head
		Checksum *string `json:"checksum"`
		Records  []line  `json:"records"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return snapshot{}, err
	}
	switch {
	case doc.Checksum != nil:
		return snapshot{}, errDamaged
	case doc.Version == 1 && doc.head != head{Version: 1}:
		return snapshot{}, errors.New("format version 1 has no generations")
	case doc.Records == nil:
		return snapshot{}, errors.New("there is no list of records")
	case doc.Lines != 0:
		return snapshot{}, errors.New("only a log counts lines")
	}
	return snapshot{head: doc.head, lines: doc.Records}, nil
}

func checkVersion(version int) error {
	switch {
	case version > formatVersion:
		return fmt.Errorf("%w: format version %d, and this program writes version %d", errNewer, version, formatVersion)
	case version < 1:
		return fmt.Errorf("format version %d is not known; this program writes version %d", version, formatVersion)
	}
	return nil
}

func validate(lines []line, known func(store.Kind) bool) error {
	seen := make(map[store.Key]bool, len(lines))
	for _, l := range lines {
		switch {
		case !known(l.Kind):
			return fmt.Errorf("record %v: this kind does not belong here", l.key())
		case seen[l.key()]:
			return fmt.Errorf("record %v is there twice", l.key())
		case l.Deleted:
			return fmt.Errorf("record %v is deleted, which only a log can say", l.key())
		case !l.isObject():
			return fmt.Errorf("record %v: the value is not a JSON object", l.key())
		}
		seen[l.key()] = true
	}
	return nil
}
