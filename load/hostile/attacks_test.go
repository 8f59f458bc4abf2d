package hostile

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/mcpoauth/mcpoauth/load/target"
)

const (
	form = "application/x-www-form-urlencoded"
	json = "application/json"
)

// attacks are what the attackers do, one after the other and all at once.
var attacks = map[string]func(*attacker, context.Context){
	"anything anywhere":             (*attacker).anything,
	"huge bodies":                   (*attacker).hugeBody,
	"header bombs":                  (*attacker).headerBomb,
	"registrations":                 (*attacker).registration,
	"bad JSON":                      (*attacker).badJSON,
	"ceremonies":                    (*attacker).ceremony,
	"half of an authorization":      (*attacker).halfAuthorization,
	"documents that are elsewhere":  (*attacker).document,
	"junk for tokens":               (*attacker).junkRefresh,
	"bad tokens":                    (*attacker).badToken,
	"pretended proxies and hosts":   (*attacker).pretence,
	"what is no HTTP":               (*attacker).garbage,
	"connections that are cut":      (*attacker).cut,
	"answers that are hardly read":  (*attacker).slowRead,
	"requests without an end":       (*attacker).endless,
	"one address that never pauses": (*attacker).insist,
}

var (
	methods = []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW", "get", "A-VERY-LONG-METHOD-OF-NOBODY"}
	paths   = []string{
		"/", "/mcp", "/mcp/", "/mcp/a/b", "/MCP", "/mcp%2f", "/authorize", "/token", "/revoke", "/register", "/account", "/account/keys", "/account/revoke",
		"/account/people/invite", "/passkey/register", "/passkey/enrol", "/passkey/register/start", "/passkey/register/finish", "/passkey/auth/start",
		"/passkey/auth/finish", "/health", "/authorize/assets/page.css", "/authorize/assets/..%2f..%2fgo.mod", "/.well-known/oauth-protected-resource",
		"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
		"/.well-known/../mcp", "//mcp", "/./mcp", "/mcp/../authorize", "/%00", "/%ff%fe", "/?" + strings.Repeat("a=1&", 200), "*", "http://evil.example/mcp",
	}
	types = []string{form, json, "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-7", "", ";;;", strings.Repeat("x", 5000)}
)

func (a *attacker) anything(ctx context.Context) {
	path := one(a, paths...)
	if a.IntN(3) == 0 {
		path += "?" + url.Values{a.word(1 + a.IntN(20)): {a.word(a.IntN(2000))}, one(a, "client_id", "resource", "state", "scope"): {string(a.noise(a.IntN(50)))}}.Encode()
	}
	headers := []string{"Content-Type", one(a, types...), "Accept", one(a, "text/html", json, "*/*", ""), "Origin", one(a, "https://evil.example", "null", "http://"+a.server.Host)}
	if a.IntN(2) == 0 {
		headers = append(headers, "Sec-Fetch-Site", one(a, "same-origin", "cross-site"), "Sec-Fetch-Dest", one(a, "document", "iframe"),
			"Cookie", one(a, "__Host-browser", "browser", "session", a.word(5))+"="+string(a.word(a.IntN(3000))))
	}
	a.send(ctx, a.request(one(a, methods...), path, string(a.noise(a.IntN(300))), headers...))
}

func (a *attacker) hugeBody(ctx context.Context) {
	body := strings.Repeat(a.word(64), 1+a.IntN(8<<10)) // up to half a megabyte
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: %s\r\n", one(a, "POST", "PUT", "GET"), one(a, paths...), a.server.Host, one(a, form, json))
	switch a.IntN(3) {
	case 0: // more is promised than ever comes
		a.half(ctx, fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, one(a, 1<<20, 1<<40, 1<<62), body))
	case 1:
		a.send(ctx, fmt.Appendf(nil, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body))
	default:
		a.send(ctx, fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body))
	}
}

// half sends what has no end, and then ends what it sends.
func (a *attacker) half(ctx context.Context, request []byte) {
	conn := a.open(ctx, a.address())
	if conn == nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write(request) // it may have been enough before
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	answer := make([]byte, 12)
	_, _ = conn.Read(answer)
	a.seen.note(request, statusOf(answer))
}

func (a *attacker) headerBomb(ctx context.Context) {
	bomb := "GET " + one(a, paths...) + " HTTP/1.1\r\nHost: " + a.server.Host + "\r\nConnection: close\r\n"
	switch a.IntN(4) {
	case 0:
		bomb += "X-Long: " + strings.Repeat("a", 2<<20)
	case 1:
		bomb += strings.Repeat("X-"+a.word(8)+": b\r\n", 20_000)
	case 2:
		bomb += "Authorization: Bearer " + strings.Repeat("x", 500<<10)
	default:
		bomb += strings.Repeat("Cookie: a="+a.word(50)+"; b=c\r\n", 5_000) + "X-Forwarded-For: " + strings.Repeat("10.0.0.1, ", 20_000)
	}
	a.send(ctx, []byte(bomb+"\r\n\r\n"))
}

