package realserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A PostgresServer is a PostgreSQL server, with a superuser named postgres who needs no
// password. Pause stops only its front door: who is connected already is still served.
type PostgresServer struct {
	*Process
	URL string // of the database postgres

	bin, dir string
	owner    *syscall.SysProcAttr

	// The server's processes inherit one end of a pipe, and the other one ends with
	// the last of them.
	leftovers, inherited *os.File
}

// Postgres starts an empty server.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	s := newPostgres(t)
	s.run("initdb", "--pgdata="+s.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	s.start()
	return s
}

// Standby starts a second server that follows this one. From now on a commit is
// acknowledged only when it is on both.
func (s *PostgresServer) Standby() *PostgresServer {
	s.t.Helper()
	standby := newPostgres(s.t)
	standby.run("pg_basebackup", "--dbname="+s.URL, "--pgdata="+standby.data(), "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf")
	standby.start()
	s.SQL("ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.SQL("SELECT pg_reload_conf()")
	for deadline := time.Now().Add(patience); s.SQL("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1"; {
		if time.Now().After(deadline) {
			s.t.Fatalf("the standby at %s does not follow\n%s", standby.Addr, standby.output)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return standby
}

// Promote makes a standby the primary.
func (s *PostgresServer) Promote() {
	s.t.Helper()
	s.SQL("SELECT pg_promote()")
}

// SQL runs statements as the superuser and returns what they return.
func (s *PostgresServer) SQL(statements string) string {
	s.t.Helper()
	out, err := exec.Command(filepath.Join(s.bin, "psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--quiet",
		"--set=ON_ERROR_STOP=1", "--dbname="+s.URL, "--command="+statements).CombinedOutput()
	if err != nil {
		s.t.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// Stop asks the server to end without waiting for who is connected.
func (s *PostgresServer) Stop() {
	s.t.Helper()
	s.end(syscall.SIGINT)
}

// newPostgres makes room for a server.
func newPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	initdb, err := filepath.EvalSymlinks(find(t, "initdb", "/usr/lib/postgresql/*/bin/initdb"))
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir, which another user cannot reach.
	dir, err := os.MkdirTemp("", "postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	addr := loopback(FreePort(t))
	return &PostgresServer{
		Process: &Process{Addr: addr, t: t},
		URL:     "postgres://postgres@" + addr + "/postgres?sslmode=disable",
		bin:     filepath.Dir(initdb), // where the others are too
		dir:     dir,
		owner:   unprivileged(t, dir),
	}
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }

// unprivileged gives dir to another user if the test is run by root, as whom PostgreSQL
// refuses to run, and returns how to become that user.
func unprivileged(t testing.TB, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatalf("PostgreSQL does not run as root: %v", err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// run runs one of PostgreSQL's programs to its end.
func (s *PostgresServer) run(program string, args ...string) {
	s.t.Helper()
	if out, err := s.program(program, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func (s *PostgresServer) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = s.owner
	return cmd
}

func (s *PostgresServer) start() {
	s.t.Helper()
	s.t.Cleanup(s.awaitLeftovers) // after the kill that run leaves behind
	s.Process = run(s.t, s.Addr, s.command, s.ready)
}

func (s *PostgresServer) command() *exec.Cmd {
	s.awaitLeftovers()
	var err error
	if s.leftovers, s.inherited, err = os.Pipe(); err != nil {
		s.t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(s.Addr)
	cmd := s.program("postgres", "-D", s.data())
	for setting, value := range map[string]string{
		"listen_addresses":        host,
		"port":                    port,
		"unix_socket_directories": s.dir,
		"max_connections":         "100",
	} {
		cmd.Args = append(cmd.Args, "-c", setting+"="+value)
	}
	cmd.ExtraFiles = []*os.File{s.inherited}
	return cmd
}

func (s *PostgresServer) ready() error {
	s.inherited.Close()
	host, port, _ := net.SplitHostPort(s.Addr)
	if out, err := s.program("pg_isready", "--host="+host, "--port="+port).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// awaitLeftovers waits until every process of the server has ended. When the first one
// is killed the others notice and end by themselves, and until then the server refuses
// to start again.
func (s *PostgresServer) awaitLeftovers() {
	s.t.Helper()
	if s.leftovers == nil {
		return
	}
	defer s.leftovers.Close()
	s.leftovers.SetReadDeadline(time.Now().Add(patience))
	if _, err := s.leftovers.Read(make([]byte, 1)); os.IsTimeout(err) {
		s.t.Errorf("processes of the server at %s do not end", s.Addr)
	}
	s.leftovers = nil
}
