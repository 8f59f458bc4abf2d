package mcpoauth_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// An advisory is a mistake that another authorization server made or is making, as far as
// its public advisory, issue or a run of it says, and where it is tried here.
type advisory struct {
	id       string // GHSA or CVE; or the issue
	project  string
	happened string
	tests    []string
}

var advisories = []advisory{
	// Approval
	{"GHSA-rww4-4w9c-7733 CVE-2026-27124", "fastmcp", "the browser that came back from the identity provider need not be the one that had consented", []string{"TestR38_AnApprovalCountsOnlyInTheBrowserThatGaveIt"}},
	{"GHSA-c2jp-c369-7pvx", "fastmcp", "a client that anybody registered was approved by a consent given to another", []string{"TestR38_AnApprovalCountsOnlyForItsRequest", "TestR38_NothingIsEverApprovedSilently"}},
	{"GHSA-7w2c-w47h-789w CVE-2023-34246", "doorkeeper", "a public client that was approved once was never asked for again, whoever used its ID", []string{"TestR38_NothingIsEverApprovedSilently", "TestForAProgramOnThisComputerNothingWasApprovedBefore"}},
	{"GHSA-vh7g-p26c-j2cw CVE-2022-39222", "dex", "who knew the ID of a request got the code of whoever approved it", []string{"TestR38_AnApprovalCountsOnlyInTheBrowserThatGaveIt", "TestR38_GETKeepsNothingAndSetsNoCookie"}},
	{"better-auth#9198", "better-auth", "codes were issued before the second factor", []string{"TestAPersonWhoIsNotVerifiedApprovesNothing", "TestR38_NothingIsEverApprovedSilently"}},
	{"CVE-2018-1260", "spring-security-oauth", "the page evaluated an expression in the scope", []string{"TestCVE_2018_1260_ExpressionsOfAStrangerAreText"}},

	// Redirects
	{"GHSA-4pc9-x2fx-p7vj CVE-2025-4143", "workers-oauth-provider", "the redirect URI was looked at when the code was redeemed, and not before it was sent", []string{"TestR28_ARedirectURIThatIsNotRegisteredIsNeverFollowed", "TestR38_TheDecisionChecksTheRequestAnew"}},
	{"GHSA-grfp-q2mm-hfp6 CVE-2020-15234", "fosite", "letters of either case matched", []string{"TestGHSA_TheRedirectsThatOtherServersTookAreRefused"}},
	{"GHSA-rfq3-w54c-f9q5 CVE-2020-15233", "fosite", "on loopback the query and the case could be others too", []string{"TestGHSA_TheRedirectsThatOtherServersTookAreRefused"}},
	{"GHSA-w8gr-xwp4-r9f7 CVE-2024-8883", "keycloak", "with loopback, what stood before an @ was taken for the host", []string{"TestGHSA_TheRedirectsThatOtherServersTookAreRefused"}},
	{"CVE-2022-3782 CVE-2026-3872", "keycloak", "an encoded or odd ../ led out of the registered path", []string{"TestGHSA_TheRedirectsThatOtherServersTookAreRefused"}},
	{"CVE-2023-6927", "keycloak", "wildcards, with another response mode", []string{"TestRFC9700_4_1_APatternIsNoMoreThanItsLetters", "TestRFC9700_4_17_NoResponseModeSpeaksThroughTheBrowser"}},
	{"CVE-2024-52289", "authentik", "a registered dot matched any letter", []string{"TestGHSA_TheRedirectsThatOtherServersTookAreRefused"}},
	{"go-oauth2 (run)", "go-oauth2", "any host that ends like the registered one matched", []string{"TestGHSA_TheRedirectsThatOtherServersTookAreRefused"}},
	{"CVE-2026-9689", "keycloak", "parameters given twice were read in two ways", []string{"TestR37_ALinkThatIsNoRequestIsExplained", "TestR40_AParameterGivenTwiceIsRefused", "TestRFC9700_4_4_ARegisteredAddressCannotBringAnIssuerOfItsOwn"}},
	{"CVE-2026-44681", "authlib", "a request that was broken in one way redirected before anything was checked", []string{"TestR28_ARedirectURIThatIsNotRegisteredIsNeverFollowed", "TestRFC9700_4_11_ALinkAloneSendsNobodyToAStrangersSite"}},
	{"CVE-2026-22752", "spring-authorization-server", "a registration brought scripts as addresses, inner addresses for its keys, and scopes of its own", []string{"TestCVE_2026_22752_ARegistrationReachesNothingAndRunsNowhere"}},
	{"python-sdk#2629", "MCP Python SDK", "any scheme could be registered", []string{"TestCVE_2026_22752_ARegistrationReachesNothingAndRunsNowhere", "TestR25_ADangerousOrMalformedRedirectURIIsRefusedWithItsReason"}},
	{"GHSA-g9hg-qhmf-q45m CVE-2025-58444", "MCP Inspector", "a redirect to a script ran in the page", []string{"TestCVE_2026_22752_ARegistrationReachesNothingAndRunsNowhere", "TestR37_PagesCannotBeFramedOrScriptedAndTheirFormMayLeadAway"}},
	{"GHSA-qqxw-m5fj-f7gv CVE-2020-5233", "oauth2-proxy", `after signing in, /\evil.example was a path`, []string{"TestR37_ThePageAfterTheSetupLeadsNowhereElse", "TestSigningInLeadsNowhereButToTheAccount"}},
	{"tuannvm (run)", "mcp-trino's oauth", "two sign-ins at once exchanged their redirect URIs", []string{"TestManySignInsAtOnceNeverCross"}},

	// PKCE and codes
	{"GHSA-qgp8-v765-qxx9 CVE-2025-4144", "workers-oauth-provider", "PKCE could be left out of a flow that had begun with it", []string{"TestRFC9700_4_8_PKCECannotBeTakenOutOfTheRequestsOfAnyClient"}},
	{"GHSA-fm34-v8xq-f2c3 CVE-2023-48228", "authentik", "without a verifier none was checked", []string{"TestRFC9700_4_8_PKCECannotBeTakenOutOfTheRequestsOfAnyClient"}},
	{"GHSA-mrx3-gxjx-hjqj CVE-2024-23647", "authentik", "a verifier for a request that had no challenge was taken", []string{"TestRFC9700_4_8_PKCECannotBeTakenOutOfTheRequestsOfAnyClient"}},
	{"GHSA-x637-x8p3-5p22 CVE-2024-22258", "spring-authorization-server", "PKCE of clients with a secret could be taken out", []string{"TestRFC9700_4_8_PKCECannotBeTakenOutOfTheRequestsOfAnyClient"}},
	{"better-auth#10637; obot (run)", "better-auth, obot", "PKCE is checked for those who ask for it", []string{"TestRFC9700_4_8_PKCECannotBeTakenOutOfTheRequestsOfAnyClient"}},
	{"GHSA-xqxv-4jc2-x56x", "zitadel", "codes and refresh tokens were good for any client that proved itself", []string{"TestGHSA_xqxv_4jc2_x56x_WhatIsOneClientsIsNoOthersWhoeverProvesItself", "TestRFC9700_4_14_AStolenRefreshTokenOfAClientWithAProofNeedsThatToo"}},
	{"GHSA-8m7c-hf24-5g47 CVE-2026-47386", "NocoDB", "of two exchanges of one code at once both got tokens of their own", []string{"TestGHSA_8m7c_hf24_5g47_OfManyExchangesOfACodeAtOnceComesOnePairOfTokens"}},

	// Tokens
	{"GHSA-6mq3-xmgp-pjm5", "zitadel", "a token that was cut short was still good", []string{"TestOAuth21_7_1_NoCharacterOfATokenCanBeChangedOrLeftOut"}},
	{"CVE-2025-69196", "fastmcp", "tokens were for the server as a whole, whatever resource was asked for", []string{"TestR56_ATokenForOneResourceIsRefusedAtAnother", "TestR33_ResourceMayBeAbsentOrRepeatedButNotAmbiguous"}},
	{"giantswarm (run)", "mcp-oauth", "a refresh token was good as a bearer token, and a strange token was tried at another server", []string{"TestGuardTakesAccessTokensInTheHeaderAndNothingElse", "TestAStrangersTokenIsTriedNowhereElse"}},
	{"toolhive, workers-oauth-provider, obot (run)", "several", "refreshes at once forked the session, a spent token went on working, or the wrong one died", []string{"TestR45_ManyRefreshesAtOnceAllSucceedAndLeaveOneChain", "TestR45_AReuseAfterTheGracePeriodEndsTheGrantAndIsLogged"}},
	{"GHSA-7mqr-2v3q-v2wm CVE-2020-15223", "fosite", "a revocation that the store refused was answered as done", []string{"TestR49_TroubleInTheStoreIs503WithRetryAfterAndEndsNothing", "TestR49_AReuseThatCannotBeRevokedIs503AndRevokedTheNextTime"}},
	{"CVE-2016-6582", "doorkeeper", "a public client's revocation did nothing, and anybody's token could be revoked", []string{"TestR52_RevokingARefreshTokenEndsEveryAccessTokenAtOnce", "TestR57_AnotherClientsTokenIsLeftAlone"}},

	// Clients with keys
	{"GHSA-3p3g-vpw6-4w66; GHSA-v3q9-2p3m-7g43 CVE-2020-15222", "hydra, fosite", "an assertion could be used again", []string{"TestRFC7523_OfManyUsesAtOnceOneGetsIn", "TestRFC7523_AnAssertionIsGoodOnceForAllEndpointsTogether"}},
	{"CVE-2026-28802; CVE-2025-59420; GHSA-wxg7-w2v3-w38g", "authlib, zitadel", "alg none, an unknown crit and no exp were taken", []string{"TestRFC7523_WhatIsWrongInOneWayIsRefusedAndSpendsNothing"}},
	{"CVE-2025-61920", "authlib", "an endless assertion was decoded before it was refused", []string{"TestR40_TheTokenEndpointTakesFormsAndNothingElse", "TestRFC7523_WhatIsWrongInOneWayIsRefusedAndSpendsNothing"}},

	// Requests that this server makes, and what they say of it
	{"CVE-2020-10770", "keycloak", "request_uri made the server fetch any address", []string{"TestCVE_2020_10770_NoRequestMakesThisServerFetchAnything"}},
	{"GHSA-mwmh-7px9-4c23 CVE-2025-64101", "zitadel", "links for people were made from a forwarded Host", []string{"TestGHSA_mwmh_7px9_4c23_LinksForPeopleAreOfTheConfiguredNameWhateverHostIsAsked", "TestR13_EveryURLIsOfTheConfigurationWhateverTheRequestSays"}},
	{"CVE-2025-6514", "mcp-remote", "clients run what the metadata of a server says", []string{"TestCVE_2025_6514_NothingButTheConfigurationGetsIntoTheMetadata"}},
	{"GHSA-mchx-7j67-8mcf CVE-2024-41657; obot; zitadel", "casdoor and others", "any origin was allowed, with credentials", []string{"TestR11_PagesAndTheirEndpointsAreForThisOriginAlone", "TestR11_APreflightAllowsNoMoreThanItShould"}},

	// MCP
	{"GHSA-wvj2-96wp-fq3f CVE-2026-27896", "MCP Go SDK", "members in another case, or with letters that fold to ours, were taken for ours", []string{"TestGHSA_wvj2_96wp_fq3f_AMemberInOtherLettersHidesNoTool", "TestToolsNeedScopesOfTheirOwn"}},
	{"GHSA-xw59-hvm2-8pj6; GHSA-9h52-p55h-vw2f; GHSA-w48q-cv73-mx4w", "MCP SDKs", "a website whose name was rebound to this computer called the server there", []string{"TestGHSA_xw59_hvm2_8pj6_AReboundNameReachesNothing"}},
	{"GHSA-345p-7cg4-v4c7 CVE-2026-25536", "MCP TypeScript SDK", "one client got another's answers", []string{"TestGuardGivesEachRequestScopesOfItsOwn", "TestManySignInsAtOnceNeverCross"}},
}

