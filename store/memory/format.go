package memory

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const formatVersion = 1

var errNewer = errors.New("the file is from a newer version of this program")

// A document is what a file holds.
type document struct {
	Version int    `json:"version"`
	Records []line `json:"records"`
}

type line struct {
	Kind    store.Kind      `json:"kind"`
	ID      string          `json:"id"`
	Expires time.Time       `json:"expires,omitzero"`
	Value   json.RawMessage `json:"value"`
}

func (l line) key() store.Key { return store.Key{Kind: l.Kind, ID: l.ID} }

// A text is a record as it stands in the file. Texts are kept from one write to
// the next: strangers can make thousands of clients, and no change shall pay for
// encoding them all again.
type text struct {
	version uint64
	json    []byte
}

const (
	textHead   = "{\n  \"version\": 1,\n  \"records\": ["
	textIndent = "    "
	textFoot   = "]\n}\n"
)

// encode writes the records, sorted, and returns their texts. It takes those that
// have not changed from old.
func encode(w *bufio.Writer, records []store.Record, old map[store.Key]text) (map[store.Key]text, error) {
	slices.SortFunc(records, func(a, b store.Record) int {
		return cmp.Or(strings.Compare(string(a.Key.Kind), string(b.Key.Kind)), strings.Compare(a.Key.ID, b.Key.ID))
	})
	texts := make(map[store.Key]text, len(records))
	w.WriteString(textHead)
	for i, r := range records {
		t := old[r.Key]
		if t.version != r.Version {
			var err error
			if t, err = newText(r); err != nil {
				return nil, fmt.Errorf("encoding %v: %w", r.Key, err)
			}
		}
		texts[r.Key] = t
		if i > 0 {
			w.WriteString(",")
		}
		w.WriteString("\n" + textIndent)
		w.Write(t.json)
	}
	if len(records) > 0 {
		w.WriteString("\n  ")
	}
	w.WriteString(textFoot)
	return texts, w.Flush()
}

func newText(r store.Record) (text, error) {
	value, err := r.Value.Encode()
	if err != nil {
		return text{}, err
	}
	l := line{r.Key.Kind, r.Key.ID, r.ExpiresAt, value}
	if !l.isObject() {
		return text{}, errors.New("the value is not a JSON object")
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // so that URLs stay readable
	enc.SetIndent(textIndent, "  ")
	err = enc.Encode(l)
	return text{r.Version, bytes.Clone(bytes.TrimSpace(buf.Bytes()))}, err
}

// decode is strict: a file that is not wholly understood would be written back
// without the part that was not.
func decode(data []byte, known func(store.Kind) bool) ([]line, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("the file is empty")
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, err
	}
	if head.Version > formatVersion {
		return nil, fmt.Errorf("%w: format version %d, and this program writes version %d", errNewer, head.Version, formatVersion)
	}
	if head.Version != formatVersion {
		return nil, fmt.Errorf("format version %d is not known; this program writes version %d", head.Version, formatVersion)
	}
	var doc document
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if doc.Records == nil {
		return nil, errors.New("there is no list of records")
	}
	return doc.Records, validate(doc.Records, known)
}

func validate(lines []line, known func(store.Kind) bool) error {
	seen := make(map[store.Key]bool, len(lines))
	for _, l := range lines {
		switch {
		case !known(l.Kind):
			return fmt.Errorf("record %v: this kind does not belong here", l.key())
		case seen[l.key()]:
			return fmt.Errorf("record %v is there twice", l.key())
		case !l.isObject():
			return fmt.Errorf("record %v: the value is not a JSON object", l.key())
		}
		seen[l.key()] = true
	}
	return nil
}

func (l line) isObject() bool { return bytes.HasPrefix(bytes.TrimSpace(l.Value), []byte("{")) }

// entry takes the indentation off, which would otherwise stay in memory.
func (l line) entry(version uint64) (entry, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, l.Value); err != nil {
		return entry{}, err
	}
	return entry{store.NewEncoded(compact.Bytes()), version, nanos(l.Expires)}, nil
}
