package encrypted_test

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func BenchmarkAccess(b *testing.B) {
	plain, sealed := inner(b), inner(b)
	for name, c := range map[string]store.Backend{
		"in the clear":        plain,
		"sealed":              over(b, sealed, key(b, oneKey)),
		"sealed, opened anew": over(b, anew{inner(b)}, key(b, oneKey)),
	} {
		tokens := connect(b, c)
		s, now := store.New(c, store.Lifetimes{}), time.Now()
		b.Run(name, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Access(ctx, tokens.Access, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
