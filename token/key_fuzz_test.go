package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"slices"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// Whatever a client publishes: a key is used for what it can be used for, and never one
// that is not public, weak, or meant for something else.
func FuzzKeySet(f *testing.F) {
	const (
		ec  = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
		okp = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	)
	for _, set := range []string{
		rfc8037Set, `{"keys":[{` + ec + `}]}`, `{"keys":[{` + ec + `,"use":"sig","alg":"ES256","kid":"1"},{` + okp + `}]}`, `{"keys":[{` + ec + `,"use":"enc"}]}`,
		`{"keys":[{` + ec + `,"d":"AA"}]}`, `{"keys":[{` + ec + `,"D":null}]}`, `{"keys":[{` + ec + `,"k":"AA"}]}`, `{"keys":[{` + okp + `,"oth":[]}]}`, `{"keys":[{` + ec + `,"alg":"HS256"}]}`, `{"keys":[{` + ec + `,"alg":"ES384"}]}`,
		`{"keys":[{` + okp + `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`, `{"keys":[{` + okp + `,"key_ops":["verify"]}]}`, `{"keys":[{` + okp + `,"key_ops":["sign"]}]}`,
		`{"keys":[{` + okp + `,"x5c":["AAAA"],"x5t":"A"}]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`,
		`{"keys":[{` + okp + `,"kty":"EC"}]}`, `{"keys":[]}`, `{"keys":null}`, `{"KEYS":[{` + okp + `}]}`, `{"keys":[{},null,7,[]]}`, `{}`, `[]`, ``, `null`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}`, `{"keys":[{` + ec + `,"use":7}]}`, `{"keys":[{` + ec + `,"kid":["1"]}]}`,
	} {
		f.Add([]byte(set))
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		keys, err := parseKeys(set)
		if problem := CheckKeys(set); (problem == "") != (err == nil && len(keys) > 0) {
			t.Errorf("%s: the check says %q, and there are %d keys (%v)", set, problem, len(keys), err)
		}
		if err != nil {
			return
		}
		// A set that is taken has at most so many, and one without secrets for each.
		var published struct{ Keys []map[string]any }
		if json.Unmarshal(set, &published) == nil && len(published.Keys) > 0 {
			open := slices.DeleteFunc(published.Keys, func(members map[string]any) bool {
				return slices.ContainsFunc(secretMembers, func(name string) bool { _, there := members[name]; return there })
			})
			if len(keys) > len(open) {
				t.Errorf("%s: %d keys are used, and %d are public", set, len(keys), len(open))
			}
		}
		if len(set) > MaxKeySet || len(keys) > maxKeys {
			t.Errorf("%d keys of %d bytes", len(keys), len(set))
		}
		for _, k := range keys {
			var fits []string
			switch key := k.key.(type) {
			case *rsa.PublicKey:
				if bits := key.N.BitLen(); bits >= 2048 && bits <= 4096 {
					fits = []string{"RS256", "PS256"}
				}
			case *ecdsa.PublicKey:
				if _, err := key.ECDH(); err == nil { // it is on its curve
					fits = []string{map[int]string{256: "ES256", 384: "ES384"}[key.Params().BitSize]}
				}
			case ed25519.PublicKey:
				if len(key) == ed25519.PublicKeySize {
					fits = []string{"EdDSA"}
				}
			}
			if len(k.algs) == 0 || !oauth.ContainsAll(fits, k.algs) || !oauth.ContainsAll(oauth.SigningAlgs, k.algs) {
				t.Errorf("%s: a %T is used for %q", set, k.key, k.algs)
			}
		}
	})
}
