// Package redis is the store.Backend of several processes that share a Redis or Valkey
// server, from Redis 6.2 and Valkey 7.2 on:
//
//	backend, err := redis.Open(ctx, "redis://user:password@redis.example:6379/0", redis.Options{})
//
// # Set-ups
//
// One server: redis://user:password@host:port/database, rediss:// for TLS, or
// unix:///path/to/socket?db=0.
//
// Sentinel: redis://:password@sentinel1:26379?addr=sentinel2:26379&addr=sentinel3:26379&master_set=NAME.
// The Sentinels are asked with the same user, password and TLS as the servers.
//
// Cluster: redis://:password@node1:6379?addr=node2:6379&addr=node3:6379. Each kind of
// record is in 16 buckets, and those are spread over the servers.
//
// Reads and writes go to the primary alone. Open refuses a replica that is named as the one
// server: with its link to the primary broken, it answers with grants that were revoked long
// ago, and nobody notices. A server that becomes a replica later is not found out; where that
// happens, name the Sentinels.
//
// # What the server has to be told
//
// "appendonly yes": without it a restart forgets who the owner is, and the setup is open
// again. With "appendfsync everysec" a power cut loses up to two seconds, and so does a kill
// while the disk is slow; with "always" nothing is lost that was acknowledged.
//
// "maxmemory-policy noeviction", if maxmemory is set at all: Open refuses a server that
// evicts. When memory is full, nothing new is kept and revocation still works. Of
// registrations that nobody approved, and of passkey prompts, there are at most 100,000 each:
// then the oldest give way.
//
// A fail-over loses what the new primary did not have yet: a grant could come back that
// was revoked a moment before. Options.WaitReplicas, or wait_replicas=1 in the URL, is
// against that. Set it to the number of replicas that a primary has; with a lower one, a
// replica could be promoted that was not among them. A write that they did not have in time
// is an error, and a fail-over may keep or undo it: repeat it until it succeeds. Of a refresh
// that was repeated so, the new primary may not know the tokens, and the grant then ends as
// if they had been stolen.
//
// With min-replicas-to-write and min-replicas-max-lag a primary that was cut off from its
// replicas stops taking writes. It goes on to answer reads: a process that can reach only
// that primary, and no Sentinel, sees the past until the network is whole.
//
// A user with the least rights, for the default prefix:
//
//	ACL SETUSER mcpoauth on >password ~mcpoauth:* +hello +ping +client +info
//	  +eval +evalsha +hmget +zrangebylex
//	  +exists +hget +hset +del +pexpireat +persist +time +zadd +zrem +zcard +zrangebyscore
//
// and +role with Sentinel, +cluster with a cluster, +wait for WaitReplicas, which with a cluster
// wants +unsubscribe +punsubscribe +sunsubscribe +discard too. Without +info the
// checks of Open are left out. The client has to be allowed CLIENT TRACKING, which a few
// hosted services do not offer.
//
// # GetCached
//
// The server announces every change under the prefix to every process (RESP3, CLIENT
// TRACKING in broadcast mode), and GetCached answers from memory until it does. So a revocation
// in one process stops a token in all others after the time of one message. When a connection
// ends, all that was cached is dropped with it. When it is cut and nobody says so, the
// process notices within 5 seconds, because it asks for a sign of life. Whatever else
// happens, and also if the process or the machine was asleep, a record is asked for again
// 30 seconds after it was last read. While the server cannot be asked, GetCached fails.
//
// # What is where
//
// A person can look at all of it with redis-cli. With the default prefix and a kind and a
// bucket such as grant and 07:
//
//	mcpoauth:{grant:07}:ID        hash of a record: v version, d JSON, e expiry in Unix microseconds
//	mcpoauth:ids:{grant:07}       sorted set of the bucket's IDs, in byte order
//	mcpoauth:expiry:{grant:07}    sorted set of those that expire, by the time when Redis forgets them
//	mcpoauth:fence:{grant:07}     says nothing; written with WaitReplicas, to have a write to wait for
//
// Deleting a hash ends what it stands for, at once and everywhere. Its ID leaves the sorted
// sets when somebody lists that kind.
//
// # The client library
//
// rueidis rather than valkey-go: they are one code base by one author, released together,
// with the same single dependency and the same URLs; rueidis is where changes are made
// first and is tested with Redis 5 to 8 and others besides, and this package's own tests pass
// with Valkey. Other clients do not offer client-side caching with a cluster.
package redis
