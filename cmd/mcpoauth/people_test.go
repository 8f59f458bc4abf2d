package main

import (
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

type people struct {
	People []person `json:"people"`
}

func rulesPeople(t *testing.T, s *site) {
	if out := s.good("people"); !strings.Contains(out, "nobody yet") {
		t.Errorf("it says %q", out)
	}
	owner := s.owner()
	device, ada := s.join("Ada")
	owner.touch()
	token, _ := s.connect(ada, editor, "Editor", editorBack)

	list := decoded[people](s, "people").People
	if len(list) != 2 || !list[0].Owner || list[0].ID != store.OwnerID || list[0].Passkeys != 1 || list[0].UsedAt.IsZero() || list[1].Owner || list[1].ID != ada || list[1].Name != "Ada" || !list[1].SuspendedAt.IsZero() {
		t.Errorf("people are %+v", list)
	}
	s.refused(exitFindings, "the owner cannot be suspended", "suspend", "owner", "--yes")
	s.refused(exitFindings, "is not suspended", "resume", ada)
	s.refused(exitFindings, "no person", "suspend", "Bob", "--yes")
	s.refused(exitFailed, "name one person", "suspend", "--yes")
	s.refused(exitFailed, "say --yes", "suspend", "Ada")
	s.wantToken(token, true)

	if out := s.good("suspend", "--yes", "Ada"); out != "Suspended Ada, and ended 1 connection. mcpoauth resume lets them in again.\n" {
		t.Errorf("it says %q", out)
	}
	s.wantToken(token, false)
	if device.touch() {
		t.Error("a suspended person's passkey is taken")
	}
	out := s.good("people")
	if !strings.Contains(out, "ID                      NAME                  PASSKEYS  LAST USED\n") || !strings.Contains(out, ada+"  Ada                   1         never        suspended\n") {
		t.Errorf("people are\n%s", out)
	}
	s.refused(exitFindings, "is suspended; mcpoauth resume comes first", "recover", "--url", origin, "--person", "Ada")
	s.good("resume", "Ada")
	if !device.touch() {
		t.Error("a person who was resumed is not let in")
	}
}

func TestTwoPeopleOfOneNameAreToldApartByTheirIDs(t *testing.T) {
	s := newSite(t)
	s.owner()
	s.join("Ada")
	_, second := s.join("ada")
	s.refused(exitFindings, `2 people are called "ADA"; use the ID`, "suspend", "ADA", "--yes")
	s.good("suspend", second, "--yes")
}
