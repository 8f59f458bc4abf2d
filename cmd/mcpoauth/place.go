package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/mcpoauth/mcpoauth/store/encrypted"
)

// A URL can hold a password, and keys are secrets: here they are out of sight of who
// lists the processes of this machine.
const (
	envStore   = "MCPOAUTH_STORE"
	envStoreTo = "MCPOAUTH_STORE_TO"
	envKeys    = "MCPOAUTH_STORE_KEYS"
)

const storeEnvironment = `
From the environment, if set:
  ` + envStore + `
    	what --store is if it is absent: for a URL with a password
  ` + envKeys + `
    	the keys of a store that is encrypted, with commas between, the newest first`

// filesStore is the store that needs no server.
const filesStore = "files"

const storeForms = "files, files:DIRECTORY, redis://host, rediss://host, unix:///socket or postgres://host/database"

// A place is where a store is.
type place struct {
	kind string // files, redis or postgres
	dir  string // of files
	url  string // of a database; it may have a password in it
}

// givenPlace returns what the flags --store and --data say, or else the environment. Who
// gives a directory means its files, whatever the environment has.
func givenPlace(flags *flag.FlagSet, env func(string) string) (place, error) {
	name, data := flags.Lookup("store").Value.String(), flags.Lookup("data").Value.String()
	hasData := false
	flags.Visit(func(f *flag.Flag) { hasData = hasData || f.Name == "data" })
	if name == "" && !hasData {
		name = env(envStore)
	}
	p, err := parsePlace(cmp.Or(name, filesStore), data)
	if err == nil && hasData && name != "" && name != filesStore {
		return place{}, errors.New("both --data and --store say where the records are; give one of them")
	}
	return p, err
}

// parsePlace reads a --store flag; data is the directory of plain files. Of a URL its
// errors have the scheme only.
func parsePlace(name, data string) (place, error) {
	if name == filesStore {
		return place{kind: filesStore, dir: data}, nil
	}
	if dir, ok := strings.CutPrefix(name, filesStore+":"); ok && dir != "" && !strings.HasPrefix(dir, "//") {
		return place{kind: filesStore, dir: dir}, nil
	}
	scheme, _, ok := strings.Cut(name, "://")
	switch {
	case !ok:
		return place{}, errors.New("--store is not understood; use " + storeForms)
	case scheme == "redis", scheme == "rediss", scheme == "unix":
		return place{kind: "redis", url: name}, nil
	case scheme == "postgres", scheme == "postgresql":
		return place{kind: "postgres", url: name}, nil
	case scheme == "http", scheme == "https":
		return place{}, errors.New("--store is the address of a server, and this never talks to one: it works on the files or the database themselves; use " + storeForms)
	}
	return place{}, fmt.Errorf("--store: there is no store %q; use %s", scheme, storeForms)
}

// String names the place without a password.
func (p place) String() string {
	if p.kind == filesStore {
		dir, err := filepath.Abs(p.dir)
		if err != nil {
			dir = p.dir
		}
		return "the files in " + shown(dir)
	}
	u, err := url.Parse(p.url)
	if err != nil {
		return p.kind
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// parseKeys reads the keys of an encrypted store; empty are those of one in the clear.
func parseKeys(list string) (keys []encrypted.Key, err error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		key, err := encrypted.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s, number %d: %w", envKeys, len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
