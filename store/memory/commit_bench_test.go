package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// One durable change, beside as many registrations as strangers can make.
func BenchmarkCreate(b *testing.B) {
	for _, clients := range []int{10, memory.DefaultClients} {
		b.Run(fmt.Sprintf("beside %d clients", clients), func(b *testing.B) {
			m, err := memory.Open(optionsIn(b.TempDir()))
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			done := make(chan error, clients)
			for n := range clients {
				client := &store.Client{ID: fmt.Sprint(n), Name: "A client", RedirectURIs: []string{"https://client.example/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"}, CreatedAt: time.Now()}
				go func() {
					done <- m.Create(b.Context(), clientKey(n), client, time.Now().Add(time.Hour))
				}()
			}
			for range clients {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := m.Create(b.Context(), grantKey(fmt.Sprint(n)), object, time.Time{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
