package target

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

// Usage is what a process uses.
type Usage struct {
	CPU        time.Duration // since it began, in user and system together
	Heap       int64         // bytes that are in use; after a collection if one was asked for
	Resident   int64         // bytes of the machine's memory
	Goroutines int
	Files      int // descriptors that are open, connections among them
}

// Own returns what this process uses. Settled collects its garbage first.
func Own(settled bool) (u Usage, err error) {
	if settled {
		runtime.GC()
		runtime.GC() // what had a finaliser goes the second time
	}
	var m runtime.MemStats
	if settled { // it stops the world, which a measurement of time does not want
		runtime.ReadMemStats(&m)
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return u, fmt.Errorf("counting open files: %w", err)
		}
		u.Files = len(files) - 1 // but for that of the directory
		statm, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			return u, fmt.Errorf("reading the size of the process: %w", err)
		}
		var size, resident int64
		if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
			return u, fmt.Errorf("reading the size of the process: %w", err)
		}
		u.Resident = resident * int64(os.Getpagesize())
	}
	u.CPU, u.Heap, u.Goroutines = perf.Processors(), int64(m.HeapAlloc), runtime.NumGoroutine()
	return u, nil
}

// tell answers with what the process uses.
func tell(w http.ResponseWriter, r *http.Request) {
	u, err := Own(r.URL.Query().Has("settled"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(u) // the other side says what is missing
}

// Usage asks the server what it uses, as Own does.
func (s *Server) Usage(ctx context.Context, settled bool) (u Usage, err error) {
	url := s.Control
	if settled {
		url += "?settled"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return u, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return u, fmt.Errorf("asking the server what it uses: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return u, fmt.Errorf("asking the server what it uses: %s", res.Status)
	}
	return u, json.NewDecoder(res.Body).Decode(&u)
}