func TestEachAdvisoryIsTriedByTestsThatExist(t *testing.T) {
	exists, seen := testsOfAllModules(t), make(map[string]bool)
	for _, a := range advisories {
		if a.id == "" || seen[a.id] || a.project == "" || a.happened == "" || len(a.tests) == 0 {
			t.Errorf("the row of %q is not whole, or there twice", a.id)
		}
		seen[a.id] = true
		for _, name := range a.tests {
			if !exists[name] {
				t.Errorf("%s names %s, which does not exist", a.id, name)
			}
		}
	}
}

func TestGHSA_TheRedirectsThatOtherServersTookAreRefused(t *testing.T) {
	s := owned(t)
	for registered, tries := range map[string][]string{
		webClient: {
			"https://Client.example/callback", "HTTPS://client.example/callback", "https://client.example/Callback", // fosite, GHSA-grfp-q2mm-hfp6
			"https://clientXexample/callback",                                             // authentik, CVE-2024-52289
			"https://evilclient.example/callback", "https://evil.client.example/callback", // go-oauth2
			"https://client.example/callback/..;/evil", "https://client.example/callback%252f..%252fevil", "https://client.example/callback/%2e%2e/evil", // keycloak
			"https://client.example/callback?x=1", "https://client.example/callback%00", "https://client.example/callback%0a", "https://client.example:443/callback",
			"https://client.example\u3002evil.example/callback", "https://client.example%2eevil.example/callback", "https:/client.example/callback", "https:client.example/callback",
			webClient + " ", " " + webClient, webClient + "," + loopback, webClient + " https://evil.example/",
		},
		loopback: {
			"http://127.0.0.1:4711/Callback", "http://127.0.0.1:4711/callback?to=https://evil.example", "HTTP://127.0.0.1:4711/callback", // fosite, GHSA-rfq3-w54c-f9q5
			"http://127.0.0.1:4711@evil.example/callback", "http://127.0.0.1@evil.example/callback", "http://127.0.0.1:@evil.example/callback", // keycloak, CVE-2024-8883
			"http://127.0.0.1:49152:1@evil.example/callback", "http://evil.example/127.0.0.1:4711/callback", "http://127.0.0.1:4711.evil.example/callback",
			"http://127.0.0.1:4711/callback/../evil", "http://127.0.0.1:4711/callback/..;/evil", "http://127.0.0.2:4711/callback", "http://[::ffff:127.0.0.1]:4711/callback",
			"https://127.0.0.1:4711/callback", "http://127.0.0.1:-1/callback", "http://127.0.0.1:4711#@evil.example/callback", `http://127.0.0.1:4711\@evil.example/callback`,
		},
		"http://localhost/callback": {
			"http://LOCALHOST/Callback", "http://localhost@evil.example/callback", "http://localhost:80@evil.example/callback", "http://localhost.evil.example/callback",
			"http://localhost/callback%252f..%252f", "http://127.0.0.1/callback", "http://localhost./callback", "http://x.localhost/callback",
		},
	} {
		request := authorizationRequest(s.public(registered), registered)
		ceremony := s.touch(s.get("/authorize?" + request.Encode()))
		for _, tried := range tries {
			for _, res := range []answer{s.get("/authorize?" + with(request, "redirect_uri", tried).Encode()), s.decide(with(request, "redirect_uri", tried), "approve", ceremony)} {
				if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || res.target() != "" {
					t.Errorf("%q, registered %s: %d to %q", tried, registered, res.StatusCode, res.target())
				}
			}
		}
	}
}

