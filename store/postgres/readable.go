package postgres

import (
	"encoding/json"
	"strings"
)

// maxReadable is the longest text in a column that only people read, in bytes. No ID is
// longer.
const maxReadable = 2048

// readable returns what the columns for people say of a value, nil where it says nothing
// that they could hold.
func readable(value []byte) (user, client *string) {
	var columns struct {
		User   any `json:"user_id"`
		Client any `json:"client_id"`
	}
	_ = json.Unmarshal(value, &columns) // the database checks that it is JSON
	return column(columns.User), column(columns.Client)
}

func column(v any) *string {
	s, ok := v.(string)
	// PostgreSQL's text holds every character but this one.
	if !ok || s == "" || len(s) > maxReadable || strings.ContainsRune(s, 0) {
		return nil
	}
	return &s
}
