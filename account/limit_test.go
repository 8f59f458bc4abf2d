package account

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

func TestANameIsAsLongAsItMayBe(t *testing.T) {
	if _, ok := cleanName(strings.Repeat("é", maxName)); !ok {
		t.Errorf("of %d characters: refused", maxName)
	}
	if _, ok := cleanName(strings.Repeat("é", maxName+1)); ok {
		t.Error("of one more: taken, where two people could end in the same name if it were cut")
	}
}

func TestANameInAHeadingIsCut(t *testing.T) {
	if name := strings.Repeat("é", maxHeading); short(name) != name {
		t.Errorf("of %d characters: cut", maxHeading)
	}
	if got := short(strings.Repeat("é", maxHeading+1)); utf8.RuneCountInString(got) != maxHeading+1 || !strings.HasSuffix(got, "…") {
		t.Errorf("of one more: %q", got)
	}
}

func TestOnlySoMuchIsSearchedFor(t *testing.T) {
	for _, n := range []int{maxSearch, maxSearch + 1} {
		if got := searched(url.Values{"q": {strings.Repeat("é", n)}}); utf8.RuneCountInString(got) != maxSearch {
			t.Errorf("of %d characters %d are searched for", n, utf8.RuneCountInString(got))
		}
	}
}

func TestAPageOfAListHasOnlySoManyRows(t *testing.T) {
	for n, pages := range map[int]int{pageSize: 1, pageSize + 1: 2} {
		first := turn(n, "1", "/account", make(url.Values))
		if first.to-first.from != pageSize || (first.next != "") != (pages > 1) {
			t.Errorf("of %d rows the first page has %d, and then %q", n, first.to-first.from, first.next)
		}
	}
}

func TestThePlaceToReturnToIsAsLongAsItMayBe(t *testing.T) {
	longest := "/account/" + strings.Repeat("x", oauth.MaxQuery-len("/account/"))
	if got := returnTo(longest); got != longest {
		t.Errorf("of %d bytes: %.40q", len(longest), got)
	}
	if got := returnTo(longest + "x"); got != "/account" {
		t.Errorf("of one more: %.40q", got)
	}
}
