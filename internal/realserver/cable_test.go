package realserver_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

func TestACableCarriesCutsAndMends(t *testing.T) {
	cable := realserver.NewCable(t, echo(t))
	conn, err := net.Dial("tcp", cable.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	says(t, conn, "hello", true)
	cable.Cut()
	says(t, conn, "anybody", false)
	cable.Mend()
	hears(t, conn, "anybody", true)
	cable.Reset()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the reset")
	}
}

func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(conn, conn)
		}
	}()
	return l.Addr().String()
}

func says(t *testing.T, conn net.Conn, word string, answered bool) {
	t.Helper()
	if _, err := conn.Write([]byte(word)); err != nil {
		t.Fatal(err)
	}
	hears(t, conn, word, answered)
}

func hears(t *testing.T, conn net.Conn, word string, answered bool) {
	t.Helper()
	wait := 100 * time.Millisecond
	if answered {
		wait = 10 * time.Second
	}
	conn.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, len(word))
	_, err := io.ReadFull(conn, buf)
	if answered != (err == nil) || answered && string(buf) != word {
		t.Fatalf("heard %q, %v; want an answer: %v", buf, err, answered)
	}
}
