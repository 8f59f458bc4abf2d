package postgres

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

func configure(address string, timeout time.Duration) (*pgxpool.Config, error) {
	// What cannot be taken apart cannot be shown without its password. For pgx a URL is what
	// begins like one, in lower case.
	u, err := url.Parse(address)
	if err == nil {
		address = u.Scheme + address[len(u.Scheme):]
	}
	if err != nil || !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, errURL
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, explain(u)
	}
	config.ConnConfig.ValidateConnect = writable
	// None of the pool listens, but behind a pooler it may hear, and would keep it all.
	config.ConnConfig.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) {}
	config.ConnConfig.ConnectTimeout = cmp.Or(config.ConnConfig.ConnectTimeout, timeout)
	// Leaves time to connect anew when a connection has died in silence.
	config.PingTimeout = cmp.Or(config.PingTimeout, timeout/2)
	return config, nil
}

var errURL = errors.New("postgres: the database's URL cannot be read, got one that is not shown because it may hold a password; " +
	"write postgres://user:password@host:5432/database, with %XX for what is no letter or digit in the password")

// explain returns what is wrong with a URL, by what pgx says of the same one with another
// password: its errors repeat the URL, and it knows passwords in one place only.
func explain(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.User == nil && strings.Contains(u.String(), "@") {
		return errURL // a password that is not escaped may be in any part
	}
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "x")
		}
	}
	other := *u
	other.RawQuery, other.Fragment, other.RawFragment = query.Encode(), "", ""
	if _, has := u.User.Password(); has {
		other.User = url.UserPassword(u.User.Username(), "x")
	}
	_, err = pgxpool.ParseConfig(other.String())
	if err == nil {
		return errURL
	}
	return errors.New("postgres: the database's URL is wrong: " + err.Error()) // only its text: inside is the URL as it was
}

// writable refuses a standby, which may answer with what was revoked, and takes no change.
// pgx has the same, but with a panic for the answers without a row that PgBouncer gives
// now and then in transaction mode.
//
// In the same round trip it sets the isolation, for databases and roles with a stricter
// default, under which a change that meets another one fails instead of seeing it. Not a
// parameter of the connection's start: a pooler may refuse those.
func writable(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, "SET default_transaction_isolation = 'read committed'; SHOW transaction_read_only").ReadAll()
	switch {
	case err != nil:
		return err
	case len(results) != 2 || len(results[1].Rows) != 1:
		return errors.New("the server does not say whether it is read only")
	case string(results[1].Rows[0][0]) != "off":
		return errors.New("the server is read only")
	}
	return nil
}
