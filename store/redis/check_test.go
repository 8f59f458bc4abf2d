package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestRedisBefore62IsRefused(t *testing.T) {
	for version, refused := range map[string]bool{
		"5.0.14": true, "6.0.20": true, "6.2.0": false, "6.2.16": false, "6.10.1": false, "7.0.15": false,
		"7.2.4": false, "10.0.0": false, "255.255.255": false, "": false, "unstable": false,
	} {
		err := checkInfo("host:6379", "# Server\r\nredis_version:"+version+"\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", true)
		if (err != nil) != refused {
			t.Errorf("%q: %v", version, err)
		}
	}
}

func TestNoEvictionIsAskedForWhereMemoryIsLimited(t *testing.T) {
	for info, refused := range map[string]bool{
		"maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n":     false,
		"maxmemory:1000\r\nmaxmemory_policy:noeviction\r\n":   false,
		"maxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n":  true,
		"maxmemory:1000\r\nmaxmemory_policy:volatile-ttl\r\n": true,
		"# a server that does not say\r\n":                    false,
	} {
		if err := checkInfo("host:6379", info, true); (err != nil) != refused {
			t.Errorf("%q: %v", info, err)
		}
	}
}

func TestAReplicaIsRefusedWhereNothingLeadsToItsPrimary(t *testing.T) {
	for info, refused := range map[string]bool{
		"role:master\r\n":  false,
		"role:primary\r\n": false,
		"role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:7000":     true,
		"role:replica\r\nprimary_host:10.0.0.1\r\nprimary_port:7000": true,
		"role:replica\r\n":                 true,
		"# a server that does not say\r\n": false,
	} {
		err := checkInfo("host:6379", info, true)
		if (err != nil) != refused {
			t.Errorf("%q: %v", info, err)
		}
		if strings.Contains(info, "_host") && !strings.Contains(fmt.Sprint(err), "of 10.0.0.1:7000") {
			t.Errorf("%q: the error does not say whose replica it is: %v", info, err)
		}
		if err := checkInfo("host:6379", info, false); err != nil {
			t.Errorf("%q, with Sentinel or in a cluster: %v", info, err)
		}
	}
}

func TestWhatAServerSaysIsShownUnlessThePasswordMayBeInIt(t *testing.T) {
	for password, shown := range map[string]bool{
		"": true, "s3cr3tpw": false, "s3cr3tpw, and more that was cut": false, "s3c": false, "hunter2": true, "S3CR3TPW": true,
	} {
		err := connectError(errors.New("Unsupported command: HELLO 3 AUTH default s3cr3tpw"), rueidis.ClientOption{InitAddress: []string{"host:6379"}, Password: password})
		if strings.Contains(err.Error(), "Unsupported command") != shown || !strings.Contains(err.Error(), "host:6379") || (errors.Unwrap(err) != nil) != shown {
			t.Errorf("with the password %q: %v", password, err)
		}
	}
}

func TestTheKeysOfARecordShareASlotAndOnlyItsOwnIsTracked(t *testing.T) {
	l, key := layout{"mcpoauth"}, store.Key{Kind: "grant", ID: "abc"}
	keys := append(l.keys(key), l.fence(key))
	for i, want := range []string{"mcpoauth:{grant:11}:abc", "mcpoauth:ids:{grant:11}", "mcpoauth:expiry:{grant:11}", "mcpoauth:fence:{grant:11}"} {
		if keys[i] != want {
			t.Errorf("got the key %s, want %s", keys[i], want)
		}
	}
}
