package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

func TestWithoutFlagsEverythingHasADefault(t *testing.T) {
	got, err := parseOptions(nil, io.Discard)
	if want := (options{addr: "localhost:8080", data: "data", store: "files"}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestFlagsAreTaken(t *testing.T) {
	got, err := parseOptions([]string{
		"-addr", ":9000", "-url", "https://mcp.example.com", "-data", "/srv/notes", "-store", "redis://localhost", "-setup-token", "a-token", "-limits", "10, 0,500",
	}, io.Discard)
	want := options{
		addr: ":9000", url: "https://mcp.example.com", data: "/srv/notes", store: "redis://localhost", setupToken: "a-token",
		limits: mcpoauth.RateLimits{Auth: 10, Registration: -1, General: 500},
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestABadFlagIsOneLineThatSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"a flag that does not exist", []string{"-port", "8080"}, "-port"},
		{"an argument", []string{"serve"}, "serve"},
		{"too few limits", []string{"-limits", "10,20"}, "auth,registration,general"},
		{"a limit that is no number", []string{"-limits", "10,x,20"}, `"x"`},
		{"a negative limit", []string{"-limits", "10,-1,20"}, `"-1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseOptions(test.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v, want one line with %s", err, test.want)
			}
		})
	}
}

func TestHelpListsTheFlags(t *testing.T) {
	var help bytes.Buffer
	if _, err := parseOptions([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("the error is %v, want flag.ErrHelp", err)
	}
	for _, name := range []string{"-addr host:port", "-url URL", "-data directory", "-setup-token token", "-limits auth,registration,general"} {
		if !strings.Contains(help.String(), name) {
			t.Errorf("the help has no %s:\n%s", name, &help)
		}
	}
}

func TestAStoreOfAnUnknownKindIsRefusedWithoutShowingItsPassword(t *testing.T) {
	for _, url := range []string{"mysql://user:secret@localhost/db", "redis", "", "redis://user:secret@localhost:1", "postgres://user:secret@localhost:1/db"} {
		_, _, err := openStore(t.Context(), options{store: url})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", url, err)
		}
	}
}
