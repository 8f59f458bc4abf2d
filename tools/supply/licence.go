package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// licences are those that ask nothing of a user but to keep a notice, each with words that
// it alone has.
var licences = map[string]string{
	"Apache-2.0":   "apache license version 2.0, january 2004",
	"BSD-2-Clause": "redistributions in binary form must reproduce the above copyright notice",
	"BSD-3-Clause": "may be used to endorse or promote products derived from this software without specific prior written permission",
	"ISC":          "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted",
	"MIT":          "permission is hereby granted, free of charge, to any person obtaining a copy of this software",
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)([-.].*)?$`)

// problem says what is wrong with the licence of a module, or is empty. A licence that is
// not word for word what somebody has read counts as another one.
func (d decision) problem(sources string) string {
	text, err := readLicence(sources)
	if err != nil {
		return err.Error()
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16]
	words, known := licences[d.licence]
	switch {
	case d == decision{}:
		return fmt.Sprintf("is not in the list: if it is wanted, read %s and add it with that licence's name, the hash %s and the reason", sources, hash)
	case !known:
		return fmt.Sprintf("the licence %s is not one of those that are accepted", d.licence)
	case d.hash != hash:
		return fmt.Sprintf("the licence is not what was read before: read it in %s, and put %s in its line if it is still %s", sources, hash, d.licence)
	case !strings.Contains(plain(text), words):
		return fmt.Sprintf("the licence in %s is not %s", sources, d.licence)
	}
	return ""
}

func readLicence(sources string) (string, error) {
	entries, err := os.ReadDir(sources)
	if err != nil {
		return "", fmt.Errorf("looking for the licence: %w", err)
	}
	var all strings.Builder
	for _, entry := range entries {
		if !licenceFile.MatchString(entry.Name()) || entry.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(sources, entry.Name()))
		if err != nil {
			return "", fmt.Errorf("reading the licence: %w", err)
		}
		all.Write(text)
	}
	if all.Len() == 0 {
		return "", fmt.Errorf("there is no licence in %s", sources)
	}
	return all.String(), nil
}

// plain makes texts that differ in case, line breaks and comment marks alone the same.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "//", " ")), " ")
}
