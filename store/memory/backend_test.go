package memory_test

import (
	"path/filepath"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

func TestPureMemory(t *testing.T) {
	storetest.Run(t, pure)
	storetest.RunStore(t, pure)
}

func TestFiles(t *testing.T) {
	storetest.Run(t, inFiles)
	storetest.RunStore(t, inFiles)
}

func pure(t *testing.T) store.Backend {
	b := memory.New(memory.Options{})
	t.Cleanup(func() { closed(t, b) })
	return b
}

func inFiles(t *testing.T) store.Backend { return opened(t, optionsIn(t.TempDir())) }

func optionsIn(dir string) memory.Options {
	return memory.Options{
		PasskeyFile: filepath.Join(dir, "passkeys.json"),
		StateFile:   filepath.Join(dir, "state.json"),
	}
}

func opened(t *testing.T, o memory.Options) *memory.Backend {
	t.Helper()
	b, err := memory.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, b) })
	return b
}

func closed(t *testing.T, b *memory.Backend) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
