package mcpoauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// The attacks of the security considerations, section 7, of the OAuth 2.1 draft. What has
// no test here is proven by another one, which SECURITY.md names beside the section.

// §7.1.1.1: a token is made up, or a good one changed.
func TestOAuth21_7_1_NoCharacterOfATokenCanBeChangedOrLeftOut(t *testing.T) {
	s := signedIn(t)
	for name, good := range map[string]string{"an access token": s.login().access, "an API key": s.key("CI")} {
		s.wantAlive(t, name, good)
		try := func(how, changed string) {
			t.Helper()
			if res := s.call(changed); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d", name, how, res.StatusCode)
			}
		}
		for i := range good {
			try("cut short", good[:i])
			for _, c := range []byte("A_") {
				if good[i] != c {
					try("with another character", good[:i]+string(c)+good[i+1:])
				}
			}
			// The last character of 32 bytes in base64 has two bits that say nothing.
			if c := good[i] ^ 1; c > ' ' && c < 0x7f {
				try("with another bit", good[:i]+string(c)+good[i+1:])
			}
			if other := strings.ToUpper(good[i : i+1]); other != good[i:i+1] {
				try("in another case", good[:i]+other+good[i+1:])
			}
		}
		for _, more := range []string{"A", "=", "==", ".", ".sig", "%20", "~", "-", ",", ";"} {
			try("with more behind it", good+more)
		}
	}
}

// §7.1.1.2: who sees a token reads in it who connected to what.
func TestOAuth21_7_1_ATokenTellsNothing(t *testing.T) {
	s := owned(t)
	form := regexp.MustCompile(`^mcpoauth_(at|rt)_[A-Za-z0-9_-]+$`)
	first, second := s.login(), s.login()
	for _, issued := range []string{first.access, first.refresh, second.access, second.refresh} {
		if !form.MatchString(issued) {
			t.Errorf("%s is not opaque", issued)
		}
		for _, told := range []string{first.clientID, second.clientID, "owner", "mcp:tools", "example"} {
			if strings.Contains(issued, told) {
				t.Errorf("%s tells %s", issued, told)
			}
		}
	}
	if first.access[12:34] == second.access[12:34] {
		t.Error("tokens of two clients of one person can be told to belong together")
	}
}

// §7.5.2: whoever found a spent code, but nothing that proves the client, sends it again
// to have the owner's tokens revoked.
func TestOAuth21_7_5_AReplayWithoutTheClientsProofEndsNothing(t *testing.T) {
	s, clients := everyKindOfClient(t)
	stranger := s.public(webClient)
	for kind, client := range clients {
		t.Run(kind, func(t *testing.T) {
			s.in(t)
			code := s.code(authorizationRequest(client.id, webClient))
			tokens := client.send(s, exchange(code, verifier))
			spent := exchange(code, verifier)
			replays := map[string]answer{
				"no client": s.form("/token", spent), "another client": s.form("/token", with(spent, "client_id", stranger)),
				"no verifier":          client.send(s, with(spent, "code_verifier", "")),
				"no verifier's form":   client.send(s, with(spent, "code_verifier", "short")),
				"another redirect URI": client.send(s, with(spent, "redirect_uri", loopback)),
				"another resource":     client.send(s, with(spent, "resource", "https://elsewhere.example/mcp")),
			}
			if kind != "registered, none" {
				replays["no proof"] = s.form("/token", with(spent, "client_id", client.id))
				replays["a wrong proof"] = s.form("/token", with(spent, "client_id", client.id, "client_secret", "guess"))
			}
			for how, res := range replays {
				if res.StatusCode != http.StatusBadRequest && res.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", how, res.StatusCode, res.body)
				}
			}
			s.wantAlive(t, "the token of the code", tokens.text(t, "access_token"))
			client.send(s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text(t, "refresh_token")}}).wantTokens(t)
		})
	}
}

// §7.7: what the attacker guesses is 256 bits long, and none of it is a counter, a time
// or the same twice.
func TestOAuth21_7_7_EverySecretIs256RandomBits(t *testing.T) {
	const samples, length = 96, 43
	s := signedIn(t)
	made := make(map[string][]string)
	id, tokens := s.connected()
	for range samples {
		_, password := s.register(map[string]any{"redirect_uris": []string{webClient}})
		made["client secrets"] = append(made["client secrets"], password)
		tokens = s.rotate(id, tokens)
		made["access tokens"] = append(made["access tokens"], tokens.text(t, "access_token"))
		made["refresh tokens"] = append(made["refresh tokens"], tokens.text(t, "refresh_token"))
		made["codes"] = append(made["codes"], s.code(authorizationRequest(id, webClient)))
	}
	for name, all := range made {
		if slices.Sort(all); len(slices.Compact(all)) != samples {
			t.Errorf("%s repeat", name)
		}
		for at := range length {
			seen := make(map[byte]bool)
			for _, one := range all {
				if len(one) < length {
					t.Fatalf("%s are %d characters long", name, len(one))
				}
				seen[one[len(one)-1-at]] = true
			}
			// Of 64 characters some 50 are expected; the last one has 16.
			if len(seen) < 10 {
				t.Errorf("%s have only %d characters at the %dth place from their end", name, len(seen), at+1)
			}
		}
	}
}

