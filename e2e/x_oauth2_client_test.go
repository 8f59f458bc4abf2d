package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// A recorder keeps the forms that are sent, and how the first one authenticated.
type recorder struct {
	forms []url.Values
	basic bool
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return nil, err
	}
	if len(r.forms) == 0 {
		_, _, r.basic = req.BasicAuth()
	}
	r.forms = append(r.forms, form)
	return http.DefaultTransport.RoundTrip(req)
}

// x/oauth2 knows nothing of MCP: it names no resource, and finds out by itself how
// to authenticate, for which it tries Basic first, even without a secret.
func TestXOAuth2Client(t *testing.T) {
	for kind, method := range map[string]string{"public": "none", "confidential": "client_secret_basic"} {
		t.Run(kind, func(t *testing.T) {
			s, p := startServer(t), openPage(t)
			p.setUp(s)
			back := listenForCallback(t)
			id, secret := registerAs(t, s, "x/oauth2", method, back.url)
			if (secret == "") != (method == "none") {
				t.Fatalf("the registration with %s gave a secret of %d bytes", method, len(secret))
			}
			config := &oauth2.Config{
				ClientID: id, ClientSecret: secret, RedirectURL: back.url,
				Endpoint: oauth2.Endpoint{AuthURL: s.url + "/authorize", TokenURL: s.url + "/token", AuthStyle: oauth2.AuthStyleAutoDetect},
			}
			record := new(recorder)
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: record, Timeout: patience})

			secretOfCode := oauth2.GenerateVerifier()
			p.approve(config.AuthCodeURL(state, oauth2.S256ChallengeOption(secretOfCode)))
			query := back.wait()
			if query.Get("state") != state {
				t.Errorf("the redirect carries %v", query)
			}
			first, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(secretOfCode))
			if err != nil {
				t.Fatal("redeeming the code:", err)
			}
			if status := probe(t, s, first.AccessToken); status == http.StatusUnauthorized {
				t.Error("the token is refused")
			}

			second, err := refreshNow(ctx, config, first)
			if err != nil {
				t.Fatal("refreshing:", err)
			}
			if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
				t.Error("refresh gave the same tokens again")
			}
			if !record.basic {
				t.Error("x/oauth2 did not try Basic first; this test is about clients that do")
			}
			for _, form := range record.forms {
				if form.Has("resource") {
					t.Error("x/oauth2 names a resource; this test is about clients that do not")
				}
			}

			revokeAs(t, s, id, secret, second.RefreshToken)
			if status := probe(t, s, second.AccessToken); status != http.StatusUnauthorized {
				t.Errorf("after the revocation a call is answered with %d, want 401", status)
			}
			_, err = refreshNow(ctx, config, second)
			if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_grant" {
				t.Errorf("after the revocation a refresh ends with %v, want invalid_grant", err)
			}
			exercised(t, goModule(t, "x/oauth2", "golang.org/x/oauth2")+" as a "+kind+" client",
				"authentication found out by itself, login and refresh without resource, revoke")
		})
	}
}

// refreshNow makes the client believe that its access token has expired.
func refreshNow(ctx context.Context, config *oauth2.Config, token *oauth2.Token) (*oauth2.Token, error) {
	old := *token
	old.Expiry = time.Now().Add(-time.Minute)
	return config.TokenSource(ctx, &old).Token()
}
