package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

// openStore returns where passkeys and grants are kept: nil means the library's files.
func openStore(ctx context.Context, opts options) (backend store.Backend, closeStore func() error, err error) {
	scheme, _, _ := strings.Cut(opts.store, "://")
	switch scheme {
	case "files":
		return nil, func() error { return nil }, nil
	case "redis", "rediss", "unix":
		b, err := redis.Open(ctx, opts.store, redis.Options{})
		if err != nil {
			return nil, nil, err
		}
		return b, b.Close, nil
	case "postgres", "postgresql":
		b, err := postgres.Open(ctx, opts.store, postgres.Options{})
		if err != nil {
			return nil, nil, err
		}
		return b, b.Close, nil
	}
	return nil, nil, fmt.Errorf("-store is of an unknown kind; want files, redis://… or postgres://…")
}