// §7.7: answers that differ would tell how far a guess got.
func TestOAuth21_7_7_UnknownAndWrongAreAnsweredAlike(t *testing.T) {
	s := owned(t)
	id, tokens := s.connected()
	ended, dead := s.connected()
	code := s.code(authorizationRequest(id, webClient))
	access, refresh := tokens.text(t, "access_token"), tokens.text(t, "refresh_token")
	s.revoke(ended, dead.text(t, "refresh_token")).wantRevoked(t)

	// guesses are of a secret: without the form, of a grant that is not there, of one that is.
	guesses := func(good, dead string) []string {
		prefix := good[:len("mcpoauth_at_")]
		return []string{
			"rubbish", prefix, prefix + strings.Repeat("A", len(good)-len(prefix)), good[:len(prefix)+22] + strings.Repeat("A", len(good)-len(prefix)-22), dead,
		}
	}
	for name, test := range map[string]struct {
		guesses []string
		send    func(guess string) answer
	}{
		"codes":          {guesses(code, "mcpoauth_ac_x"), func(g string) answer { return s.redeem(id, webClient, g) }},
		"refresh tokens": {guesses(refresh, dead.text(t, "refresh_token")), func(g string) answer { return s.refresh(id, g) }},
		"access tokens":  {guesses(access, dead.text(t, "access_token")), s.call},
		"revocations":    {guesses(access, dead.text(t, "access_token")), func(g string) answer { return s.revoke(id, g) }},
	} {
		var first answer
		for i, guess := range test.guesses {
			res := test.send(guess)
			res.Header.Del("Date")
			if i == 0 {
				first = res
			}
			if res.StatusCode != first.StatusCode || res.body != first.body || !maps.EqualFunc(res.Header, first.Header, slices.Equal) {
				t.Errorf("%s: guess %d is answered with\n%d %v %s, the first with\n%d %v %s", name, i, res.StatusCode, res.Header, res.body, first.StatusCode, first.Header, first.body)
			}
		}
	}
	s.redeem(id, webClient, code).wantTokens(t) // no guess spent or ended anything
	s.rotate(id, tokens).wantTokens(t)
}

var secretName = regexp.MustCompile(`(?i)(hash|secret|token|password|verifier|challenge|code|assertion|digest|signature)$`)

// notSecret are comparisons of what only has the name of a secret.
var notSecret = map[string]string{
	"register/document_json.go token": "of JSON",
}

// §7.7: how long a comparison takes must not tell how much of a secret was right. So that
// one place is looked at, all of them are made by internal/secret.
func TestOAuth21_7_7_SecretsAreComparedInOnePlace(t *testing.T) {
	excused := make(map[string]bool)
	eachGoFile(t, func(path string) {
		slashed := filepath.ToSlash(path)
		for _, away := range []string{"internal/secret/", "internal/perf/", "store/storetest/"} {
			if strings.HasPrefix(slashed, away) {
				return
			}
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			x, y := compared(n)
			for _, side := range []ast.Expr{x, y} {
				name := nameOf(side)
				if !secretName.MatchString(name) || isConstant(x) || isConstant(y) {
					continue
				}
				if where := slashed + " " + name; notSecret[where] != "" {
					excused[where] = true
				} else {
					t.Errorf("%s compares %s otherwise than by internal/secret", files.Position(n.Pos()), name)
				}
			}
			return true
		})
	})
	for where := range notSecret {
		if !excused[where] {
			t.Errorf("%s is excused and not there", where)
		}
	}
}

// compared returns what a node compares in a time that depends on it.
func compared(n ast.Node) (x, y ast.Expr) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return n.X, n.Y
		}
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) != 2 {
			return nil, nil
		}
		pkg, ok := f.X.(*ast.Ident)
		if ok && slices.Contains([]string{"bytes.Equal", "bytes.Compare", "strings.Compare", "strings.EqualFold", "cmp.Compare", "reflect.DeepEqual", "subtle.ConstantTimeCompare"}, pkg.Name+"."+f.Sel.Name) {
			return n.Args[0], n.Args[1]
		}
	}
	return nil, nil
}

// nameOf returns what an expression is called, or "".
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.SliceExpr:
		return nameOf(e.X)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.Ident); ok && f.Name == "len" {
			return "" // every length is known
		}
		if len(e.Args) == 1 { // []byte(secret), form.Get("code_verifier")
			if arg, ok := e.Args[0].(*ast.BasicLit); ok {
				return strings.Trim(arg.Value, `"`)
			}
			return nameOf(e.Args[0])
		}
	}
	return ""
}