// The attacker has a client of their own that proves itself, a stolen code, and even its
// verifier.
func TestGHSA_xqxv_4jc2_x56x_WhatIsOneClientsIsNoOthersWhoeverProvesItself(t *testing.T) {
	s, clients := everyKindOfClient(t)
	for kind, victim := range clients {
		t.Run(kind, func(t *testing.T) {
			s.in(t)
			code := s.code(authorizationRequest(victim.id, webClient))
			for other, thief := range clients {
				if other != kind {
					thief.send(s, exchange(code, verifier)).wantError(t, http.StatusBadRequest, "invalid_grant")
				}
			}
			victim.send(s, exchange(code, verifier)).wantTokens(t)
		})
	}
}

// atOnce runs try many times at once.
func atOnce(many int, try func(i int)) {
	var wg sync.WaitGroup
	gun := make(chan struct{})
	for i := range many {
		wg.Go(func() {
			<-gun
			try(i)
		})
	}
	close(gun)
	wg.Wait()
}

func TestGHSA_8m7c_hf24_5g47_OfManyExchangesOfACodeAtOnceComesOnePairOfTokens(t *testing.T) {
	s, _ := inProcess(t, mcpoauth.Config{})
	s.setUp()
	for range 5 {
		id := s.public(webClient)
		form := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))
		answers := make([]answer, 20)
		atOnce(len(answers), func(i int) { answers[i] = s.form("/token", form) })
		for _, a := range answers {
			sameTokens(t, a, answers[0])
		}
		s.revoke(id, answers[0].text(t, "access_token")).wantRevoked(t)
		s.wantDead(t, "the one access token", answers[7].text(t, "access_token"))
		s.rotate(id, answers[3]).wantTokens(t)
	}
}

