package proxy

import "testing"

// Nor by HTTP_PROXY, which many a machine has: its owner would read the credentials.
func TestTheUpstreamIsAskedPastEveryProxyOfTheEnvironment(t *testing.T) {
	if transport().Proxy != nil {
		t.Error("it asks a proxy")
	}
}
