package templates

import (
	"testing"
	"time"
)

func TestATimeIsSaidInItsLargestUnit(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for ago, want := range map[time.Duration]string{
		0: "just now", time.Minute - 1: "just now", time.Minute: "1 minute ago", 59 * time.Minute: "59 minutes ago", time.Hour: "1 hour ago", 23 * time.Hour: "23 hours ago",
		day: "1 day ago", 6 * day: "6 days ago", 30 * day: "30 days ago", 59 * day: "59 days ago", 60 * day: "2 months ago", 364 * day: "12 months ago", 365 * day: "1 year ago", 800 * day: "2 years ago",
		-1: "in a moment", -time.Minute: "in 1 minute", -3 * day: "in 3 days", -3*day + time.Second: "in 3 days", -30*day + time.Second: "in 30 days", -365 * day: "in 1 year",
	} {
		if got := NewWhen(now.Add(-ago), now).Words; got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
}

func TestATimeHasTheExactOneOnHover(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.FixedZone("CET", 3600))
	got := timeElement(NewWhen(at, at.Add(3*time.Hour)))
	if want := `<time datetime="2026-03-01T08:30:00Z" title="1 Mar 2026, 08:30 UTC">3 hours ago</time>`; string(got) != want {
		t.Errorf("got %s", got)
	}
	if got := timeElement(NewWhen(time.Time{}, at)); got != "never" {
		t.Errorf("no time is %q", got)
	}
	if got := timeElement(When{Words: "<b>", Exact: `"`}); got != `<time datetime="" title="&#34;">&lt;b&gt;</time>` {
		t.Errorf("got %s", got)
	}
}