// What belongs to one request is never kept where another finds it.
func TestManySignInsAtOnceNeverCross(t *testing.T) {
	s, _ := inProcess(t, mcpoauth.Config{})
	s.setUp()
	const clients, rounds = 8, 10
	uris, ids, access := make([]string, clients), make([]string, clients), make([]string, clients)
	for i := range clients {
		uris[i] = "https://client-" + string(rune('a'+i)) + ".example/callback"
		ids[i] = s.public(uris[i])
		access[i] = s.redeem(ids[i], uris[i], s.code(authorizationRequest(ids[i], uris[i]))).text(t, "access_token")
	}
	atOnce(clients*rounds, func(n int) {
		i := n % clients
		state := ids[i] + "-state"
		request := with(authorizationRequest(ids[i], uris[i]), "state", state)
		if res := s.decide(request, "deny", ""); !strings.HasPrefix(res.Header.Get("Location"), uris[i]+"?") || !strings.Contains(res.Header.Get("Location"), "state="+state) {
			t.Errorf("%s is sent to %s", uris[i], res.Header.Get("Location"))
		}
		if page := s.get("/authorize?" + request.Encode()); !strings.Contains(page.body, "<bdi>"+uris[i]+"</bdi>") || strings.Count(page.body, "example/callback</bdi>") != 1 {
			t.Errorf("the page of %s is of another", uris[i])
		}
		var seen struct{ Identity struct{ ClientID string } }
		if res := s.call(access[i]); json.Unmarshal([]byte(res.body), &seen) != nil || seen.Identity.ClientID != ids[i] {
			t.Errorf("the token of %s is answered with %d %s", ids[i], res.StatusCode, res.body)
		}
	})
}

