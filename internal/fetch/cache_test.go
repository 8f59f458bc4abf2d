package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const example = "https://example.com/d"

// counted returns a Fetcher that counts the requests it makes; serve answers the
// n-th, counted from 1.
func counted(serve func(n int, r *http.Request) (*http.Response, error)) (*Fetcher, *atomic.Int64) {
	var n atomic.Int64
	return &Fetcher{Transport: answers(func(r *http.Request) (*http.Response, error) {
		return serve(int(n.Add(1)), r)
	})}, &n
}

func TestADocumentIsKeptAsLongAsItsHeadersSayWithinBounds(t *testing.T) {
	for name, test := range map[string]struct {
		headers map[string][]string
		want    time.Duration
	}{
		"nothing said":                   {nil, minLifetime},
		"an hour":                        {map[string][]string{"Cache-Control": {"public, max-age=3600"}}, time.Hour},
		"an hour, in capitals":           {map[string][]string{"Cache-Control": {"Public,MAX-AGE=3600"}}, time.Hour},
		"an hour, quoted":                {map[string][]string{"Cache-Control": {`max-age="3600"`}}, time.Hour},
		"an hour, in the second header":  {map[string][]string{"Cache-Control": {"public", "max-age=3600"}}, time.Hour},
		"an hour, of which half is over": {map[string][]string{"Cache-Control": {"max-age=3600"}, "Age": {"1800"}}, 30 * time.Minute},
		"an hour that is long over":      {map[string][]string{"Cache-Control": {"max-age=3600"}, "Age": {"9999"}}, minLifetime},
		"others may keep it longer":      {map[string][]string{"Cache-Control": {"s-maxage=9999, max-age=3600"}}, time.Hour},
		"a second":                       {map[string][]string{"Cache-Control": {"max-age=1"}}, minLifetime},
		"a year":                         {map[string][]string{"Cache-Control": {"max-age=31536000"}}, maxLifetime},
		"for ever":                       {map[string][]string{"Cache-Control": {"max-age=99999999999999999999"}}, maxLifetime},
		"a number below nothing":         {map[string][]string{"Cache-Control": {"max-age=-1"}}, minLifetime},
		"no number":                      {map[string][]string{"Cache-Control": {"max-age=soon"}}, minLifetime},
		"two numbers":                    {map[string][]string{"Cache-Control": {"max-age=3600, max-age=7200"}}, minLifetime},
		"not to be stored":               {map[string][]string{"Cache-Control": {"max-age=3600, no-store"}}, minLifetime},
		"to be asked for each time":      {map[string][]string{"Cache-Control": {"no-cache, max-age=3600"}}, minLifetime},
		"until a time": {
			map[string][]string{"Expires": {"Sat, 01 Jan 2000 03:00:00 GMT"}}, 3 * time.Hour,
		},
		"until a time by a clock of its own": {
			map[string][]string{"Date": {"Mon, 01 Jan 2029 00:00:00 GMT"}, "Expires": {"Mon, 01 Jan 2029 03:00:00 GMT"}}, 3 * time.Hour,
		},
		"until a time, and that is half over": {
			map[string][]string{"Expires": {"Sat, 01 Jan 2000 03:00:00 GMT"}, "Age": {"3600"}}, 2 * time.Hour,
		},
		"max-age goes before a time": {
			map[string][]string{"Cache-Control": {"max-age=3600"}, "Expires": {"Sat, 01 Jan 2000 03:00:00 GMT"}}, time.Hour,
		},
		"until a time in a year":    {map[string][]string{"Expires": {"Mon, 01 Jan 2001 00:00:00 GMT"}}, maxLifetime},
		"until a time that is over": {map[string][]string{"Expires": {"Sat, 01 Jan 1999 03:00:00 GMT"}}, minLifetime},
		"until long ago, and aged":  {map[string][]string{"Expires": {"Mon, 01 Jan 0001 00:00:00 GMT"}, "Age": {"3600"}}, minLifetime},
		"until 0":                   {map[string][]string{"Expires": {"0"}}, minLifetime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // a bubble begins at the start of 2000
				f, requests := counted(func(int, *http.Request) (*http.Response, error) {
					return answer("{}", test.headers), nil
				})
				mustGet(t, f, example)
				time.Sleep(test.want - time.Nanosecond)
				mustGet(t, f, example)
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests before the time is over, want 1", n)
				}
				time.Sleep(time.Nanosecond)
				mustGet(t, f, example)
				if n := requests.Load(); n != 2 {
					t.Errorf("%d requests when the time is over, want 2", n)
				}
			})
		})
	}
}

func TestManyWhoWantOneDocumentShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(int, *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(`{"a":1}`, nil), nil
		})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if doc := mustGet(t, f, example); string(doc.Body) != `{"a":1}` {
					t.Errorf("got %q", doc.Body)
				}
			})
		}
		wg.Wait()
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestWhoHangsUpLeavesTheOthersTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(_ int, r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(2 * time.Second):
				return answer("{}", nil), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		first, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := f.Get(first, example)
			if failure, ours := errors.AsType[*Error](err); ours || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who hung up got %v (%v)", err, failure)
			}
			if time.Since(mustDeadline(first)) > 0 {
				t.Error("who hung up had to wait for the others' answer")
			}
		})
		synctest.Wait() // the one who hangs up is the one who began it
		wg.Go(func() { mustGet(t, f, example) })
		wg.Wait()
		mustGet(t, f, example)
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func mustDeadline(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline()
	return deadline
}

func TestAFailureIsNotKeptButForAPause(t *testing.T) {
	for name, failing := range map[string]func() (*http.Response, error){
		"no connection": func() (*http.Response, error) { return nil, errors.New("refused") },
		"no document":   func() (*http.Response, error) { return withStatus(404), nil },
		"an outage":     func() (*http.Response, error) { return withStatus(500), nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, requests := counted(func(n int, r *http.Request) (*http.Response, error) {
					if n == 1 {
						return failing()
					}
					return answer("{}", nil), nil
				})
				for range 10 {
					if _, err := f.Get(t.Context(), example); err == nil {
						t.Fatal("it did not fail")
					}
					time.Sleep(pause / 10)
				}
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests in the pause, want 1", n)
				}
				mustGet(t, f, example)
			})
		})
	}
}

func withStatus(code int) *http.Response {
	r := answer("{}", nil)
	r.StatusCode = code
	return r
}

func TestADocumentThatCannotBeHadAnewIsServedAsStaleForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return answer(`{"a":1}`, nil), nil
			}
			return withStatus(503), nil
		})
		first := mustGet(t, f, example)
		if first.Stale != nil {
			t.Fatalf("a fresh one is stale: %v", first.Stale)
		}
		time.Sleep(minLifetime)
		stale := mustGet(t, f, example)
		if string(stale.Body) != `{"a":1}` || stale.Stale == nil || !stale.FetchedAt.Equal(first.FetchedAt) {
			t.Errorf("got %q of %v, stale: %v", stale.Body, stale.FetchedAt, stale.Stale)
		}
		mustGet(t, f, example)
		if n := requests.Load(); n != 2 {
			t.Errorf("%d requests, want 2: the pause holds here too", n)
		}
		time.Sleep(maxLifetime - minLifetime)
		mustFail(t, f, example, Unreachable, "HTTP status 503")
	})
}

func TestADocumentThatItsServerTookBackIsNotServedAsStale(t *testing.T) {
	for name, gone := range map[string]*http.Response{
		"no such document any more": withStatus(404),
		"another, and too large":    answer(string(make([]byte, MaxDocument+1)), nil),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := counted(func(n int, _ *http.Request) (*http.Response, error) {
					switch n {
					case 1:
						return answer("{}", nil), nil
					case 2:
						return gone, nil
					}
					return withStatus(503), nil
				})
				mustGet(t, f, example)
				time.Sleep(minLifetime)
				mustFail(t, f, example, Broken, "")
				time.Sleep(pause)
				mustFail(t, f, example, Unreachable, "503")
			})
		})
	}
}

