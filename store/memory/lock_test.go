//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package memory_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// removeLocks is rm *.lock.
func removeLocks(o memory.Options) error {
	locks, err := filepath.Glob(filepath.Join(filepath.Dir(o.StateFile), "*.lock"))
	for _, path := range locks {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// refused requires that a change is, because the lock is gone, and that nobody sees it.
func refused(t *testing.T, b *memory.Backend, key store.Key, value store.Value) {
	t.Helper()
	err := b.Create(t.Context(), key, value, time.Time{})
	if err == nil || !strings.Contains(err.Error(), "the lock file was removed or replaced") || !strings.Contains(err.Error(), "restart this one") {
		t.Errorf("creating %v returned %v", key, err)
	}
	if exists(t, b, key) {
		t.Errorf("%v is there", key)
	}
}

func TestAServerWhoseLockWasRemovedAcknowledgesNothingMore(t *testing.T) {
	for name, large := range map[string]bool{"small": false, "large": true} {
		t.Run(name, func(t *testing.T) {
			o := optionsIn(t.TempDir())
			first, err := memory.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close() // with an error if there is a log that it must not merge
			if large {
				enlarge(t, first)
			}
			create(t, first, grantKey("acknowledged"), 0)
			if large {
				named(t, o.StateFile)
			}
			if err := removeLocks(o); err != nil {
				t.Fatal(err)
			}
			refused(t, first, grantKey("refused"), store.NewEncoded([]byte(`{}`)))
			refused(t, first, store.Key{Kind: store.KindUser, ID: "refused"}, store.NewEncoded([]byte(`{}`)))

			second := opened(t, o)
			create(t, second, grantKey("second"), 0)
			refused(t, first, grantKey("refused"), store.NewEncoded([]byte(`{}`)))
			if err := first.Close(); large && (err == nil || !strings.Contains(err.Error(), "the lock file was removed or replaced")) {
				t.Errorf("Close returned %v", err)
			}
			create(t, second, grantKey("last"), 0)
			killed := opened(t, copied(t, o))
			for _, id := range []string{"acknowledged", "second", "last"} {
				if !exists(t, killed, grantKey(id)) {
					t.Errorf("the grant %q is gone", id)
				}
			}
		})
	}
}

// Another process may have read the files before the change was there.
func TestAChangeUnderWhichTheLockIsRemovedIsNotAcknowledged(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	refused(t, b, grantKey("a"), unlocking{o})
}

// unlocking removes the locks while it is written.
type unlocking struct{ files memory.Options }

func (u unlocking) Encode() ([]byte, error) { return []byte(`{}`), removeLocks(u.files) }

func TestALinkInThePlaceOfALockIsNotTheLock(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	if err := os.Rename(o.StateFile+".lock", o.StateFile+".moved"); err != nil {
		t.Fatal(err)
	}
	symlink(t, o.StateFile+".moved", o.StateFile+".lock")
	refused(t, b, grantKey("a"), store.NewEncoded([]byte(`{}`)))
}