func (a *attacker) registration(ctx context.Context) {
	a.send(ctx, a.request("POST", "/register", metadata(a), "Content-Type", json))
}

// metadata are of a client that is large, and like no other.
func metadata(a *attacker) string {
	return fmt.Sprintf(`{"client_name":"%s","redirect_uris":["https://evil.example/%s","http://127.0.0.1:1/%s"],"token_endpoint_auth_method":"%s"}`,
		a.word(20), a.word(1000), a.word(1000), one(a, "none", "client_secret_basic", "client_secret_post"))
}

func (a *attacker) badJSON(ctx context.Context) {
	deep := 1 + a.IntN(20_000)
	body := one(a,
		strings.Repeat("[", deep), strings.Repeat(`{"a":`, deep), strings.Repeat("[", deep)+strings.Repeat("]", deep), `{"redirect_uris":`+strings.Repeat("[", deep),
		`null`, `[]`, `"x"`, `{"redirect_uris":null}`, `{"redirect_uris":["javascript:alert(1)"]}`, `{"redirect_uris":[`+strings.Repeat(`"https://a.example",`, 2000)+`""]}`,
		`{"client_name":"`+strings.Repeat("\\u0000", 5000)+`"}`, `{"jwks":{"keys":[{"kty":"RSA","n":"`+a.word(20_000)+`","e":"AQAB"}]},"token_endpoint_auth_method":"private_key_jwt"}`,
		`{"digest":1e999}`, string(a.noise(500)), `{"ceremony":"`+a.word(40)+`","credential":`+strings.Repeat("[", deep)+`}`,
	)
	path := one(a, "/register", "/passkey/register/start", "/passkey/register/finish", "/passkey/auth/start", "/passkey/auth/finish")
	a.send(ctx, a.request("POST", path, body, "Content-Type", json))
}

func (a *attacker) ceremony(ctx context.Context) {
	path, body := "/passkey/auth/start", `{"digest":"`+someDigest(a)+`"}`
	switch a.IntN(4) {
	case 0:
		path, body = "/passkey/register/start", `{"token":"`+a.word(43)+`"}`
	case 1:
		path, body = "/passkey/auth/finish", `{"ceremony":"`+a.word(43)+`","credential":{"id":"`+a.word(20)+`","type":"public-key","response":{}}}`
	}
	a.send(ctx, a.request("POST", path, body, "Content-Type", json))
}

var digest = regexp.MustCompile(`data-digest="([^"]+)"`)

// halfAuthorization gets the page, begins to touch, and goes away; or says that it has
// touched when it has not.
func (a *attacker) halfAuthorization(ctx context.Context) {
	from, state := a.address(), a.word(1+a.IntN(500))
	target := target.AuthorizePage + state
	page := a.sendFrom(ctx, from, a.request("GET", target, "", "Accept", "text/html"))
	if found := digest.FindSubmatch(page); found != nil {
		a.sendFrom(ctx, from, a.request("POST", "/passkey/auth/start", `{"digest":"`+string(found[1])+`"}`, "Content-Type", json, "Cookie", "browser="+a.word(43)))
	}
	if a.IntN(2) == 0 {
		decision := url.Values{"decision": {one(a, "approve", "deny", "maybe")}, "ceremony": {a.word(43)}}.Encode()
		a.sendFrom(ctx, from, a.request("POST", target, decision, "Content-Type", form, "Origin", "http://"+a.server.Host, "Sec-Fetch-Site", "same-origin"))
	}
}

// document has the server asked to fetch what it must not reach.
func (a *attacker) document(ctx context.Context) {
	host := one(a, "127.0.0.1", "localhost", "10.0.0.1", "[::1]", "169.254.169.254", "0x7f.1", a.server.Host, "127.0.0.1:22", "a@127.0.0.1")
	query := url.Values{"response_type": {"code"}, "client_id": {"https://" + host + "/" + a.word(8)}, "redirect_uri": {"https://" + host + "/callback"}}
	a.send(ctx, a.request("GET", "/authorize?"+query.Encode(), ""))
}