func TestARejectedDocumentIsAskedForAnewAndNeverServedAsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 2 {
				return withStatus(503), nil
			}
			return answer(fmt.Sprint(n), map[string][]string{"Cache-Control": {"max-age=3600"}}), nil
		})
		for range 3 { // each reader rejects it anew, and that does not put it off
			mustGet(t, f, example)
			f.Reject(example)
			time.Sleep(pause / 3)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests in the pause, want 1", n)
		}
		time.Sleep(time.Second)
		mustFail(t, f, example, Unreachable, "503")
		time.Sleep(pause)
		if doc := mustGet(t, f, example); string(doc.Body) != "3" {
			t.Errorf("got %q, want the one after the failure", doc.Body)
		}
		f.Reject("https://example.com/never-seen")
	})
}

func TestOnlySoManyServersAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		count := func(change int) {
			mu.Lock()
			defer mu.Unlock()
			now += change
			most = max(most, now)
		}
		f, requests := counted(func(int, *http.Request) (*http.Response, error) {
			count(+1)
			defer count(-1)
			time.Sleep(time.Second)
			return answer("{}", nil), nil
		})
		var wg sync.WaitGroup
		for i := range maxWaiting {
			wg.Go(func() { mustGet(t, f, fmt.Sprintf("https://h%d.example/d", i)) })
		}
		synctest.Wait()
		mustFail(t, f, "https://one-too-many.example/d", Busy, "too many others")
		wg.Go(func() { mustGet(t, f, "https://h0.example/d") }) // is being asked already
		wg.Wait()
		if most != maxAtOnce || requests.Load() != maxWaiting {
			t.Errorf("%d at once and %d in all, want %d and %d", most, requests.Load(), maxAtOnce, maxWaiting)
		}
		mustGet(t, f, "https://one-too-many.example/d") // which was not remembered
	})
}

// Strangers who keep us busy must not choose what stands in for a server's answer.
func TestWhileTooManyAreAskedWhatWasHadIsServedAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f, _ := counted(func(n int, _ *http.Request) (*http.Response, error) {
			if n > 1 {
				<-release
			}
			return answer("{}", map[string][]string{"Cache-Control": {"max-age=300"}}), nil
		})
		mustGet(t, f, example)
		time.Sleep(6 * time.Minute) // it has to be asked for anew now
		var wg sync.WaitGroup
		for i := range maxWaiting {
			wg.Go(func() { f.Get(t.Context(), fmt.Sprintf("https://h%d.example/d", i)) })
		}
		synctest.Wait()
		if doc := mustGet(t, f, example); doc.Stale == nil {
			t.Error("it was had anew")
		}
		f.Reject(example)
		mustFail(t, f, example, Busy, "too many others")
		close(release)
		wg.Wait()
	})
}

func TestWhoWaitsForSlowServersIsToldAfterTheTimeThatAnyMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		var wg sync.WaitGroup
		for i := range maxAtOnce {
			wg.Go(func() { mustFail(t, f, fmt.Sprintf("https://slow%d.example/d", i), Unreachable, "within 5 seconds") })
		}
		synctest.Wait()
		time.Sleep(time.Second)
		within(t, Timeout, func() {
			// It was asked for less time than any may take, so that says nothing of it.
			wg.Go(func() { mustFail(t, f, "https://late.example/d", Busy, "too late") })
			wg.Wait()
		})
		if requests.Load() > maxAtOnce+1 {
			t.Errorf("%d requests", requests.Load())
		}
	})
}

