package redis

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// checkServers asks every server whether it can be trusted with records.
func (b *Backend) checkServers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	for addr, node := range b.client.Nodes() {
		text, err := node.Do(ctx, node.B().Info().Build()).ToString()
		if _, refused := rueidis.IsRedisErr(err); refused {
			continue // an ACL need not allow it
		}
		if err != nil {
			return fmt.Errorf("redis: asking %s what it is: %w", addr, err)
		}
		alone := b.client.Mode() == rueidis.ClientModeStandalone
		if err := checkInfo(addr, text, alone); err != nil {
			return err
		}
	}
	return nil
}

// checkInfo looks at the answer to INFO. Valkey calls itself Redis 7.2.4 there. A server
// that is not alone may be a replica: the client knows, and asks the primary.
func checkInfo(addr, text string, alone bool) error {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	if version := info["redis_version"]; tooOld(version) {
		return fmt.Errorf("redis: %s is version %q; use Redis 6.2 or newer, or Valkey", addr, version)
	}
	// With its link broken, a replica answers for ever with grants that were revoked.
	if role := info["role"]; alone && (role == "slave" || role == "replica") {
		return fmt.Errorf("redis: %s is a replica%s, which may answer with what was revoked long ago; "+
			"name the primary in the URL, or the Sentinels with master_set", addr, of(info))
	}
	// An evicted owner would open the setup again, an evicted assertion could be replayed.
	if limit, policy := info["maxmemory"], info["maxmemory_policy"]; limit != "" && limit != "0" && policy != "noeviction" {
		return fmt.Errorf("redis: %s forgets records when its memory is full: maxmemory-policy is %q; set it to noeviction", addr, policy)
	}
	return nil
}

// of says whose replica it is, if the server tells.
func of(info map[string]string) string {
	host, port := cmp.Or(info["master_host"], info["primary_host"]), cmp.Or(info["master_port"], info["primary_port"])
	if host == "" {
		return ""
	}
	return " of " + net.JoinHostPort(host, port)
}

func tooOld(version string) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return false // not a version that we know how to compare
	}
	minor, _ := strconv.Atoi(second)
	return major < 6 || major == 6 && minor < 2
}