func (a *attacker) junkRefresh(ctx context.Context) {
	own := one(a, a.server.Access...) // whose grant is there, but not this secret of it
	token := one(a, a.word(43), strings.Replace(own, "_at_", "_rt_", 1)+a.word(43), own[:len(own)-6]+a.word(6), strings.Repeat("x", 40<<10))
	values := url.Values{
		"grant_type": {one(a, "refresh_token", "authorization_code", "password", "client_credentials", "")}, "client_id": {one(a, a.server.Client, a.word(10))},
		"refresh_token": {token}, "code": {token}, "code_verifier": {a.word(43)}, "token": {token}, "redirect_uri": {"https://client.example/callback"},
	}
	headers := []string{"Content-Type", form}
	if a.IntN(3) == 0 {
		headers = append(headers, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.word(5)+":"+string(a.noise(30)))))
	}
	a.send(ctx, a.request("POST", one(a, "/token", "/token", "/revoke"), values.Encode(), headers...))
}

func (a *attacker) badToken(ctx context.Context) {
	own := one(a, a.server.Access...)
	header := one(a, "Bearer "+own[:len(own)-6]+a.word(6), "Bearer "+a.word(80), "Bearer", "Bearer "+strings.Repeat("y", 20<<10), "Basic "+a.word(40), "bearer\t"+own,
		"Bearer "+own+" "+own, "DPoP "+own, a.word(3))
	headers := []string{"Authorization", header, "Content-Type", json, "Mcp-Session-Id", a.word(30)}
	if a.IntN(4) == 0 {
		headers = append(headers, "Authorization", "Bearer "+own)
	}
	a.send(ctx, a.request(one(a, "POST", "GET", "DELETE"), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize"}`, headers...))
}

func (a *attacker) pretence(ctx context.Context) {
	headers := []string{
		"X-Forwarded-For", one(a, "127.0.0.1", "203.0.113.7, 10.0.0.1", strings.Repeat("1.1.1.1,", 3000), string(a.word(50)), address(a.IntN(1<<16))),
		"X-Forwarded-Host", a.word(12) + ".example", "X-Forwarded-Proto", one(a, "http", "https", "gopher"), "Forwarded", "for=127.0.0.1;host=evil.example",
		"X-Real-Ip", "127.0.0.1", "Sec-Fetch-Dest", "document",
	}
	request := a.request("GET", one(a, "/authorize", "/a/"+a.word(6)+"/token", "/health", "/account", "/.well-known/oauth-authorization-server", target.AuthorizePage), "", headers...)
	if a.IntN(2) == 0 {
		request = []byte(strings.Replace(string(request), "Host: "+a.server.Host, "Host: "+one(a, a.word(20)+".example", "", "[::", "evil.example:99999"), 1))
	}
	a.send(ctx, request)
}

func (a *attacker) garbage(ctx context.Context) {
	host := "Host: " + a.server.Host + "\r\n"
	a.send(ctx, one(a,
		a.noise(1+a.IntN(2000)),
		append([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), a.noise(510)...), // a greeting of TLS
		[]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		[]byte("GET /mcp\r\n\r\n"), []byte("GET /mcp HTTP/9.9\r\n"+host+"\r\n"), []byte("GET /mcp HTTP/1.1\r\n\r\n"), []byte("GET /mcp HTTP/1.1\r\n"+host+host+"\r\n"),
		[]byte("POST /token HTTP/1.1\r\n"+host+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n"+host+"\r\n"),
		[]byte("POST /token HTTP/1.1\r\n"+host+"Content-Length: -1\r\n\r\n"), []byte("POST /token HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\n\r\nzzzz\r\n"),
		[]byte("GET /mcp HTTP/1.1\r\n"+host+"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"),
		[]byte("\r\n\r\n\r\n"), []byte("GET / HTTP/1.1\r\n"+host+" folded: x\r\nConnection: close\r\n\r\n"), []byte("GET / HTTP/1.0\r\nA\x00: b\r\n\r\n"),
	))
}

// cut leaves in the middle, politely or not.
func (a *attacker) cut(ctx context.Context) {
	conn := a.open(ctx, a.address())
	if conn == nil {
		return
	}
	defer conn.Close()
	request := a.request("POST", one(a, paths...), a.word(2000), "Content-Type", form)
	_, _ = conn.Write(request[:a.IntN(len(request))])
	if tcp, ok := conn.(*net.TCPConn); ok && a.IntN(2) == 0 {
		_ = tcp.SetLinger(0) // a reset
	}
}

// slowRead asks for pages, many at once, and takes a little of them.
func (a *attacker) slowRead(ctx context.Context) {
	conn := a.open(ctx, a.address())
	if conn == nil {
		return
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(2 << 10)
	}
	go func() {
		for range 50 {
			if _, err := conn.Write([]byte("GET " + target.AuthorizePage + " HTTP/1.1\r\nHost: " + a.server.Host + "\r\n\r\n")); err != nil {
				return
			}
		}
	}()
	answer := make([]byte, 512)
	for range 3 {
		if _, err := conn.Read(answer); err != nil || !pause(ctx, shortly) {
			return
		}
	}
	a.seen.note(nil, 0)
}
