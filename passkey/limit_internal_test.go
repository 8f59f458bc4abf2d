package passkey

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

func TestAReasonInTheLogIsCut(t *testing.T) {
	for _, n := range []int{maxReason, maxReason + 1} {
		if got := len(reason(errors.New(strings.Repeat("x", n)))); got != maxReason {
			t.Errorf("of %d bytes %d are logged", n, got)
		}
	}
}

func TestTheRequestThatWaitsForTheSetupIsAsLongAsItMayBe(t *testing.T) {
	longest := "/authorize?" + strings.Repeat("x", oauth.MaxQuery-len("/authorize?"))
	for target, want := range map[string]string{longest: longest, longest + "x": ""} {
		r := httptest.NewRequest("GET", "/passkey/register?"+url.Values{"return_to": {target}}.Encode(), nil)
		if got := returnTo(r); got != want {
			t.Errorf("of %d bytes: %.40q", len(target), got)
		}
	}
}