// isConstant reports whether an expression is the zero value or a word of the protocol:
// to ask whether there is a secret at all, or of which kind, tells nothing of it.
func isConstant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.ParenExpr:
		return isConstant(e.X)
	case *ast.CompositeLit:
		return len(e.Elts) == 0
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		return ok && (pkg.Name == "oauth" || pkg.Name == "http")
	}
	return false
}

// §7.9: the attacker's client dresses up as one that the person knows.
func TestOAuth21_7_9_APhishersClientIsShownByWhatItOwns(t *testing.T) {
	s := owned(t)
	for redirectURI, host := range map[string]string{
		"https://claude.ai.evil.example/api/mcp/auth_callback": "claude.ai.evil.example",
		"https://evil.example/https://claude.ai/callback":      "evil.example",
		"https://claude-ai.evil.example:8443/callback":         "claude-ai.evil.example:8443",
		"https://xn--clude-bza.ai/callback":                    "xn--clude-bza.ai",
	} {
		id, _ := s.register(map[string]any{
			"redirect_uris": []string{redirectURI, "https://claude.ai/api/mcp/auth_callback"}, "token_endpoint_auth_method": "none",
			"client_name": "Claude — verified website claude.ai", "client_uri": "https://claude.ai", "logo_uri": "https://claude.ai/logo.png", "software_id": "claude.ai",
		})
		page := s.get("/authorize?" + authorizationRequest(id, redirectURI).Encode())
		for _, says := range []string{host + " wants to use", "Website " + host + " verified", "name given by the app, not verified", "You will be sent to " + host + " "} {
			if !strings.Contains(page.words(), says) {
				t.Errorf("%s: the page does not say %q:\n%s", redirectURI, says, page.words())
			}
		}
	}
}

// §7.12: line breaks in what strangers send become headers of the answer, or lines of the
// log that somebody else seems to have caused.
func TestOAuth21_7_12_NothingOfARequestBecomesAHeaderOrALineOfTheLog(t *testing.T) {
	const forged = "forged\r\ntime=2020-01-01T00:00:00Z level=INFO msg=approval.granted user_id=owner\r\nSet-Cookie: stolen=1\r\n\r\n<script>\x1b[2J\u2028\u0085"
	logs := new(safeBuffer)
	s := through(t, build(t, mcpoauth.Config{RateLimits: unlimited, Logger: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}))
	s.setUp()
	id, _ := s.register(map[string]any{
		"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "none", "client_name": forged, "software_id": forged, "software_version": forged, "contacts": []string{forged},
	})
	request := with(authorizationRequest(id, webClient), "state", forged)
	odd := []string{"User-Agent", "x\ty", "X-Forwarded-For", "forged\tlevel=INFO", "Referer", "https://evil.example/\tmsg=approval.granted"}
	answers := map[string]answer{
		"approved": s.approve(request), "denied": s.decide(request, "deny", ""), "refused": s.get("/authorize?"+with(request, "scope", forged).Encode(), odd...),
		"unknown client": s.get("/authorize?" + with(request, "client_id", forged).Encode()), "posted": s.form("/authorize", request),
		"token": s.form("/token", redemption(forged, forged, forged), odd...), "basic": s.form("/token", url.Values{"grant_type": {"refresh_token"}}, "Authorization", basic(forged, forged)),
		"grant type": s.form("/token", url.Values{"grant_type": {forged}}), "revoke": s.revoke(forged, forged),
		"path": s.get(s.url+"/"+url.PathEscape(forged)+"/authorize", odd...), "bearer": s.call("forged\tmsg=approval.granted"),
		"resource metadata": s.get(s.url + prmMetadata + "/" + url.PathEscape(forged)), "setup": s.fetch("/passkey/register/start", map[string]string{"token": forged}),
		"return": s.get("/passkey/register?return_to=" + url.QueryEscape("/authorize?x="+forged)),
	}
	for name, res := range answers {
		for header, values := range res.Header {
			for _, value := range values {
				if header == "Stolen" || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) || header == "Set-Cookie" && strings.Contains(value, "stolen") {
					t.Errorf("%s: the header %s is %q", name, header, value)
				}
			}
		}
		if strings.Contains(res.body, "\x1b") || strings.Contains(res.Header.Get("Content-Type"), "html") && strings.Contains(res.body, "<script>") {
			t.Errorf("%s: %q", name, res.body)
		}
	}
	if res := s.approve(request).location(t); res.Get("state") != forged {
		t.Errorf("the state is %q", res.Get("state"))
	}
	granted := 0
	for line := range strings.Lines(logs.String()) {
		if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "time=2020") || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\r\x1b\x00") {
			t.Errorf("a line of the log is %q", line)
		}
		if strings.Contains(line, " msg=approval.granted ") && !strings.Contains(line, `\nmsg`) && regexp.MustCompile(`^time=\S+ level=\S+ msg=approval.granted `).MatchString(line) {
			granted++
		}
	}
	if granted != 2 {
		t.Errorf("the log has %d approvals, want the 2 that were:\n%s", granted, logs.String())
	}
}