// An outside is every other server: it counts who is asked for what.
type outside struct {
	mu    sync.Mutex
	asked []string
}

func (o *outside) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.Method+" "+r.URL.String())
	return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

func (o *outside) wantNobodyAsked(t *testing.T) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.asked) > 0 {
		t.Errorf("this server asked for %q", o.asked)
	}
}

const inner = "http://169.254.169.254/latest/meta-data/"

func TestCVE_2020_10770_NoRequestMakesThisServerFetchAnything(t *testing.T) {
	others := new(outside)
	s := serve(t, mcpoauth.Config{DangerouslyFetchThrough: others})
	s.setUp()
	request := with(authorizationRequest(s.public(webClient), webClient),
		"request_uri", "https://evil.example/request.jwt", "request", "eyJhbGciOiJub25lIn0.e30.", "registration", `{"jwks_uri":"`+inner+`"}`, "id_token_hint", "eyJhbGciOiJub25lIn0.e30.",
		"login_hint", inner, "authorization_details", `[{"type":"`+inner+`"}]`, "claims", `{"x":"`+inner+`"}`)
	page := s.get("/authorize?" + request.Encode())
	code := s.submit(page, "approve", s.touch(page)).location(t).Get("code")
	s.form("/token", with(redemption(request.Get("client_id"), webClient, code), "backchannel_logout_uri", inner, "client_session_host", "169.254.169.254", "request_uri", inner)).wantTokens(t)
	s.get("/authorize?" + with(request, "redirect_uri", "").Encode())
	others.wantNobodyAsked(t)
}

