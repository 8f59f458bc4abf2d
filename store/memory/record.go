package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A line is a record as a file holds it, or in a log that one was deleted.
type line struct {
	Kind    store.Kind      `json:"kind"`
	ID      string          `json:"id"`
	Expires time.Time       `json:"expires,omitzero"`
	Deleted bool            `json:"deleted,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
}

func (l line) key() store.Key { return store.Key{Kind: l.Kind, ID: l.ID} }

func (l line) isObject() bool { return bytes.HasPrefix(l.Value, []byte("{")) }

// textValue is what stands between a record and its value in a compact text. Inside
// a string its first quote would have a backslash in front.
const textValue = `,"value":`

// appendText appends a record as compact JSON, without a space outside its strings.
func appendText(buf *bytes.Buffer, c change) error {
	l := c.line()
	if err := appendHead(buf, l); err != nil || l.Deleted {
		return err
	}
	value, err := valueOf(c)
	if err != nil {
		return err
	}
	buf.Truncate(buf.Len() - len("}"))
	buf.WriteString(textValue)
	if err := json.Compact(buf, value); err != nil {
		return fmt.Errorf("encoding %v: %w", c.key, err)
	}
	buf.WriteByte('}')
	return nil
}

// appendIndented appends a record for a person to read.
func appendIndented(buf *bytes.Buffer, c change) error {
	const indent = "    "
	var head bytes.Buffer
	if err := appendHead(&head, c.line()); err != nil {
		return err
	}
	value, err := valueOf(c)
	if err != nil {
		return err
	}
	if err := json.Indent(buf, head.Bytes(), indent, "  "); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - len(recordEnd))
	buf.WriteString(",\n" + indent + `  "value": `)
	if err := json.Indent(buf, value, indent+"  ", "  "); err != nil {
		return fmt.Errorf("encoding %v: %w", c.key, err)
	}
	buf.WriteString(recordEnd)
	return nil
}

func appendHead(buf *bytes.Buffer, l line) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // so that URLs stay readable
	if err := enc.Encode(l); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - len("\n"))
	return nil
}

// valueOf returns a value's JSON, which may still be no JSON behind its first byte:
// json.Compact and json.Indent find that out.
func valueOf(c change) ([]byte, error) {
	value, err := c.next.value.Encode()
	if err == nil && !bytes.HasPrefix(bytes.TrimSpace(value), []byte("{")) {
		err = errors.New("the value is not a JSON object")
	}
	if err != nil {
		return nil, fmt.Errorf("encoding %v: %w", c.key, err)
	}
	return bytes.TrimSpace(value), nil
}

func (c change) line() line {
	return line{Kind: c.key.Kind, ID: c.key.ID, Expires: c.next.expires.Time(), Deleted: c.next.version == 0}
}

// parseText reads what appendText wrote, in a fraction of the time that a decoder of any
// JSON takes. It is for texts whose checksum is right.
func parseText(text []byte) (l line, err error) {
	head, value, found := bytes.Cut(text, []byte(textValue))
	if found {
		head = append(bytes.Clone(head), '}')
		l.Value = bytes.Clone(value[:len(value)-len("}")])
	}
	value, l.Value = l.Value, nil
	err = json.Unmarshal(head, &l)
	l.Value = value
	return l, err
}

// compact takes the spaces and line ends out of JSON that is known to be sound.
func compact(dst, src []byte) []byte {
	inString := false
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			dst = append(dst, c)
			i++
			c = src[i]
		case !inString && (c == ' ' || c == '\n'):
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
