package redis

import (
	"strconv"

	"github.com/mcpoauth/mcpoauth/store"
)

// maxCrowd is how many records there can be of each kind that anybody can make: beyond
// it those that expire first give way, so that a flood fills no memory and locks nobody out.
// Each bucket has its share.
const maxCrowd = 100_000

// bound returns how many records of a kind may expire in one bucket, as createScript takes
// it. What does not expire somebody has approved.
func (b *Backend) bound(kind store.Kind) string {
	switch kind {
	case store.KindClient, store.KindCeremony:
		return strconv.Itoa(b.crowd)
	}
	return ""
}
