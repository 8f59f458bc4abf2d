package redis_test

import (
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/redis"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

func TestStandalone(t *testing.T) {
	conforms(t, at(realserver.Redis(t).Addr), redis.Options{})
}

func TestCluster(t *testing.T) {
	conforms(t, clusterURL(realserver.RedisCluster(t)), redis.Options{})
}

func TestSentinelWithWritesThatWaitForTheReplica(t *testing.T) {
	conforms(t, sentinelURL(realserver.RedisSentinel(t)), redis.Options{WaitReplicas: 1})
}

func TestClusterWithWritesThatWaitForAReplica(t *testing.T) {
	storetest.RunStore(t, fresh(clusterURL(realserver.RedisClusterWithReplicas(t)), redis.Options{WaitReplicas: 1}))
}

func conforms(t *testing.T, url string, o redis.Options) {
	storetest.Run(t, fresh(url, o))
	storetest.RunStore(t, fresh(url, o))
}

// fresh returns empty backends, all on one database.
func fresh(url string, o redis.Options) func(t *testing.T) store.Backend {
	return func(t *testing.T) store.Backend {
		o.Prefix = secret.NewID()
		return open(t, url, o)
	}
}
