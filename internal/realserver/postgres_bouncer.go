package realserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Bouncer starts PgBouncer before the server, with a pool_mode, and returns the URL of
// the database postgres behind it.
func (s *PostgresServer) Bouncer(mode string) (url string) {
	s.t.Helper()
	program := find(s.t, "pgbouncer", "/usr/sbin/pgbouncer")
	host, port, _ := net.SplitHostPort(s.Addr)
	own := FreePort(s.t)
	config := filepath.Join(s.dir, "pgbouncer-"+mode+".ini")
	settings := fmt.Sprintf("[databases]\npostgres = host=%s port=%s user=postgres\n"+
		"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = any\npool_mode = %s\ndefault_pool_size = 40\n",
		host, port, own, mode)
	if err := os.WriteFile(config, []byte(settings), 0o644); err != nil {
		s.t.Fatal(err)
	}
	run(s.t, loopback(own), func() *exec.Cmd {
		cmd := exec.Command(program, "--quiet", config)
		cmd.SysProcAttr = s.owner
		return cmd
	}, func() error {
		return s.program("pg_isready", "--host=127.0.0.1", "--port="+strconv.Itoa(own)).Run()
	})
	return "postgres://postgres@" + loopback(own) + "/postgres?sslmode=disable"
}
