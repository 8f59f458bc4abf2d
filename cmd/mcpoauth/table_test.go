package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTimesAreToldInAWordOrTwo(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Now()
	for d, want := range map[time.Duration]string{
		-time.Minute: "just now", 0: "just now", 59 * time.Second: "just now", time.Minute: "1 min ago", 119 * time.Minute: "119 min ago",
		2 * time.Hour: "2 h ago", 47 * time.Hour: "47 h ago", 2 * day: "2 days ago", 99 * day: "99 days ago",
		100 * day: "3 mon ago", 729 * day: "24 mon ago", 730 * day: "2 years ago",
	} {
		if got := ago(now.Add(-d), now); got != want || len(got) > 11 {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, now); got != "never" {
		t.Errorf("got %q", got)
	}
}

func TestARowIsCutAndDetailsAreNot(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out}
	columns := []column{{"A", 5}, {"B", 3}}
	p.headings(columns)
	p.row(columns, "ééééééé", "x\ny\u202ez")
	p.row(columns, "a", "")
	if want := "A      B\néééé…  x …\na\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	long := "client " + strings.Repeat("x", 100)
	p.details("  ", strings.Repeat("a", 40), strings.Repeat("b", 36), "c", long)
	if want := "  " + strings.Repeat("a", 40) + ",\n  " + strings.Repeat("b", 36) + ", c,\n  " + long + "\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
