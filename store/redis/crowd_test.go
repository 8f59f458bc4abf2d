package redis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
)

var anything = store.NewEncoded([]byte(`{}`))

// bounded returns a backend that keeps so many in each bucket of what anybody can make.
func bounded(t *testing.T, url string, crowd int) *Backend {
	t.Helper()
	b, err := Open(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	b.crowd = crowd
	return b
}

// fill creates records, each of which expires after those before it.
func fill(t *testing.T, b *Backend, kind store.Kind, ids []string) {
	t.Helper()
	soon := time.Now().Add(time.Hour)
	for n, id := range ids {
		if err := b.Create(t.Context(), store.Key{Kind: kind, ID: id}, anything, soon.Add(time.Duration(n)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

func numbered(prefix string, count int) (ids []string) {
	for n := range count {
		ids = append(ids, fmt.Sprint(prefix, n))
	}
	return ids
}

// has requires that the records of a kind, and its index, are these.
func has(t *testing.T, b *Backend, kind store.Kind, want []string) {
	t.Helper()
	var indexed []string
	for bucket := range buckets {
		all := b.client.B().Zrangebylex().Key(b.layout.ids(kind, bucket)).Min("-").Max("+").Build()
		ids, err := b.client.Do(t.Context(), all).AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		indexed = append(indexed, ids...)
	}
	records, err := b.List(t.Context(), kind, "", "", 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, record := range records {
		listed = append(listed, record.Key.ID)
	}
	slices.Sort(indexed)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(listed, want) || !slices.Equal(indexed, want) {
		t.Errorf("of kind %s there are %d records, and %d in the index; want %d\n%v\n%v\n%v",
			kind, len(listed), len(indexed), len(want), listed, indexed, want)
	}
}

// newest returns the last so many of each bucket.
func newest(ids []string, most int) (kept []string) {
	var count [buckets]int
	for _, id := range slices.Backward(ids) {
		if bucket := bucketOf(id); count[bucket] < most {
			count[bucket]++
			kept = append(kept, id)
		}
	}
	return kept
}

func TestOfWhatAnybodyCanMakeTheOldestGiveWayAndNothingElse(t *testing.T) {
	for name, url := range map[string]string{
		"standalone": "redis://" + realserver.Redis(t).Addr,
		"cluster":    "redis://" + realserver.RedisCluster(t)[0].Addr,
	} {
		t.Run(name, func(t *testing.T) {
			b, other := bounded(t, url, 5), bounded(t, url, 5)
			approved, flood := numbered("approved-", 100), numbered("", 400)
			for n, id := range approved {
				key := store.Key{Kind: store.KindClient, ID: id}
				if n%2 == 0 {
					if err := b.Create(t.Context(), key, anything, time.Time{}); err != nil {
						t.Fatal(err)
					}
					continue
				}
				fill(t, b, store.KindClient, []string{id})
				record, err := b.Get(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Replace(t.Context(), key, record.Version, anything, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			fill(t, b, store.KindClient, flood[:1])
			first := store.Key{Kind: store.KindClient, ID: flood[0]}
			for range 2 { // the first answer may not be kept
				if _, err := other.GetCached(t.Context(), first); err != nil {
					t.Fatal(err)
				}
			}

			fill(t, b, store.KindClient, flood[1:])
			has(t, b, store.KindClient, append(newest(flood, 5), approved...))
			for deadline := time.Now().Add(maxAge / 2); ; time.Sleep(time.Millisecond) {
				if _, err := other.GetCached(t.Context(), first); errors.Is(err, store.ErrNotFound) {
					break
				} else if err != nil || time.Now().After(deadline) {
					t.Fatalf("another server still has what gave way: %v", err)
				}
			}

			fill(t, b, store.KindCeremony, flood)
			has(t, b, store.KindCeremony, newest(flood, 5))
			for _, kind := range []store.Kind{store.KindGrant, store.KindApproval} {
				fill(t, b, kind, flood)
				has(t, b, kind, flood)
			}
		})
	}
}

func TestWhatIsFarTooManyGoesAFewAtATimeAndNoneForARecordThatDoesNotFit(t *testing.T) {
	b := bounded(t, "redis://"+realserver.Redis(t).Addr, 100)
	var ids []string // of one bucket
	for n := 0; len(ids) < 60; n++ {
		if id := fmt.Sprint(n); bucketOf(id) == 0 {
			ids = append(ids, id)
		}
	}
	fill(t, b, store.KindClient, ids[:56])
	b.crowd = 10

	limit := func(bytes string) {
		t.Helper()
		set := b.client.B().ConfigSet().ParameterValue().ParameterValue("maxmemory", bytes).Build()
		if err := b.client.Do(t.Context(), set).Error(); err != nil {
			t.Fatal(err)
		}
	}
	limit("1")
	err := b.Create(t.Context(), store.Key{Kind: store.KindClient, ID: ids[56]}, anything, time.Now().Add(2*time.Hour))
	if err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("in a full memory Create returned %v", err)
	}
	has(t, b, store.KindClient, ids[:56])
	limit("0")

	soon := time.Now().Add(2 * time.Hour)
	for n, left := range []int{56 + 1 - 20, 56 + 2 - 40, 10, 10} {
		last := 56 + n
		if err := b.Create(t.Context(), store.Key{Kind: store.KindClient, ID: ids[last]}, anything, soon.Add(time.Duration(n)*time.Second)); err != nil {
			t.Fatal(err)
		}
		has(t, b, store.KindClient, ids[last+1-left:last+1])
	}
}
