package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

func TestTheOwnerSeesWhatIsConnectedAndEndsIt(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.signIn(s)
	p.see("Nothing is connected yet", s.url+"/mcp")

	c := p.connectGo(s)
	c.mustCall("add_note", map[string]string{"text": "buy milk"}, new(noteAnswer))
	p.open(s.url + "/account")
	p.see("Go SDK", "unverified", "a program on a computer", "Used just now")

	p.choose("Revoke Go SDK")
	p.see("Revoked. It cannot get in any more.", "Nothing is connected yet")
	if status := probe(t, s, c.tokens.token.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("the next request is answered with %d, want 401", status)
	}
	c.refuse = true
	if err := c.call("whoami", struct{}{}, new(whoAnswer)); !errors.Is(err, errAskedAgain) {
		t.Errorf("the client says %v, want it to ask for an approval", err)
	}
}

func TestASecondPasskeyIsAddedNamedAndRemovedAndTheLastOneStays(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.signIn(s)
	p.open(s.url + "/account/passkeys")
	p.see("This is your only passkey", "It is the last one, so it cannot be removed")

	p.press("Add another passkey")
	p.press("Continue with a passkey")
	p.see("That was you. Now create the new passkey.")
	p.press("Create the new passkey")
	p.see("There is a passkey for this server on this device or in this password manager already")

	key := p.plugIn(webauthn.AuthenticatorTransportUsb)
	p.hold(p.authenticator, false)
	p.press("Create the new passkey")
	p.see("The new passkey works.", "Passkey 1", "Passkey 2", "On a security key or another device")
	if rows := p.rows(); len(rows) != 2 {
		t.Fatalf("the passkeys are %q, want two", rows)
	}

	p.do(chromedp.Click(chromedp.CSS("li:nth-child(2) summary")))
	p.fill("li:nth-child(2) input[type=text]", "Key in the drawer")
	p.do(chromedp.Click(chromedp.CSS("li:nth-child(2) details button")))
	p.see("Renamed.", "Key in the drawer")

	// With the new one alone.
	p.press("Sign out")
	p.see("Sign in with passkey")
	p.signIn(s)
	p.open(s.url + "/account/passkeys")
	if rows := p.rows(); len(rows) != 2 || !strings.Contains(rows[1], "you signed in with it") {
		t.Errorf("the passkeys are %q, want the second to have signed in", rows)
	}
	p.choose("Remove Passkey 1")
	p.see("Remove the passkey “Passkey 1”?")
	p.press("Remove with a passkey")
	p.see("The passkey was removed", "It is the last one, so it cannot be removed")
	if rows := p.rows(); len(rows) != 1 || !strings.Contains(rows[0], "Key in the drawer") {
		t.Errorf("the passkeys are %q, want the second alone", rows)
	}

	// What a page does not offer is refused to who sends it all the same.
	p.evaluate(`(() => {
		const form = document.querySelector("details form");
		form.action = "/account/passkeys/remove";
		form.submit();
		return "";
	})()`)
	p.see("The last passkey stays")
	p.expectComplaint("status of 409")

	p.hold(key, false)
	p.hold(p.authenticator, true)
	p.signedOutEverywhere(s)
	p.press("Sign in with passkey")
	p.see("Use one that was made for this server")
	p.expectComplaint("/passkey/auth/finish")
}

// signedOutEverywhere signs out of every browser, in this one.
func (p *page) signedOutEverywhere(s *server) {
	p.t.Helper()
	p.open(s.url + "/account")
	p.press("Sign out everywhere")
	p.see("You were signed out of every browser.", "Sign in with passkey")
}

func TestSigningOutEndsOneBrowserOrAll(t *testing.T) {
	s, laptop, phone := startServer(t), openPage(t), openPage(t)
	laptop.setUp(s)
	laptop.syncPasskeys(phone)
	laptop.signIn(s)
	phone.signIn(s)

	laptop.press("Sign out")
	laptop.see("Sign in with passkey")
	laptop.signedOut(s)
	phone.open(s.url + "/account/passkeys")
	phone.see("Any of these signs you in")

	phone.syncPasskeys(laptop)
	laptop.signIn(s)
	phone.signedOutEverywhere(s)
	phone.signedOut(s)
	laptop.press("Passkeys")
	laptop.see("Sign in with passkey")
	laptop.press("Sign in with passkey")
	laptop.see("Any of these signs you in") // where the link led
}

func TestAnAPIKeyIsMadeUsedAndRevoked(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.signIn(s)
	p.press("API keys")
	p.see("New key")
	p.fill("#name", "Backup job")
	p.press("Create key")
	p.see("Create the API key “Backup job”?")
	p.press("Create with your passkey")
	p.see("The key Backup job", "The key is shown this once")
	key := p.secret("mcpoauth_ak_")

	if status, answer := initialize(t, s, key); status != http.StatusOK || answer.Result.ServerInfo.Name != "notes" {
		t.Errorf("the key is answered with %d %+v", status, answer)
	}
	p.open(s.url + "/account/keys")
	p.see("Backup job", "ends in 30 days")
	if strings.Contains(p.evaluate(`document.documentElement.outerHTML`), key) {
		t.Error("the key is shown a second time")
	}
	p.choose("Revoke Backup job")
	p.see("Revoked. It cannot get in any more.")
	if len(p.rows()) != 0 {
		t.Error("the key is still there")
	}
	if status, _ := initialize(t, s, key); status != http.StatusUnauthorized {
		t.Errorf("a revoked key is answered with %d, want 401", status)
	}
	if strings.Contains(s.output.String(), key) {
		t.Error("the key is in the log")
	}
}

type initialized struct {
	Result struct {
		ServerInfo struct{ Name string } `json:"serverInfo"`
	} `json:"result"`
}

// initialize opens an MCP session as a script with nothing but curl does.
func initialize(t *testing.T, s *server, key string) (status int, answer initialized) {
	t.Helper()
	const message = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/mcp", strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal("calling the server:", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, answer
	}
	return resp.StatusCode, firstEvent[initialized](t, resp)
}

// firstEvent decodes an answer, which may come as a stream of one event.
func firstEvent[T any](t *testing.T, resp *http.Response) (answer T) {
	t.Helper()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal("reading an answer:", err)
	}
	body := string(data)
	if _, data, found := strings.Cut(body, "data: "); found {
		body, _, _ = strings.Cut(data, "\n")
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("the server answers %s: %v", body, err)
	}
	return answer
}
