//go:build darwin || linux

package memory_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func init() {
	jobs["fill a small store"] = func(dir string) error { return fill(dir, 0, 2000) }
	jobs["fill a large store"] = func(dir string) error { return fill(dir, 200<<10, 2000) }
	jobs["merge without space"] = func(dir string) error { return fill(dir, 2<<20, 1500<<10) }
}

// fill creates grants until the disk is full, which is what the limit on the size of a
// file looks like, and goes on when there is space again. It ends as if it were killed.
// What was acknowledged it says on stdout.
func fill(dir string, large, most int) error {
	signal.Ignore(syscall.SIGXFSZ)
	b, err := memory.Open(optionsIn(dir))
	if err != nil {
		return err
	}
	ctx := context.Background()
	grant := func(id string, bytes int) error {
		err := b.Create(ctx, grantKey(id), padded(bytes), time.Time{})
		if err == nil {
			fmt.Println(id)
		}
		return err
	}
	if err := grant("large", large); err != nil {
		return err
	}
	restore, err := limitFiles(most)
	if err != nil {
		return err
	}
	failed, logged := 0, int64(0)
	for n := 0; failed < 50; n++ {
		err := grant(fmt.Sprint(n), 700)
		if err != nil && !errors.Is(err, syscall.EFBIG) {
			return err
		}
		if err != nil {
			failed++
		}
		if now := sizeOfLogs(dir); err != nil && logged != 0 && now != logged {
			return fmt.Errorf("a write that failed left the logs with %d bytes, from %d", now, logged)
		} else {
			logged = now
		}
		_, missing := b.Get(ctx, grantKey(fmt.Sprint(n)))
		if (err == nil) != (missing == nil) {
			return fmt.Errorf("creating it: %w; reading it: %w", err, missing)
		}
	}
	if err := restore(); err != nil {
		return err
	}
	return grant("space again", 700)
}

func sizeOfLogs(dir string) (size int64) {
	logs, _ := filepath.Glob(filepath.Join(dir, "state.json.log*"))
	for _, path := range logs {
		if info, err := os.Stat(path); err == nil {
			size += info.Size()
		}
	}
	return size
}

func limitFiles(size int) (restore func() error, err error) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		return nil, err
	}
	limited := before
	limited.Cur = uint64(size)
	return func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) }, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited)
}

func TestAFullDiskFailsChangesAndSpoilsNothing(t *testing.T) {
	for _, job := range []string{"fill a small store", "fill a large store", "merge without space"} {
		t.Run(job, func(t *testing.T) {
			o := optionsIn(t.TempDir())
			said, err := child(t, job, dirOf(o)).Output()
			ids := strings.Fields(strings.ReplaceAll(string(said), "space again", "space-again"))
			if err != nil || len(ids) < 3 || ids[len(ids)-1] != "space-again" {
				t.Fatalf("the child ends with %v and says %q", err, said)
			}
			b := opened(t, o)
			for _, id := range ids {
				if id = strings.ReplaceAll(id, "-", " "); !exists(t, b, grantKey(id)) {
					t.Errorf("grant %s was acknowledged and is gone", id)
				}
			}
			if got := count(t, b, store.KindGrant); got != len(ids) {
				t.Errorf("%d grants are there, and %d were acknowledged", got, len(ids))
			}
			closed(t, b)
			if left, err := filepath.Glob(filepath.Join(dirOf(o), "*.tmp")); err != nil || len(left) != 0 {
				t.Errorf("left over: %q, %v", left, err)
			}
		})
	}
}
