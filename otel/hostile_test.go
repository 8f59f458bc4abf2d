package mcpotel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// Who could make series would fill the memory of the server and of what collects them.
func TestAFloodOfMadeUpRequestsMakesNoSeries(t *testing.T) {
	s := start(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"error":"%s"}`, r.URL.Path)
	})
	access, _ := s.connect("somebody")
	wrapped := s.telemetry.Store(s.backend)
	counted := func() map[string]int64 {
		series := s.series(t)
		delete(series, "mcpoauth.grants") // which is there once the grants are counted
		return series
	}
	flood := func(mark string) {
		for _, path := range []string{"/" + mark, "/.well-known/" + mark, "/mcp/" + mark, "/mcp//" + mark, "/authorize/assets/" + mark, "/account/" + mark, "/token?" + mark, "/%2e%2e/" + mark} {
			for _, method := range []string{"GET", "POST", strings.ToUpper("X" + mark)} {
				s.do(method, path, mark, "Authorization", "Bearer "+access)
				s.do(method, path, mark, "Authorization", "Bearer "+mark, "User-Agent", mark, "Host", mark, "Origin", "https://"+mark, "X-Forwarded-For", mark,
					"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "a="+mark, "Baggage", mark+"="+mark)
			}
		}
		s.do("POST", "/register", `{"client_name":"`+mark+`","redirect_uris":["https://`+mark+`.example/"]}`, "Content-Type", "application/json")
		s.do("GET", "/authorize?client_id="+mark+"&scope="+mark+"&resource="+mark, "")
		s.form("/token", "grant_type", mark, "client_id", mark)
		s.form("/token", "grant_type", "refresh_token", "client_id", mark, "refresh_token", "mcpoauth_rt_"+mark)
		s.form("/revoke", "token", mark, "client_id", mark)
		s.telemetry.OnEvent(nil)(mcpoauth.Event{Name: mark})
		s.backend.Delete(t.Context(), store.Key{Kind: store.Kind(mark), ID: mark})
		wrapped.Delete(t.Context(), store.Key{Kind: store.Kind(mark), ID: mark})
	}
	flood("zebra0")
	before := counted()
	for i := range 20 {
		flood(fmt.Sprint("zebra", i+1))
	}
	after := counted()
	if len(after) != len(before) {
		t.Errorf("%d series became %d: %v", len(before), len(after), after)
	}
	for series := range after {
		if strings.Contains(strings.ToLower(series), "zebra") {
			t.Errorf("a stranger named the series %s", series)
		}
	}
}

// Metrics and traces go to other machines and are read by other people than the store.
func TestNothingThatIsCollectedTellsWhoSomebodyIs(t *testing.T) {
	const secretPanic = "panic-with-a-secret-in-it"
	inMemory := memory.New(memory.Options{})
	t.Cleanup(func() { inMemory.Close() })
	backend := &broken{Backend: inMemory}
	s := start(t, mcpoauth.Config{Store: backend}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mcp/panic" {
			panic(secretPanic)
		}
	})
	access, refresh := s.connect("person-of-the-test")
	grants := make(map[string]bool)
	for grant, err := range s.store.Grants(t.Context(), "person-of-the-test") {
		if err != nil {
			t.Fatal(err)
		}
		grants[grant.ID] = true
	}
	s.do("POST", "/mcp/path-of-the-test?query-of-the-test", "body-of-the-test", "Authorization", "Bearer "+access, "User-Agent", "agent-of-the-test",
		"X-Forwarded-For", "203.0.113.77", "Mcp-Session-Id", "session-of-the-test", "Baggage", "a=baggage-of-the-test", "Tracestate", "a=state-of-the-test",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	s.do("POST", "/mcp/panic", "", "Authorization", "Bearer "+access)
	_, second := s.refresh(refresh)
	for range 5 {
		s.refresh("mcpoauth_rt_wrong-token-of-the-test")
	}
	s.do("POST", "/register", `{"client_name":"name-of-the-test","redirect_uris":["https://redirect-of-the-test.example/"]}`, "Content-Type", "application/json")
	s.do("GET", "/authorize?client_id=test-client&state=state-of-the-test", "")
	s.form("/revoke", "token", fmt.Sprint(second["access_token"]), "client_id", "test-client")
	down := errors.New("no route to the database-of-the-test at 192.0.2.77")
	backend.with.Store(&down)
	s.do("POST", "/mcp", "", "Authorization", "Bearer "+access)
	backend.with.Store(nil)

	var collected strings.Builder
	all, err := json.Marshal(s.collect(t))
	if err != nil {
		t.Fatal(err)
	}
	collected.Write(all)
	spans := s.spans.Ended()
	for _, span := range spans {
		fmt.Fprintln(&collected, span.Name(), span.Attributes(), span.Events(), span.Links(), span.Status(), span.Resource())
	}
	if len(spans) < 20 || !strings.Contains(collected.String(), "invalid_grant") {
		t.Fatalf("little was collected, in %d spans: %s", len(spans), collected.String())
	}
	forbidden := []string{
		"-of-the-test", "test-client", "client.example", access, refresh, fmt.Sprint(second["refresh_token"]), "mcpoauth_", secretPanic, "203.0.113.77", "127.0.0.1", "::1", "Bearer", s.url,
	}
	for id := range grants {
		forbidden = append(forbidden, id)
	}
	for _, what := range forbidden {
		if strings.Contains(collected.String(), what) {
			t.Errorf("what was collected has %q: %s", what, collected.String())
		}
	}
	for _, found := range regexp.MustCompile(`\d+\.\d+\.\d+\.\d+`).FindAllString(collected.String(), -1) {
		if _, err := netip.ParseAddr(found); err == nil {
			t.Errorf("what was collected has the address %s", found)
		}
	}
}
