package templates

import (
	"strings"
	"testing"
)

func TestWhatAPersonOrClientWroteIsHarmlessInTheAccount(t *testing.T) {
	p := parse(t)
	for _, tc := range hostile {
		t.Run(tc.name, func(t *testing.T) {
			frame := Account{Person: tc.text, Notice: "Done."}
			grant := Connection{ID: "id", KeyName: tc.text, Person: tc.text, Scopes: []Scope{{"a", "A"}}, Resource: "Notes", From: tc.text}
			for _, page := range []Page{
				Connections{Account: frame, Total: 1, Found: 1, Query: tc.text, Several: true, Groups: []Group{
					{Name: tc.text, Host: tc.text, ClientID: "id", Count: 2, Grants: []Connection{grant}},
				}},
				Connections{Account: frame, Total: 1, Query: tc.text},
				Confirm{Account: frame, Title: tc.text, Lines: []string{tc.text}, Facts: []Fact{{"Name", tc.text}}},
				Passkeys{Account: frame, Passkeys: []Passkey{{ID: "id", Name: tc.text}, {ID: "id", Name: tc.text}}},
				People{Account: frame, People: []Person{{ID: "id", Name: tc.text}}, Invitations: []Invitation{{ID: "id", Name: tc.text}}},
				Invited{Account: frame, Name: tc.text},
				Keys{Account: frame, Name: tc.text, Keys: []Connection{grant}},
				KeyMade{Account: frame, Name: tc.text},
				Events{Account: frame, Events: []Event{{Name: tc.text, Text: tc.text, Detail: tc.text, Person: tc.text, Client: tc.text, From: tc.text}}},
			} {
				if body := render(t, p, page); strings.Contains(body, tc.never) {
					t.Errorf("%s contains %q:\n%s", page.file(), tc.never, body)
				}
			}
		})
	}
}

// What a page was made of is the caller's still.
func TestCleaningAPageLeavesTheCallersListsAlone(t *testing.T) {
	groups := []Group{{Name: "a\u202Eb", Grants: []Connection{{KeyName: "a\u202Eb"}}}}
	render(t, parse(t), Connections{Total: 1, Found: 1, Groups: groups})
	if groups[0].Name != "a\u202Eb" || groups[0].Grants[0].KeyName != "a\u202Eb" {
		t.Errorf("the list is now %v", groups)
	}
}

func TestOnlyAPageOfWhoIsSignedInHasTheFrameOfOne(t *testing.T) {
	p := parse(t)
	for _, page := range samples() {
		_, framed := page.(interface{ frame() Account })
		if body := render(t, p, page); strings.Contains(body, `action="/account/sign-out"`) != framed || strings.Contains(body, "<nav aria-label=\"Account\">") != framed {
			t.Errorf("%s: framed = %v, but\n%s", page.file(), framed, body)
		}
	}
}

// Landmarks, one heading of the first level, and a name for every control: what a screen
// reader goes by.
func TestPagesOfTheAccountCanBeReadAloud(t *testing.T) {
	p := parse(t)
	for _, page := range accountSamples() {
		body := render(t, p, page)
		if strings.Count(body, "<main") != 1 || strings.Count(body, "<h1") != 1 {
			t.Errorf("%s has not one main part and one heading", page.file())
		}
		for _, tag := range tags(body, "input", "select") {
			named := strings.Contains(tag, "hidden") || strings.Contains(tag, "aria-label") || strings.Contains(tag, "checkbox")
			if !named && !strings.Contains(body, `<label for="`+attribute(tag, "id")+`"`) {
				t.Errorf("%s: %s has no label", page.file(), tag)
			}
		}
	}
}

func tags(body string, names ...string) []string {
	var found []string
	for part := range strings.SplitSeq(body, "<") {
		for _, name := range names {
			if tag, _, _ := strings.Cut(part, ">"); strings.HasPrefix(tag, name+" ") {
				found = append(found, tag)
			}
		}
	}
	return found
}

func attribute(tag, name string) string {
	_, after, _ := strings.Cut(tag, " "+name+`="`)
	text, _, _ := strings.Cut(after, `"`)
	return text
}

func TestWhoIsSuspendedAndStillConnectedCanBeSuspendedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		person          Person
		suspend, resume bool
	}{
		"let in":                         {Person{Connections: 1}, true, false},
		"let in, with nothing":           {Person{}, true, false},
		"suspended":                      {Person{Suspended: When{Words: "now"}}, false, true},
		"suspended, and still connected": {Person{Suspended: When{Words: "now"}, Connections: 1}, true, true},
	} {
		body := render(t, parse(t), People{People: []Person{tc.person}})
		if suspend, resume := strings.Contains(body, "people/suspend"), strings.Contains(body, "people/resume"); suspend != tc.suspend || resume != tc.resume {
			t.Errorf("%s: suspend = %v, resume = %v", name, suspend, resume)
		}
	}
}

// The script asks once more where a link's token is for something else.
func TestAPageThatMakesAPasskeySaysWhatFor(t *testing.T) {
	for purpose, page := range map[string]Page{"setup": Setup{}, "invitation": Enrol{}, "recovery": Enrol{Recovery: true}} {
		if body := render(t, parse(t), page); !strings.Contains(body, `id="setup" method="post" data-purpose="`+purpose+`"`) {
			t.Errorf("the page for %s does not say so:\n%s", purpose, body)
		}
	}
}

func TestAnInvitedPersonIsToldNothingOfTheServersLog(t *testing.T) {
	for _, name := range []string{"passkey.js", "setup.js", "enrol.html"} {
		content, err := embedded.ReadFile("files/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{" log", " logs", "setup link"} {
			if strings.Contains(string(content), word+" ") || strings.Contains(string(content), word+".") {
				t.Errorf("%s says%s", name, word)
			}
		}
	}
}
