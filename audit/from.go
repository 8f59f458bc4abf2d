package audit

import (
	"context"
	"net/http"
	"net/netip"
)

type fromKey struct{}

// Asked lets the events of the requests to next tell the network that they came from.
func Asked(next http.Handler, network func(*http.Request) netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), fromKey{}, network(r))))
	})
}

// from returns the network that a request came from, or "" if nobody knows.
func from(ctx context.Context) string {
	network, _ := ctx.Value(fromKey{}).(netip.Prefix)
	if !network.IsValid() {
		return ""
	}
	var text [64]byte
	return string(network.AppendTo(text[:0]))
}
