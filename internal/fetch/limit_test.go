package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

func TestAURLIsAsLongAsItMayBe(t *testing.T) {
	longest := "https://example.com/" + strings.Repeat("x", maxURL-len("https://example.com/"))
	if _, problem := CheckURL(longest); problem != "" {
		t.Errorf("of %d bytes: %s", len(longest), problem)
	}
	if _, problem := CheckURL(longest + "x"); !strings.Contains(problem, strconv.Itoa(maxURL)) {
		t.Errorf("of one more: %q", problem)
	}
}

func TestTheHeaderOfAnAnswerIsAsLargeAsItMayBe(t *testing.T) {
	for name, test := range map[string]struct {
		bytes   int
		refused bool
	}{"nearly all of it": {maxHeader - 1024, false}, "more": {maxHeader, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := origin(t, map[string]page{"/d": func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Long", strings.Repeat("x", test.bytes))
					sends("{}")(w, r)
				}})
				if test.refused {
					mustFail(t, f, example, Unreachable, "could not be reached")
					return
				}
				mustGet(t, f, example)
			})
		})
	}
}
