package main

import (
	"strconv"
	"strings"
	"testing"
)

func TestFilesThatAServerHasAreRefusedWithItsName(t *testing.T) {
	s := newSite(t)
	s.owner()
	for _, verb := range [][]string{
		{"recover", "--url", origin},
		{"revoke", "--all", "--yes"},
		{"connections"},
		{"people"},
		{"seal", "--yes"},
		{"copy", "--yes", "--from", s.store, "--to", filesStore + ":" + t.TempDir()},
	} {
		screen := newScreen(map[string]string{envStore: s.store})
		if verb[0] == "seal" {
			screen = newScreen(map[string]string{envStore: s.store, envKeys: newKey})
		}
		code := run(t.Context(), verb, screen.terminal)
		if said := screen.err.String(); code != exitFailed || !strings.Contains(said, "in use by ") || !strings.Contains(said, "stop that one") || screen.out.String() != "" {
			t.Errorf("%s exits with %d: %s%s", verb, code, screen.out.String(), said)
		}
	}
}

func TestNoVerbMakesFilesWhereThereAreNone(t *testing.T) {
	dir := t.TempDir()
	for _, verb := range [][]string{
		{"recover", "--url", origin}, {"revoke", "--all", "--yes"}, {"connections"}, {"people"}, {"suspend", "x", "--yes"}, {"resume", "x"},
	} {
		screen := newScreen(nil)
		code := run(t.Context(), append(verb, "--data", dir), screen.terminal)
		if code != exitFailed || !strings.Contains(screen.err.String(), "there is no passkeys.json in "+strconv.Quote(dir)) {
			t.Errorf("%s exits with %d: %s", verb, code, screen.err.String())
		}
	}
}

func TestNoErrorTellsThePasswordOfAStore(t *testing.T) {
	for name, why := range map[string]string{
		"http://hunter2@mcp.example.com":                           "never talks to one",
		"https://mcp.example.com/?hunter2":                         "never talks to one",
		"mysql://u:hunter2@x/db":                                   `no store "mysql"`,
		"u:hunter2@x":                                              "not understood",
		"hunter2":                                                  "not understood",
		"files://hunter2":                                          `no store "files"`,
		"redis:hunter2":                                            "not understood",
		"redis://:hunter2@127.0.0.1:1":                             "opening the store",
		"redis://:hunter2#@127.0.0.1:1":                            "opening the store",
		"rediss://u:hunter2@127.0.0.1:1/0":                         "opening the store",
		"unix:///no/such/socket?password=hunter2":                  "opening the store",
		"postgres://u:hunter2@127.0.0.1:1/db":                      "opening the store",
		"postgres://u:hunter2@127.0.0.1:1/db?sslmode=x":            "opening the store",
		"postgres://u:hunter2%zz@127.0.0.1:1/db":                   "opening the store",
		"postgresql://127.0.0.1:1/db?user=u&password=hunter2&x=%2": "opening the store",
	} {
		for _, args := range [][]string{
			{"people", "--store", name},
			{"recover", "--url", origin, "--store=" + name},
			{"copy", "--yes", "--from", name, "--to", filesStore + ":" + t.TempDir()},
			{"proxy", "--upstream", "http://127.0.0.1:1/", "--addr", "localhost:0", "--store", name},
		} {
			screen := newScreen(nil)
			code := run(t.Context(), args, screen.terminal)
			if said := screen.err.String(); code != exitFailed || !strings.Contains(said, why) || strings.Contains(said, "hunter2") || screen.out.String() != "" {
				t.Errorf("%q exits with %d: %s%s", args, code, screen.out.String(), said)
			}
		}
		p, err := parsePlace(name, "")
		if err == nil && strings.Contains(p.String(), "hunter2") {
			t.Errorf("%q is shown as %s", name, p)
		}
	}
}

func TestTheProxyAndTheVerbsShareADatabase(t *testing.T) {
	env := map[string]string{envStore: redisDatabases(t)(), envKeys: newKey, envSetupToken: setupToken}
	p := startProxy(t, env, "--upstream", "http://127.0.0.1:1/mcp")
	s := &site{t: t, store: env[envStore], keys: env[envKeys]}
	if out := s.good("people"); !strings.Contains(out, "nobody yet") {
		t.Errorf("it says %s", out)
	}
	s.start()
	s.owner()
	s.stop()
	if list := decoded[people](s, "people").People; len(list) != 1 || !list[0].Owner {
		t.Errorf("people are %+v", list)
	}
	if code := p.stop(); code != exitGood {
		t.Errorf("it exits with %d: %s", code, p.err.String())
	}
	// It has its owner from the database, and says nothing of a setup.
	if again := startProxy(t, env, "--upstream", "http://127.0.0.1:1/mcp"); strings.Contains(again.out.String(), "no owner") {
		t.Errorf("it says %s", again.out.String())
	}
}

func TestADirectoryThatIsGivenIsMeantWhateverTheEnvironmentHas(t *testing.T) {
	s := newSite(t)
	s.owner()
	s.stop()
	dir := strings.TrimPrefix(s.store, filesStore+":")
	screen := newScreen(map[string]string{envStore: "redis://:hunter2@127.0.0.1:1"})
	if code := run(t.Context(), []string{"people", "--data", dir}, screen.terminal); code != exitGood || !strings.Contains(screen.out.String(), "owner") {
		t.Errorf("it exits with %d: %s%s", code, screen.out.String(), screen.err.String())
	}
}
