package mcpoauth_test

import (
	"net/http"
	"testing"
)

func TestTheOwnerSeesWhatHappenedLatelyInPagesThatStayLight(t *testing.T) {
	s := signedIn(t)
	s.login()
	s.get("/account/events").wantPage(t, http.StatusOK, "Somebody signed in", "An app was let in", "setup.completed")
	for range 60 {
		s.post("/account/sign-out")
		s.enter()
	}
	page := s.get("/account/events")
	if weight := s.weight(page); weight >= 50_000 {
		t.Errorf("the page has %d bytes", weight)
	}
	page.wantNot(t, "setup.completed")
	next := linkTo(page, "next")
	if next != "/account/events?page=2" {
		t.Fatalf("the next page is %q", next)
	}
	if linkTo(s.get(next), "prev") != "/account/events?page=1" {
		t.Error("the next page does not lead back")
	}
}
