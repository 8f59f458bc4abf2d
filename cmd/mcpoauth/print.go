package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/cmd/mcpoauth/internal/doctor"
)

// A printer writes a report for people, as it comes. Every word of it stands without
// its colour too.
type printer struct {
	out     io.Writer
	colour  bool
	section string
	failed  error // the first failure to write
}

// colours reports whether out is a terminal whose owner has nothing against colours
// (no-color.org).
func colours(t terminal) bool {
	file, ok := t.out.(*os.File)
	return ok && t.env("NO_COLOR") == "" && t.env("TERM") != "dumb" && isTerminal(file)
}

// isTerminal takes every character device for one but the null device, which services and
// cron jobs have in its place.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

var words = map[doctor.Severity]struct{ word, colour string }{
	doctor.OK:      {"ok  ", "32"},
	doctor.Warning: {"WARN", "33"},
	doctor.Fail:    {"FAIL", "31"},
	doctor.Skipped: {"skip", "2"},
}

func (p *printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.out, format, args...); err != nil && p.failed == nil {
		p.failed = err
	}
}

func (p *printer) paint(text, colour string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func writeJSON(t terminal, value any) error {
	out := json.NewEncoder(t.out)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(value)
}

func (p *printer) begin(address string) {
	p.printf("Looking at %s from outside.\n", strings.Trim(fmt.Sprintf("%q", address), `"`))
}

func (p *printer) finding(f doctor.Finding) {
	if f.Section != p.section {
		p.section = f.Section
		p.printf("\n%s\n", f.Section)
	}
	word := words[f.Severity]
	p.printf("  %s  %-5s %s: %s\n", p.paint(word.word, word.colour), f.ID, f.Check, f.Seen)
	if f.Severity != doctor.Fail && f.Severity != doctor.Warning {
		return
	}
	p.printf("              why     %s\n              cure    %s\n", f.Why, f.Cure)
	if len(f.Clients) > 0 {
		p.printf("              clients %s\n", join(f.Clients))
	}
}

func join(clients []doctor.Client) string {
	names := make([]string, len(clients))
	for i, c := range clients {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

var outcomes = map[doctor.Outcome]struct{ word, colour string }{
	doctor.Connects:   {"connects", "32"},
	doctor.Hampered:   {"connects, but", "33"},
	doctor.Fails:      {"FAILS", "31"},
	doctor.OutOfReach: {"out of reach", "2"},
}

func (p *printer) end(r doctor.Report) {
	p.printf("\nWhat becomes of clients at %s\n", r.Endpoint)
	for _, v := range r.Clients {
		outcome := outcomes[v.Outcome]
		because := strings.Join(ids(v.Because), ", ")
		if v.Outcome == doctor.OutOfReach && because == "" {
			because = "it calls from its maker's cloud"
		}
		p.printf("%s\n", strings.TrimRight(fmt.Sprintf("  %-21s %s  %s", v.Client, p.paint(fmt.Sprintf("%-13s", outcome.word), outcome.colour), because), " "))
	}
	p.printf("\n%d checks in %s: %d ok, %d failed, %d warnings, %d skipped\n", len(r.Findings), r.Took.Round(time.Millisecond),
		r.Count(doctor.OK), r.Count(doctor.Fail), r.Count(doctor.Warning), r.Count(doctor.Skipped))
}

// ids names each cause once; what it means is said above.
func ids(causes []doctor.Cause) (names []string) {
	for _, c := range causes {
		if !slices.Contains(names, c.ID) {
			names = append(names, c.ID)
		}
	}
	return names
}
