package redis

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Whatever stands in a URL: no error repeats any of it, and what is taken keeps hearing of
// changes.
func FuzzURL(f *testing.F) {
	for _, text := range []string{
		"redis://127.0.0.1:6379/0", "rediss://u:hunter2@host:6379/1?dial_timeout=1s", "redis://:hunter2/x@127.0.0.1:1", "redis://hunter2#x@127.0.0.1:1", "redis://hunter2?x@127.0.0.1:1", "redis://:hunter2%zz@127.0.0.1:1",
		"redis://h?wait_replicas=2", "redis://h?wait_replicas=-1", "redis://h?wait_replicas=hunter2", "redis://h?protocol=2", "redis://h?client_cache=0", "unix:///socket?db=hunter2", "redis://h/hunter2", "redis://h?master_set=m&addr=hunter2",
		"postgres://hunter2@h", "", "hunter2", "redis://[::1", "redis://u:p%40hunter2@h", "redis://h?dial_timeout=hunter2", "redis://h?addr=a:1&addr=b:2", "redis://h?max_retries=hunter2",
	} {
		f.Add(text)
	}
	said := []string{
		errURL.Error(),
		"redis: the URL has protocol=2, but a revocation reaches other processes by RESP3; remove it",
		"redis: the URL has client_cache=0, but a revocation reaches other processes by the messages that it turns off; remove it",
		"redis: the URL's wait_replicas is not a number of replicas",
	}
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := parse(text)
		if err != nil && !slices.Contains(said, err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (settings.AlwaysRESP2 || settings.DisableCache || len(settings.InitAddress) == 0 || strings.Contains(text, "#")) {
			t.Errorf("%q is taken: %+v", text, settings)
		}
		n, err := waitReplicas(text)
		if err != nil && !slices.Contains(said, err.Error()) || n < 0 {
			t.Errorf("%q: %d, %v", text, n, err)
		}
		if u, errURL := url.Parse(text); errURL == nil && err == nil && !u.Query().Has("wait_replicas") && n != 0 {
			t.Errorf("%q: %d replicas", text, n)
		}
	})
}

// Whatever a server says of itself: what is old or forgets is refused, wherever the lines
// stand, and what does not say is not.
func FuzzInfo(f *testing.F) {
	for _, info := range []string{
		"# Server\r\nredis_version:7.0.15\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", "redis_version:6.0\nmaxmemory:1", "maxmemory:1000\r\nmaxmemory_policy:noeviction", "redis_version:99999999999999999999.0", "redis_version:6", "redis_version:-1.5",
		"redis_version", ":", "\x00", "redis_version:6.2\r\nredis_version:5.0", "maxmemory: 1", "role:slave\r\nmaster_host:h", strings.Repeat("a:b\n", 100),
	} {
		f.Add(info)
	}
	f.Fuzz(func(t *testing.T, info string) {
		for _, bad := range []string{"redis_version:6.0.20", "redis_version:7.0.0\r\nmaxmemory:1\r\nmaxmemory_policy:volatile-lru", "role:slave"} {
			if checkInfo("host:1", info+"\r\n"+bad+"\r\n", true) == nil {
				t.Errorf("after %q a server is taken that cannot be: %q", info, bad)
			}
		}
		if err := checkInfo("host:1", info+"\r\nredis_version:6.2.0\r\nrole:master\r\nmaxmemory:1\r\nmaxmemory_policy:noeviction\r\n", true); err != nil {
			t.Errorf("after %q a good server is refused: %v", info, err)
		}
		if !strings.Contains(info, "redis_version:") && !strings.Contains(info, "maxmemory") && !strings.Contains(info, "role:") && checkInfo("host:1", info, true) != nil {
			t.Errorf("%q is refused", info)
		}
	})
}