func TestWhatAServerSaysCountsThoughItsTurnCameLate(t *testing.T) {
	for name, test := range map[string]struct {
		takes  time.Duration
		status int
		kind   Kind
	}{
		"an outage, in time":          {time.Second, 503, Unreachable},
		"an outage, after the time":   {4 * time.Second, 503, Busy},
		"no document, in time":        {time.Second, 404, Broken},
		"no document, after the time": {4 * time.Second, 404, Broken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := counted(func(_ int, r *http.Request) (*http.Response, error) {
					if r.URL.Host == "example.com" {
						time.Sleep(test.takes)
						return withStatus(test.status), nil
					}
					time.Sleep(3 * time.Second)
					return answer("{}", nil), nil
				})
				var wg sync.WaitGroup
				for i := range maxAtOnce {
					wg.Go(func() { mustGet(t, f, fmt.Sprintf("https://h%d.example/d", i)) })
				}
				synctest.Wait()
				mustFail(t, f, example, test.kind, "")
				wg.Wait()
			})
		})
	}
}

// What was had before is of the same day, and says no less while others keep us busy.
func TestWhoWaitsInVainIsServedWhatWasHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f, _ := counted(func(n int, _ *http.Request) (*http.Response, error) {
			if n > 1 {
				<-release
			}
			return answer(`{"a":1}`, nil), nil
		})
		mustGet(t, f, example)
		time.Sleep(minLifetime) // it has to be asked for anew now
		var wg sync.WaitGroup
		for i := range maxAtOnce {
			wg.Go(func() { f.Get(t.Context(), fmt.Sprintf("https://h%d.example/d", i)) })
		}
		synctest.Wait()
		within(t, Timeout, func() {
			doc := mustGet(t, f, example)
			if failure, _ := errors.AsType[*Error](doc.Stale); string(doc.Body) != `{"a":1}` || failure == nil || failure.Kind != Busy {
				t.Errorf("got %q, stale: %v", doc.Body, doc.Stale)
			}
		})
		close(release)
		wg.Wait()
	})
}

// Who asks for a thousand other documents has no server asked twice at once.
func TestWhatIsUnderWayIsNotForgottenForWhatCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var held atomic.Int64
		f, _ := counted(func(_ int, r *http.Request) (*http.Response, error) {
			if r.URL.Host == "example.com" {
				held.Add(1)
				<-release
			}
			return answer("{}", nil), nil
		})
		var wg sync.WaitGroup
		wg.Go(func() { mustGet(t, f, example) })
		synctest.Wait()
		for i := range maxEntries {
			time.Sleep(time.Microsecond)
			mustGet(t, f, fmt.Sprintf("https://h%d.example/d", i))
		}
		wg.Go(func() { mustGet(t, f, example) })
		synctest.Wait()
		if n := held.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		close(release)
		wg.Wait()
	})
}

func TestOnlySoManyDocumentsAreKept(t *testing.T) {
	for name, test := range map[string]struct {
		maxBytes int64
		want     int
	}{
		"documents":    {0, maxEntries},
		"sets of keys": {64 << 10, maxKept / (64 << 10)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, requests := counted(func(int, *http.Request) (*http.Response, error) { return answer("{}", nil), nil })
				f.MaxBytes = test.maxBytes
				mustGet(t, f, example)
				for i := range 2 * test.want {
					time.Sleep(time.Microsecond)
					mustGet(t, f, fmt.Sprintf("https://h%d.example/d", i))
					if i%50 == 0 {
						mustGet(t, f, example) // in use, so it stays
					}
				}
				if n := requests.Load(); n != int64(1+2*test.want) {
					t.Errorf("%d requests, want %d: what is in use was forgotten", n, 1+2*test.want)
				}
				if len(f.entries) != test.want {
					t.Errorf("%d are kept, want %d", len(f.entries), test.want)
				}
				before := requests.Load()
				mustGet(t, f, example)
				mustGet(t, f, fmt.Sprintf("https://h%d.example/d", 2*test.want-1))
				if requests.Load() != before {
					t.Error("what was used last was forgotten")
				}
				mustGet(t, f, "https://h1.example/d")
				if requests.Load() != before+1 {
					t.Error("what was not used for longest is still there")
				}
			})
		})
	}
}