func TestCVE_2026_22752_ARegistrationReachesNothingAndRunsNowhere(t *testing.T) {
	others := new(outside)
	s := serve(t, mcpoauth.Config{DangerouslyFetchThrough: others})
	s.setUp()
	for _, uri := range []string{"javascript:alert(1)", "JAVASCRIPT:alert(1)//https://client.example/", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd", "ftp://evil.example/cb", "http://evil.example/cb", "https://client.example/cb#frag", "https://client.example/cb#"} {
		for _, list := range [][]string{{uri}, {webClient, uri}} {
			s.json("/register", map[string]any{"redirect_uris": list, "token_endpoint_auth_method": "none"}).wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
		}
	}
	everywhere := map[string]any{
		"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "private_key_jwt", "scope": "mcp:tools admin openid *", "client_name": "Reader",
		"software_statement": "eyJhbGciOiJub25lIn0.e30.",
	}
	for _, member := range []string{
		"logo_uri", "client_uri", "policy_uri", "tos_uri", "sector_identifier_uri", "initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri",
	} {
		everywhere[member] = inner
	}
	everywhere["request_uris"], everywhere["post_logout_redirect_uris"] = []string{inner}, []string{"javascript:alert(1)"}
	everywhere["jwks_uri"] = inner + "jwks.json"
	if res := s.json("/register", everywhere); res.StatusCode == http.StatusCreated {
		t.Errorf("keys at an inner address are taken: %s", res.body)
	}
	everywhere["jwks_uri"] = "https://keys.example/jwks.json"
	res := s.json("/register", everywhere)
	if res.StatusCode != http.StatusCreated || res.text(t, "scope") != "mcp:tools" {
		t.Errorf("it is registered as %d %s", res.StatusCode, res.body)
	}
	id := res.text(t, "client_id")
	page := s.get("/authorize?" + authorizationRequest(id, webClient).Encode())
	page.wantPage(t, http.StatusOK)
	if strings.Contains(page.body, "169.254") || strings.Contains(page.body, "javascript:") {
		t.Errorf("the page has what was registered:\n%s", page.body)
	}
	s.form("/token", with(newSigner(t, id).proof(s.url), "grant_type", "refresh_token", "refresh_token", "x")).wantError(t, http.StatusUnauthorized, "invalid_client")
	others.wantNobodyAsked(t)
}

