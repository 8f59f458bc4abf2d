package memory

import (
	"fmt"
	"slices"
)

// cureLog is for a log that cannot be used.
const cureLog = "restore the file and its logs from the same backup; or, to do without the changes in the log, move the log away"

// chain sorts the logs that were found beside a file: those that go on where the file
// ends, in their order, and those whose changes are in it already. A log that is
// neither belongs to another state of the file, unless it is empty: such a one was made
// and could not be used.
//
// The machine may stop between any two steps of a merge, so that a file is
// followed by no log, one or two, and one that it was merged with may still be there.
func chain(h head, logs []*foundLog) (follow, merged []*foundLog, err error) {
	take := func(match func(*foundLog) bool) *foundLog {
		i := slices.IndexFunc(logs, match)
		if i < 0 {
			return nil
		}
		l := logs[i]
		logs = slices.Delete(logs, i, i+1)
		return l
	}
	if h.Log != "" {
		l := take(func(l *foundLog) bool { return l.Generation == h.Log })
		if l == nil {
			return nil, nil, cured{
				fmt.Errorf("its log %s is missing", h.Log),
				`restore the log from the same backup; or, to do without what happened after this file was written, delete its lines "log" and "checksum"`,
			}
		}
		follow = append(follow, l)
	}
	for {
		last, lines := h.Generation, 0
		if n := len(follow); n > 0 {
			last, lines = follow[n-1].Generation, follow[n-1].lines
		}
		l := take(func(l *foundLog) bool { return l.begun() && l.After == last && l.Lines == lines })
		if l == nil {
			break
		}
		follow = append(follow, l)
	}
	for after := h.After; after != ""; {
		l := take(func(l *foundLog) bool { return l.begun() && l.Generation == after })
		if l == nil {
			break
		}
		merged, after = slices.Insert(merged, 0, l), l.After
	}
	for _, l := range logs {
		if l.count > 0 {
			return nil, nil, cured{
				fmt.Errorf("the log %s belongs to another state of it, from before or after a backup", l.path),
				cureLog,
			}
		}
		merged = append(merged, l)
	}
	return follow, merged, nil
}
