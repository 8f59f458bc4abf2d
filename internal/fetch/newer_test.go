package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestANewerDocumentIsAskedForOnlyIfTheOldOneIsOfThatAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(n int, _ *http.Request) (*http.Response, error) {
			return answer(fmt.Sprint(n), http.Header{"Cache-Control": {"max-age=3600"}}), nil
		})
		newer := func(want string) {
			t.Helper()
			doc, err := f.Newer(t.Context(), example, time.Minute)
			if err != nil || string(doc.Body) != want {
				t.Errorf("got %q, %v; want %q", doc.Body, err, want)
			}
		}
		newer("1")
		time.Sleep(time.Minute - time.Nanosecond)
		newer("1")
		time.Sleep(time.Nanosecond)
		newer("2")
		newer("2")
		if doc := mustGet(t, f, example); string(doc.Body) != "2" || requests.Load() != 2 {
			t.Errorf("Get has %q after %d requests", doc.Body, requests.Load())
		}
	})
}

func TestManyWhoWantANewerDocumentShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(fmt.Sprint(n), nil), nil
		})
		mustGet(t, f, example)
		time.Sleep(time.Minute)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if doc, err := f.Newer(t.Context(), example, time.Minute); err != nil || string(doc.Body) != "2" {
					t.Errorf("got %q, %v", doc.Body, err)
				}
			})
		}
		all.Wait()
		if n := requests.Load(); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestIfThereIsNoNewerDocumentTheOldOneIsServedAsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, requests := counted(func(n int, _ *http.Request) (*http.Response, error) {
			if n > 1 {
				return nil, errors.New("nobody there")
			}
			return answer("1", nil), nil
		})
		mustGet(t, f, example)
		time.Sleep(time.Minute)
		for range 5 { // the pause holds
			doc, err := f.Newer(t.Context(), example, time.Minute)
			if err != nil || string(doc.Body) != "1" || doc.Stale == nil {
				t.Errorf("got %q, stale because of %v, %v", doc.Body, doc.Stale, err)
			}
		}
		if n := requests.Load(); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}
