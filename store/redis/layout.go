package redis

import (
	"fmt"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
)

// The records of a kind are spread over so many buckets, and these over the servers of a
// cluster: what a script touches together has the same hash tag.
const buckets = 16

// A layout names the keys of the database.
type layout struct {
	prefix string
}

func checkPrefix(prefix string) error {
	strange := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._:", c)
	}
	if strings.ContainsFunc(prefix, strange) {
		return fmt.Errorf("redis: Options.Prefix: may have letters, digits and any of - . _ : only, got %q; leave it empty for %q", prefix, DefaultPrefix)
	}
	return nil
}

// records returns what the keys of all records begin with, and no other key.
func (l layout) records() string { return l.prefix + ":{" }

// appendRecord appends the key of the hash that holds a record.
func (l layout) appendRecord(buf []byte, key store.Key) []byte {
	bucket := bucketOf(key.ID)
	buf = append(buf, l.prefix...)
	buf = append(buf, ":{"...)
	buf = append(buf, key.Kind...)
	buf = append(buf, ':', '0'+byte(bucket/10), '0'+byte(bucket%10), '}', ':')
	return append(buf, key.ID...)
}

func (l layout) record(key store.Key) string { return string(l.appendRecord(nil, key)) }

// ids returns the key of the sorted set of a bucket's IDs, all of one score, so that
// they sort by their bytes.
func (l layout) ids(kind store.Kind, bucket int) string {
	return fmt.Sprintf("%s:ids:{%s:%02d}", l.prefix, kind, bucket)
}

// expiry returns the key of the sorted set of those IDs that expire, by the time at
// which Redis forgets their records, in Unix milliseconds.
func (l layout) expiry(kind store.Kind, bucket int) string {
	return fmt.Sprintf("%s:expiry:{%s:%02d}", l.prefix, kind, bucket)
}

// fence returns the key that is there or not, and is turned over, to have something to wait for.
func (l layout) fence(key store.Key) string {
	return fmt.Sprintf("%s:fence:{%s:%02d}", l.prefix, key.Kind, bucketOf(key.ID))
}

// keys returns all keys that a change to a record touches.
func (l layout) keys(key store.Key) []string {
	bucket := bucketOf(key.ID)
	return []string{l.record(key), l.ids(key.Kind, bucket), l.expiry(key.Kind, bucket)}
}

// bucketOf is FNV-1a. It must never change: records would be lost.
func bucketOf(id string) int {
	hash := uint32(2166136261)
	for i := range len(id) {
		hash = (hash ^ uint32(id[i])) * 16777619
	}
	return int(hash % buckets)
}
