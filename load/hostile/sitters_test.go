package hostile

import (
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// shortly is how long attackers wait where they wait.
const shortly = 100 * time.Millisecond

// endless drips a request or its body for a while.
func (a *attacker) endless(ctx context.Context) {
	conn := a.open(ctx, a.address())
	if conn == nil {
		return
	}
	defer conn.Close()
	request := a.request("POST", one(a, "/token", "/register", "/mcp", "/nowhere"), strings.Repeat("a=b&", 500), "Content-Type", one(a, form, json))
	for i := range 10 + a.IntN(40) {
		if _, err := conn.Write(request[i : i+1]); err != nil || !pause(ctx, shortly/5) {
			return
		}
	}
	a.seen.note(request, 0)
}

// insist asks from one address, on one connection, again and again.
func (a *attacker) insist(ctx context.Context) {
	var many []byte
	for range 200 {
		many = append(many, strings.Replace(string(a.request("GET", one(a, "/account", "/health", "/authorize", "/mcp"), "")), "Connection: close\r\n", "", 1)...)
	}
	a.sendFrom(ctx, "127.66.255.1", append(many, a.request("GET", "/health", "")...))
}

// sitters are beginnings of requests whose rest never comes, from somebody who waits: the
// server has to hang up.
func sitters(a *attacker) map[string]string {
	body := "Host: " + a.server.Host + "\r\nContent-Length: 100\r\n"
	chunked := "Host: " + a.server.Host + "\r\nTransfer-Encoding: chunked\r\n"
	return map[string]string{
		"nothing":                        "",
		"a line without an end":          "GET /mcp HT",
		"headers without an end":         "GET /mcp HTTP/1.1\r\nHost: " + a.server.Host + "\r\nX-A",
		"a form":                         "POST /token HTTP/1.1\r\n" + body + "Content-Type: " + form + "\r\n\r\na",
		"a form of another type":         "POST /token HTTP/1.1\r\n" + body + "\r\na",
		"a registration":                 "POST /register HTTP/1.1\r\n" + body + "Content-Type: " + json + "\r\n\r\n{",
		"a registration in chunks":       "POST /register HTTP/1.1\r\n" + chunked + "Content-Type: " + json + "\r\n\r\n64\r\n{",
		"a page with a body":             "GET /authorize HTTP/1.1\r\n" + body + "\r\na",
		"a call without a token":         "POST /mcp HTTP/1.1\r\n" + body + "\r\n{",
		"a call with a bad token":        "POST /mcp HTTP/1.1\r\n" + body + "Authorization: Bearer " + a.word(60) + "\r\n\r\n{",
		"a call in chunks, and no token": "POST /mcp HTTP/1.1\r\n" + chunked + "\r\n64\r\n{",
		"what is nowhere":                "POST /nowhere HTTP/1.1\r\n" + body + "\r\na",
		"a preflight with a body":        "OPTIONS /mcp HTTP/1.1\r\n" + body + "\r\na",
	}
}

// deaf are requests from somebody who sends them for ever, and reads no answer.
func deaf(a *attacker) map[string]string {
	return map[string]string{
		"for pages":        "GET /account/sign-in HTTP/1.1\r\nHost: " + a.server.Host + "\r\n\r\n",
		"for metadata":     "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: " + a.server.Host + "\r\n\r\n",
		"without a token":  "POST /mcp HTTP/1.1\r\nHost: " + a.server.Host + "\r\n\r\n",
		"with a bad token": "POST /mcp HTTP/1.1\r\nHost: " + a.server.Host + "\r\nAuthorization: Bearer x\r\n\r\n",
	}
}

// sit sends the beginning and waits until the server hangs up.
func (a *attacker) sit(beginning string) (hungUp bool) {
	return a.wait(func(conn net.Conn) error {
		if _, err := io.WriteString(conn, beginning); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, conn)
		return err
	})
}

// ignore sends requests until the server hangs up.
func (a *attacker) ignore(request string) (hungUp bool) {
	many := strings.Repeat(request, 1000)
	return a.wait(func(conn net.Conn) (err error) {
		for err == nil {
			_, err = io.WriteString(conn, many)
		}
		return err
	})
}

// wait does something that ends with the connection, however long the traffic lasts.
func (a *attacker) wait(with func(net.Conn) error) (hungUp bool) {
	conn := a.open(context.Background(), a.address())
	if conn == nil {
		return true
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	return !isTimeout(with(conn))
}
