package audit

import (
	"context"
	"net/http"
	"net/netip"
)

// asked is the context of a request that came from a network. It is a context of its own,
// because WithValue takes two allocations.
type asked struct {
	context.Context
	network netip.Prefix
}

type askedKey struct{}

func (a *asked) Value(key any) any {
	if key == (askedKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// Asked lets the events of the requests to next tell the network that they came from.
func Asked(next http.Handler, network func(*http.Request) netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(&asked{r.Context(), network(r)}))
	})
}

// from returns the network that a request came from, or "" if nobody knows.
func from(ctx context.Context) string {
	request, ok := ctx.Value(askedKey{}).(*asked)
	if !ok || !request.network.IsValid() {
		return ""
	}
	var text [64]byte
	return string(request.network.AppendTo(text[:0]))
}