// A token of another issuer is refused here, and shown to nobody.
func TestAStrangersTokenIsTriedNowhereElse(t *testing.T) {
	others := new(outside)
	reached := false
	s := serveWith(t, mcpoauth.Config{DangerouslyFetchThrough: others}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	for _, strange := range []string{
		"ya29.a0AfH6SMBx", "gho_16C7e42F292c6912E7710c838347Ae178B4a", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIiwic3ViIjoib3duZXIifQ.",
		"eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHBzOi8vZXZpbC5leGFtcGxlL2p3a3MuanNvbiJ9.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9.AAAA",
	} {
		s.call(strange).wantError(t, http.StatusUnauthorized, "invalid_token")
	}
	others.wantNobodyAsked(t)
	if reached {
		t.Error("the handler was reached")
	}
}

// Behind a name that leads here a link for somebody is asked for, and passed on.
func TestGHSA_mwmh_7px9_4c23_LinksForPeopleAreOfTheConfiguredNameWhateverHostIsAsked(t *testing.T) {
	s := signedIn(t)
	lies := []string{
		"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example;proto=http", "X-Forwarded-Proto", "http", "X-Forwarded-Prefix", "/evil", "X-Host", "evil.example", "X-Original-Host", "evil.example",
	}
	old := s.http.Transport
	s.http.Transport = hostTransport{"evil.example", old}
	fields := url.Values{"name": {"Dora"}}
	page := s.form("/account/people/invite", fields, append(lies, "Sec-Fetch-Site", "same-origin", "Origin", s.url)...)
	fields.Set("ceremony", s.touch(page))
	invited := s.form("/account/people/invite", fields, append(lies, "Sec-Fetch-Site", "same-origin", "Origin", s.url)...)
	if !strings.Contains(invited.body, serverURL+"/passkey/enrol?for=invitation#token=") || strings.Contains(invited.body, "evil") {
		t.Errorf("the link is\n%s", invited.body)
	}
	for _, path := range []string{"/account", "/account/people", "/account/sign-in"} {
		if res := s.get(path, lies...); strings.Contains(res.body+res.Header.Get("Location"), "evil") {
			t.Errorf("%s says\n%s", path, res.body)
		}
	}
	if strings.Contains(s.logs.String(), "setup_link\":\"https://evil") {
		t.Error("the log has a link to evil.example")
	}
}

// Metadata is what clients open browsers and send secrets by, and what caches keep for
// everybody. Nothing that a request can vary gets into it.
func TestCVE_2025_6514_NothingButTheConfigurationGetsIntoTheMetadata(t *testing.T) {
	for _, hostile := range []string{
		"https://example.com/$(calc.exe)", "https://$(calc.exe).example", "https://example.com/;calc", "https://example.com/`id`", `https://example.com/" onload="`, "https://example.com|calc", "https://example.com\ncalc", "a:$(calc)", "file:///c:/windows/system32/calc.exe",
		"https://user@example.com", "https://example.com?x=$(calc)", "https://example.com#x",
	} {
		if router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), inMemory(t, mcpoauth.Config{ServerURL: hostile})); err == nil {
			router.Close()
			t.Errorf("%q is taken", hostile)
		}
	}
	s := serve(t, mcpoauth.Config{})
	for _, path := range []string{asMetadata, prmMetadata, prmMetadata + "/mcp"} {
		clean := s.get(path)
		clean.Header.Del("Date")
		for name, poisoned := range map[string]answer{
			"the Host":       s.askAs("evil.example", path),
			"the query":      s.get(path + "?issuer=https://evil.example&cb=1&callback=alert&utm_content=x"),
			"method headers": s.get(path, "X-Http-Method-Override", "POST", "X-Http-Method", "HEAD", "X-Method-Override", "DELETE"),
			"a forwarded host": s.get(path, "X-Forwarded-Host", "evil.example", "X-Forwarded-Scheme", "http", "X-Forwarded-Proto", "http", "X-Forwarded-Port", "1", "X-Host", "evil.example",
				"X-Forwarded-Server", "evil.example", "Forwarded", "host=evil.example", "X-Original-Url", "/evil", "X-Rewrite-Url", "/evil", "X-Forwarded-Prefix", "/evil"),
			"an origin":  s.get(path, "Origin", "https://evil.example", "Referer", "https://evil.example/"),
			"a language": s.get(path, "Accept-Language", "x-evil", "Accept", "text/html", "Accept-Charset", "utf-7", "User-Agent", "evil", "Cookie", "lang=evil; __Host-mcpoauth_session=evil"),
			"a range":    s.get(path, "Range", "bytes=0-1", "If-None-Match", "*", "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
			"a body":     s.do("GET", path, strings.NewReader("issuer=https://evil.example"), "Content-Type", "application/x-www-form-urlencoded"),
		} {
			poisoned.Header.Del("Date")
			if poisoned.StatusCode != clean.StatusCode || poisoned.body != clean.body || !maps.EqualFunc(poisoned.Header, clean.Header, slices.Equal) {
				t.Errorf("%s by %s: %d %v %s", path, name, poisoned.StatusCode, poisoned.Header, poisoned.body)
			}
		}
		for _, near := range []string{path + "%0a", path + ";x", path + "/x.css", strings.ToUpper(path), path + "%23", path + "/..;/" + "mcp"} {
			if res := s.get(s.url + near); res.StatusCode == http.StatusOK {
				t.Errorf("%s is served as %s", near, res.body)
			}
		}
	}
}

func TestGHSA_wvj2_96wp_fq3f_AMemberInOtherLettersHidesNoTool(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	s := notebook(t, mcpoauth.RequireToolScopes(echo, map[string][]string{"add": {"notes:write"}}))
	reader := s.signIn(s.public(webClient), "notes:read").text(t, "access_token")
	for _, body := range []string{
		`{"Method":"tools/call","params":{"name":"add"}}`,
		`{"method":"tools/list","Method":"tools/call","params":{"name":"add"}}`,
		`{"method":"tools/call","params":{"name":"list"},"Params":{"name":"add"}}`,
		"{\"method\":\"tools/call\",\"params\":{\"name\":\"list\"},\"param\u017f\":{\"name\":\"add\"}}",
		`{"method":"tools/call","params":{"name":"list"},"param\u017f":{"name":"add"}}`,
		`{"method":"tools/call","params":{"name":"list","NAME":"add"}}`,
		`{"method":"tools/call","params":{"n\u0061me":"list","name":"add"}}`,
		`{"m\u0065thod":"tools/list","method":"tools/call","params":{"name":"add"}}`,
		`[{"method":"tools/list"},{"METHOD":"tools/call","params":{"name":"add"}}]`,
		"\ufeff" + `{"method":"tools/call","params":{"name":"add"}}`,
		`{"method":"tools/call","params":{"name":"add"}}` + "\x00",
		`[[{"method":"tools/call","params":{"name":"add"}}]]`,
	} {
		res := s.do("POST", "/mcp", strings.NewReader(body), "Authorization", "Bearer "+reader, "Content-Type", "application/json")
		if res.StatusCode != http.StatusBadRequest && res.StatusCode != http.StatusForbidden {
			t.Errorf("%s reaches the handler: %d", body, res.StatusCode)
		}
	}
}

