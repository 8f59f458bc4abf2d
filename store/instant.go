package store

import (
	"math"
	"time"
)

// An Instant is a time in a third of the memory of a time.Time, and without a pointer for
// the garbage collector to follow: there are several in each of a million grants. It is
// Unix time in nanoseconds; zero is the zero time. What that stands for says the field: as the
// expiry of a record it is never, and a token of which none is known has expired. In JSON an
// Instant is what a time.Time is.
type Instant int64

// At returns t as an Instant. Times from the years before 1678 and after 2261 become the
// nearest that there is.
func At(t time.Time) Instant {
	const second = int64(time.Second)
	switch unix := t.Unix(); {
	case t.IsZero():
		return 0
	case unix <= math.MinInt64/second:
		return math.MinInt64
	case unix >= math.MaxInt64/second:
		return math.MaxInt64
	}
	n := t.UnixNano()
	if n == 0 {
		return 1 // zero would mean never
	}
	return Instant(n)
}

// Time returns i in UTC.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}

// After reports whether i is after t. Zero is after nothing.
func (i Instant) After(t time.Time) bool { return i != 0 && i > At(t) }

// MarshalJSON implements json.Marshaler.
func (i Instant) MarshalJSON() ([]byte, error) { return i.Time().MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (i *Instant) UnmarshalJSON(data []byte) error {
	var t time.Time
	if err := t.UnmarshalJSON(data); err != nil {
		return err
	}
	*i = At(t)
	return nil
}
