package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var consents = []storeRule{
	{"what was approved in a browser comes back there, and adds up", func(f *fixture) {
		f.approveIn(browser, "a", "b")
		f.approveIn(browser, "b", "c")
		f.consented(browser, "a", "b", "c")
		f.consented(store.Hash{2})
		f.consented(store.Hash{})
	}},
	{"no scope of many approvals at once in a browser is lost", func(f *fixture) {
		const approvals = 20
		var want []string
		for n := range approvals {
			want = append(want, fmt.Sprintf("scope-%02d", n))
		}
		for _, err := range together(approvals, func(i int) error { return f.tryApproveIn(browser, want[i]) }) {
			f.ok(err)
		}
		f.consented(browser, want...)
	}},
}

var browser = store.Hash{1}

func (f *fixture) tryApproveIn(browser store.Hash, scopes ...string) error {
	_, err := f.store.Approve(f.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: client}, RedirectURI: "https://client.example/callback",
		Resource: "https://mcp.example.com/mcp", Scopes: scopes, Challenge: challenge, Browser: browser,
	})
	return err
}

func (f *fixture) approveIn(browser store.Hash, scopes ...string) {
	f.Helper()
	f.ok(f.tryApproveIn(browser, scopes...))
}

func (f *fixture) consented(browser store.Hash, want ...string) {
	f.Helper()
	got, err := f.store.Consented(f.Context(), browser, store.ConsentTo{
		ClientID: client, RedirectURI: "https://client.example/callback", Resource: "https://mcp.example.com/mcp",
	})
	f.ok(err)
	if slices.Sort(got); !slices.Equal(got, want) {
		f.Fatalf("%q was approved, want %q", got, want)
	}
}

var assertions = []storeRule{
	{"of many uses of an assertion one succeeds", func(f *fixture) {
		good := time.Now().Add(time.Hour)
		f.once(together(many, func(int) error {
			return f.store.UseAssertion(f.Context(), client, "jti", good)
		}), store.ErrConflict)
		f.ok(f.store.UseAssertion(f.Context(), otherClient, "jti", good))
		f.ok(f.store.UseAssertion(f.Context(), client, "another jti", good))
	}},
}