// A website whose name now leads to this computer is of one origin with the server, for
// the browser. It has neither its cookies nor a token.
func TestGHSA_xw59_hvm2_8pj6_AReboundNameReachesNothing(t *testing.T) {
	s := signedIn(t)
	client := s.login()
	have := func() []int {
		return []int{len(s.get("/account").field("grant")), len(s.get("/account/passkeys").field("passkey")), len(s.get("/account/people").field("invitation")), len(s.get("/account/keys").field("grant"))}
	}
	before := have()
	rebound := s.another() // cookies are kept by name
	rebound.http.Transport = hostTransport{"rebound.evil.example:8080", s.http.Transport}
	same := []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://rebound.evil.example:8080", "Referer", "http://rebound.evil.example:8080/"}

	rebound.do("POST", "/mcp", strings.NewReader("{}"), same...).wantError(t, http.StatusUnauthorized, "unauthorized")
	rebound.get("/mcp", same...).wantError(t, http.StatusUnauthorized, "unauthorized")
	for _, path := range []string{"/account/revoke-all", "/account/keys/create", "/account/people/invite", "/account/passkeys/add", "/account/sign-out-everywhere"} {
		res := rebound.form(path, url.Values{"confirmed": {"yes"}, "name": {"x"}}, same...)
		if res.StatusCode == http.StatusOK || strings.HasPrefix(res.Header.Get("Location"), "/account") && !strings.HasPrefix(res.Header.Get("Location"), "/account/sign-in") {
			t.Errorf("%s is answered with %d to %q", path, res.StatusCode, res.Header.Get("Location"))
		}
	}
	request := authorizationRequest(client.clientID, webClient)
	rebound.form("/authorize?"+request.Encode(), url.Values{"decision": {"approve"}, "ceremony": {""}}, same...).wantPage(t, http.StatusBadRequest)
	if res := rebound.json("/passkey/register/start", map[string]string{"token": ""}, same...); res.StatusCode == http.StatusOK {
		t.Errorf("it begins a setup: %s", res.body)
	}
	s.wantAlive(t, "the connection", client.access)
	if after := have(); !slices.Equal(after, before) {
		t.Errorf("the account had %v connections, passkeys, invitations and keys, and has %v", before, after)
	}
}

func TestCVE_2018_1260_ExpressionsOfAStrangerAreText(t *testing.T) {
	s := owned(t)
	for _, expression := range []string{"${7*7}", "#{7*7}", "{{7*7}}", "{{.Page.Digest}}", "{{define \"main\"}}x{{end}}", "<%= 7*7 %>", "${{7*7}}", "#{T(java.lang.Runtime).getRuntime().exec('x')}", "${jndi:ldap://evil.example/x}"} {
		id, _ := s.register(map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "none", "client_name": expression})
		request := with(authorizationRequest(id, webClient), "state", expression)
		page := s.get("/authorize?" + request.Encode())
		if !strings.Contains(page.words(), "“ "+expression+" ”") && !strings.Contains(page.words(), expression) || strings.Contains(page.words(), "49") {
			t.Errorf("%s is shown as\n%s", expression, page.words())
		}
		for _, change := range [][]string{{"scope", expression}, {"resource", expression}, {"response_type", expression}, {"client_id", expression}} {
			if res := s.get("/authorize?" + with(request, change...).Encode()); res.StatusCode != http.StatusBadRequest || strings.Contains(res.words(), "49") {
				t.Errorf("%q: %d\n%s", change, res.StatusCode, res.words())
			}
		}
	}
}
