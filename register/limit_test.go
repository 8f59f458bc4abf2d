package register

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Everything that a stranger can put into a registration, as large as it may be and one
// larger.
func TestARegistrationIsTakenUpToEachOfItsLimits(t *testing.T) {
	const uri = `"redirect_uris":["https://c.example/cb"]`
	repeat := func(entry string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(entry+",", n), ",") + "]"
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	uris := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("%q", fmt.Sprint("https://c.example/", i)))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	long := func(n int) string {
		return `["https://c.example/` + strings.Repeat("x", n-len("https://c.example/")) + `"]`
	}
	for name, test := range map[string]struct {
		limit int
		body  func(n int) string
		code  string
	}{
		"redirect URIs": {MaxRedirectURIs, func(n int) string { return `{"redirect_uris":` + uris(n) + `}` }, oauth.InvalidRedirectURI},
		"bytes of one":  {oauth.MaxRedirectURI, func(n int) string { return `{"redirect_uris":` + long(n) + `}` }, oauth.InvalidRedirectURI},
		"characters of the name": {
			MaxName, func(n int) string { return `{` + uri + `,"client_name":"` + strings.Repeat("ü", n) + `"}` }, oauth.InvalidClientMetadata,
		},
		"grant types": {
			maxListed, func(n int) string { return `{` + uri + `,"grant_types":` + repeat(`"authorization_code"`, n) + `}` }, oauth.InvalidClientMetadata,
		},
		"response types": {
			maxListed, func(n int) string { return `{` + uri + `,"response_types":` + repeat(`"code"`, n) + `}` }, oauth.InvalidClientMetadata,
		},
		"methods of authentication": {
			maxListed, func(n int) string {
				return `{` + uri + `,"token_endpoint_auth_methods_supported":` + repeat(`"none"`, n) + `}`
			}, oauth.InvalidClientMetadata,
		},
		"levels": {
			oauth.MaxDepth, func(n int) string { return `{` + uri + `,"x":` + deep(n-1) + `}` }, oauth.InvalidClientMetadata,
		},
		"levels in a set of keys": {
			oauth.MaxDepth, func(n int) string {
				return `{` + uri + `,"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"EC","x":` + deep(n-4) + `}]}}`
			}, oauth.InvalidClientMetadata,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			if w, got := s.registerJSON(t, test.body(test.limit)); w.Code != http.StatusCreated {
				t.Errorf("with %d: %d %v", test.limit, w.Code, got)
			}
			w, got := s.registerJSON(t, test.body(test.limit+1))
			if says := fmt.Sprint(test.limit); w.Code != http.StatusBadRequest || got["error"] != test.code || !strings.Contains(fmt.Sprint(got["error_description"]), says) {
				t.Errorf("with one more: %d %v, want it to say %s", w.Code, got, says)
			}
		})
	}
}

// What nobody needs for a client to work is left out and not refused.
func TestOfWhatARegistrationHasBesideOnlySoMuchIsKept(t *testing.T) {
	register := func(members string) *store.Client {
		s := newSetup(t)
		_, got := s.registerJSON(t, `{"redirect_uris":["https://c.example/cb"],`+members+`}`)
		client, err := s.store.Client(t.Context(), fmt.Sprint(got["client_id"]))
		if err != nil {
			t.Fatalf("%v: %v", got, err)
		}
		return client
	}
	link := "https://c.example/" + strings.Repeat("x", MaxText-len("https://c.example/"))
	for suffix, want := range map[string]string{"": link, "x": ""} {
		if client := register(`"logo_uri":"` + link + suffix + `"`); client.LogoURI != want {
			t.Errorf("a link of %d bytes is kept as %d", len(link+suffix), len(client.LogoURI))
		}
	}
	for _, n := range []int{maxContacts, maxContacts + 1} {
		list := strings.TrimSuffix(strings.Repeat(`"a@c.example",`, n), ",")
		if client := register(`"contacts":[` + list + `]`); len(client.Contacts) != maxContacts {
			t.Errorf("of %d contacts %d are kept", n, len(client.Contacts))
		}
	}
	for _, n := range []int{maxKeys, maxKeys + 1} {
		list := strings.TrimSuffix(strings.Repeat(`{"kty":"EC"},`, n), ",")
		client := register(`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + list + `]}`)
		if kept := strings.Count(string(client.JWKS), "EC"); kept != maxKeys {
			t.Errorf("of %d keys %d are kept", n, kept)
		}
	}
}

// The largest record is refused at the byte after the last.
func TestAllThatIsKeptOfARegistrationHasALimit(t *testing.T) {
	body := func(last int) string {
		var list []string
		for i := range 4 {
			list = append(list, fmt.Sprintf("%q", fmt.Sprint("https://c.example/", i, "/", strings.Repeat("x", 1880))))
		}
		list = append(list, fmt.Sprintf("%q", "https://c.example/"+strings.Repeat("y", last)))
		return `{"token_endpoint_auth_method":"none","redirect_uris":[` + strings.Join(list, ",") + `]}`
	}
	largest := 0
	for last := range 600 {
		s := newSetup(t)
		w, got := s.registerJSON(t, body(last))
		if w.Code == http.StatusCreated {
			client, err := s.store.Client(t.Context(), fmt.Sprint(got["client_id"]))
			if err != nil {
				t.Fatal(err)
			}
			record, err := client.Encode()
			if err != nil {
				t.Fatal(err)
			}
			largest = len(record)
			continue
		}
		if got["error"] != oauth.InvalidClientMetadata || !strings.Contains(fmt.Sprint(got["error_description"]), "8 KiB") {
			t.Errorf("got %d %v", w.Code, got)
		}
		break
	}
	if largest != MaxRecord {
		t.Errorf("the largest record that is kept has %d bytes, want %d", largest, MaxRecord)
	}

	// What counts is the record, in which some characters take six bytes.
	contact := strings.Repeat("<", MaxText)
	short := fmt.Sprintf(`{"token_endpoint_auth_method":"none","redirect_uris":["https://c.example/"],"contacts":[%q,%q,%q]}`, contact, contact, contact)
	if w, got := newSetup(t).registerJSON(t, short); w.Code != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got["error_description"]), "8 KiB") {
		t.Errorf("a body of %d bytes that makes a record of more than %d: %d %v", len(short), MaxRecord, w.Code, got)
	}
}

func TestTheURLOfADocumentIsAsLongAsItMayBe(t *testing.T) {
	longest := "https://app.example/" + strings.Repeat("x", maxDocumentURL-len("https://app.example/"))
	if problem := CheckDocumentURL(longest); problem != "" {
		t.Errorf("of %d bytes: %s", len(longest), problem)
	}
	if problem := CheckDocumentURL(longest + "x"); !strings.Contains(problem, fmt.Sprint(maxDocumentURL)) {
		t.Errorf("of one more: %q", problem)
	}
}

func TestADocumentIsAsDeepAsItMayBe(t *testing.T) {
	const id = "https://app.example/client"
	body := func(n int) []byte {
		return []byte(`{"client_id":"` + id + `","client_name":"App","redirect_uris":["https://app.example/cb"],"x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`)
	}
	d := new(Documents)
	if _, err := d.read(id, body(oauth.MaxDepth)); err != nil {
		t.Errorf("of %d levels: %v", oauth.MaxDepth, err)
	}
	if _, err := d.read(id, body(oauth.MaxDepth+1)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(oauth.MaxDepth)) {
		t.Errorf("of one more: %v", err)
	}
}
