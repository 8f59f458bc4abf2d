package audit

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// maxWaiting is how many events wait for a slow hook; further ones it misses.
	maxWaiting = 1000

	// patience is how long Close waits for the hook.
	patience = 5 * time.Second
)

// A hook tells a function of the program of events, one after the other, in a goroutine
// that there is only while there is something to tell. Whatever the function does, no
// request waits for it and none fails of it.
type hook struct {
	call func(store.Event)
	log  *slog.Logger

	mu      sync.Mutex // guards what follows
	waiting []store.Event
	telling bool
	warned  time.Time

	done sync.WaitGroup
}

func (h *hook) tell(e store.Event) {
	h.mu.Lock()
	missed := len(h.waiting) >= maxWaiting
	warn := missed && e.Time.Sub(h.warned) >= time.Minute
	if warn {
		h.warned = e.Time
	}
	if !missed {
		h.waiting = append(h.waiting, e)
		if !h.telling {
			h.telling = true
			h.done.Go(h.tellAll)
		}
	}
	h.mu.Unlock()
	if warn {
		h.log.Warn("hook.slow", "advice", "Config.OnEvent takes so long that it misses events; have it hand them on and return", "waiting", maxWaiting)
	}
}

func (h *hook) tellAll() {
	for {
		h.mu.Lock()
		if len(h.waiting) == 0 {
			h.telling = false
			h.mu.Unlock()
			return
		}
		e := h.waiting[0]
		h.waiting = h.waiting[1:]
		h.mu.Unlock()
		h.tellOne(e)
	}
}

func (h *hook) tellOne(e store.Event) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("hook.panicked", "name", e.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	h.call(e)
}

func (h *hook) wait() {
	done := make(chan struct{})
	go func() {
		h.done.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		h.log.Warn("hook.slow", "advice", "Config.OnEvent has not returned in "+patience.String()+"; Close does not wait for it any longer")
	}
}
