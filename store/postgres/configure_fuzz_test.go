package postgres

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// Whatever else is wrong with a URL: its password is in no error.
func FuzzNoErrorHasThePassword(f *testing.F) {
	const password = "hunter2hunter2"
	for _, around := range [][2]string{
		{"postgres://u:", "@h/db"},
		{"postgres://u:", "@h:port/db"},
		{"postgres://u:", "@h/db?connect_timeout=x"},
		{"postgres://u:", "@h/db?sslmode=x"},
		{"postgres://u:", "%zz@h/db"},
		{"postgres://u:", "/x@h/db"},
		{"postgres://u:", "#@h/db"},
		{"postgres://u:", "?@h/db"},
		{"postgresql://h/db?password=", ""},
		{"postgres://h/db?user=u&password=", "&pool_max_conns=x"},
		{"postgres://u:x", "y@h:1,h:x/db"},
		{"mysql://u:", "@h"},
		{"u:", "@h"},
		{"", ""},
		{"postgres://u:a'b ", "@h/db?x='"},
		{"postgres://u:%20", "%3f@h/db?target_session_attrs=x"},
		{"postgres://u:a:", "@h:99999/db"},
		{"host=h password=", " port=x"},
		{"postgres://?password=", "@0 0"},
		{"postgres://h/db?password=", "&sslmode=x"},
		{"postgres://h/db?sslPassword=", "&connect_timeout=x"},
		{"postgres://u:1/", "@h:99999/db"},
		{"postgrEs://:", ":@"},
		{"POSTGRES://u:", "@h:port/db"},
		{"postgres:u:", "@h"},
		{"postgres:/u:", "@h/db"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		address := before + password + after
		for _, name := range []string{"ssl", "service", "passfile"} { // whose files are read
			if strings.Contains(strings.ToLower(address), name) && !strings.Contains(address, "sslmode=x") {
				return
			}
		}
		u, err := url.Parse(address)
		if err == nil && strings.HasPrefix(address[len(u.Scheme):], "://") {
			inUser, _ := u.User.Password()
			if elsewhere := strings.ReplaceAll(address, password, ""); !strings.Contains(inUser+u.Query().Get("password"), password) || strings.Contains(elsewhere, "%") {
				return // it is no password there, and a host may be shown
			}
		}
		if _, err := configure(address, time.Second); err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%q: %v", address, err)
		}
	})
}
