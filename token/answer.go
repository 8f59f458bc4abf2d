package token

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// answer returns the JSON of RFC 6749 §5.1. expires_in and scope are always there:
// Claude Code asks for a new login each hour without the one, and the TypeScript SDK
// adds scopes up from the other. To write it so takes half the time of encoding/json,
// which only the names of scopes need: tokens are of letters that JSON takes as they are.
func answer(t store.Tokens) []byte {
	body := make([]byte, 0, 352)
	body = append(body, `{"access_token":"`...)
	body = append(body, t.Access...)
	body = append(body, `","token_type":"Bearer","expires_in":`...)
	body = strconv.AppendInt(body, int64(t.ExpiresIn/time.Second), 10)
	if t.Refresh != "" {
		body = append(body, `,"refresh_token":"`...)
		body = append(body, t.Refresh...)
		body = append(body, '"')
	}
	scope, err := json.Marshal(oauth.FormatScope(t.Scopes))
	if err != nil {
		panic("token: " + err.Error()) // strings always encode
	}
	body = append(body, `,"scope":`...)
	body = append(body, scope...)
	return append(body, '}')
}
