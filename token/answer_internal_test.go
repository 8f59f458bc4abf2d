package token

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestAnAnswerIsWhatTheEncoderOfJSONWouldWrite(t *testing.T) {
	for name, tokens := range map[string]store.Tokens{
		"with a refresh token": {Access: "mcpoauth_at_" + secret.New(), Refresh: "mcpoauth_rt_" + secret.New(), ExpiresIn: 24 * time.Hour, Scopes: []string{"mcp:tools", "offline_access"}},
		"without":              {Access: "mcpoauth_at_" + secret.New(), ExpiresIn: time.Minute + time.Millisecond, Scopes: []string{"mcp:tools"}},
		"no scope":             {Access: "mcpoauth_at_" + secret.New(), ExpiresIn: time.Hour},
		"an odd scope":         {Access: "mcpoauth_at_" + secret.New(), ExpiresIn: time.Hour, Scopes: []string{`<a>&'b'`, `"\`, "\u2028é"}},
	} {
		want, err := json.Marshal(struct {
			AccessToken  string `json:"access_token"`
			TokenType    string `json:"token_type"`
			ExpiresIn    int64  `json:"expires_in"`
			RefreshToken string `json:"refresh_token,omitempty"`
			Scope        string `json:"scope"`
		}{tokens.Access, "Bearer", int64(tokens.ExpiresIn.Seconds()), tokens.Refresh, strings.Join(tokens.Scopes, " ")})
		if err != nil {
			t.Fatal(err)
		}
		if got := answer(tokens); string(got) != string(want) {
			t.Errorf("%s: got\n%s, want\n%s", name, got, want)
		}
	}
}
