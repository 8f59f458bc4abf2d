package fetch

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// However a hostile server writes its headers: a copy is kept for no longer and no shorter
// than our bounds, what forbids keeping it wins, and growing older never makes it younger.
func FuzzLifetime(f *testing.F) {
	const date = "Mon, 28 Jul 2025 12:00:00 GMT"
	for _, control := range []string{
		"", "max-age=3600", "MAX-AGE=3600", `max-age="3600"`, "max-age=-1", "max-age=99999999999999999999", "max-age=1, max-age=7200", "public, max-age=600",
		"no-store", "no-cache", "private", "s-maxage=9000", "max-age", "max-age=3600;no-store", "max-age=\t3600", ",,,", `x="a, no-store"`, "max-age=03600",
	} {
		f.Add(control, "", "", "")
		f.Add(control, "60", date, "Mon, 28 Jul 2025 13:00:00 GMT")
		f.Add(control, "99999999999999999999", "then", "0")
	}
	now := time.Date(2025, 7, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, control, age, date, expires string) {
		header := func(control ...string) http.Header {
			return http.Header{"Cache-Control": control, "Age": {age}, "Date": {date}, "Expires": {expires}}
		}
		kept := lifetime(header(control), now)
		if kept < minLifetime || kept > maxLifetime {
			t.Fatalf("%q, %q, %q, %q: kept for %v", control, age, date, expires, kept)
		}
		for _, forbids := range []string{"no-store", "NO-CACHE", " no-store ", `no-cache="Set-Cookie"`} {
			if got := lifetime(header(control, forbids), now); got != minLifetime {
				t.Errorf("%q and %q: kept for %v", control, forbids, got)
			}
			if got := lifetime(header(forbids, control), now); got != minLifetime {
				t.Errorf("%q and %q: kept for %v", forbids, control, got)
			}
		}
		if got := lifetime(header(control, "public, immutable"), now); got != kept {
			t.Errorf("%q with what says nothing of time: kept for %v, and without for %v", control, got, kept)
		}
		if joined := lifetime(header(control+", public"), now); joined != kept {
			t.Errorf("%q on one line: kept for %v, on two for %v", control, joined, kept)
		}
		older := header(control)
		older.Set("Age", fmt.Sprint(int64(seconds(age)/time.Second)+7))
		if got := lifetime(older, now); got > kept {
			t.Errorf("%q: kept for %v, and older for %v", control, kept, got)
		}
		if strings.Contains(strings.ToLower(control), "max-age=") {
			return
		}
		// Nothing but Expires says anything, and from where there is none, nothing.
		if _, err := http.ParseTime(expires); err != nil && kept != minLifetime {
			t.Errorf("%q, %q: kept for %v by nothing", control, expires, kept)
		}
	})
}
