package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// lifetime returns how long an answer is good (RFC 9111 §4.2), within our bounds,
// which the metadata document draft allows ("Metadata Caching"). We keep it for our
// own use, as a browser does: s-maxage and private are for those who pass it on.
func lifetime(h http.Header, now time.Time) time.Duration {
	return min(max(minLifetime, stated(h, now)), maxLifetime)
}

// stated returns what the headers say; zero if they say nothing.
func stated(h http.Header, now time.Time) time.Duration {
	maxAge := time.Duration(-1)
	for _, line := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return 0
			case "max-age":
				if maxAge >= 0 {
					return 0 // twice: one of them is wrong
				}
				maxAge = seconds(strings.Trim(value, `"`))
			}
		}
	}
	if maxAge >= 0 {
		return maxAge - seconds(h.Get("Age"))
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		date = now
	}
	// Not less than nothing, which the age could make overflow into ages.
	return max(0, expires.Sub(date)) - seconds(h.Get("Age"))
}

// seconds reads a number of seconds, at most maxLifetime (RFC 9111 §1.2.2). What is
// no number is zero.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil && n == 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxLifetime)
}
