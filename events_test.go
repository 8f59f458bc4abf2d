package mcpoauth_test

import (
	"regexp"
	"strings"
	"testing"
)

// Whoever builds an alarm on an event has to find its name, and find it true.
func TestTheReadmeListsEveryEventOfTheLog(t *testing.T) {
	_, after, _ := strings.Cut(readFile(t, "README.md"), "\n## Log\n")
	section, _, _ := strings.Cut(after, "\n## ")
	listed := make(map[string]bool)
	for _, found := range regexp.MustCompile("`([a-z]+\\.[a-z_]+)`").FindAllStringSubmatch(section, -1) {
		listed[found[1]] = true
	}
	logged := make(map[string]bool)
	event := regexp.MustCompile(`"([a-z]+\.[a-z_]+)"`)
	call := regexp.MustCompile(`(?i)(log\.((Debug|Info|Warn|Error)(Context)?|LogAttrs)\(|\.say\(|\.did\(ctx, err, |event (:=|=) )[^\n]*`)
	eachGoFile(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, line := range call.FindAllString(readFile(t, path), -1) {
			for _, found := range event.FindAllStringSubmatch(line, 1) {
				logged[found[1]] = true
			}
		}
	})
	for name := range logged {
		if !listed[name] {
			t.Errorf("%s is logged, but README.md does not list it", name)
		}
	}
	for name := range listed {
		if !logged[name] {
			t.Errorf("README.md lists %s, but nothing logs it", name)
		}
	}
}
