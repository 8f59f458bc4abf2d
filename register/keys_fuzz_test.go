package register

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

// Of whatever set of keys a client sends, what is kept is flat, no longer than what was
// sent, the same when it is sent again, and nothing that only the client may know.
func FuzzKeysThatAreKept(f *testing.F) {
	for _, set := range []string{
		`{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","kid":"k","use":"sig","alg":"ES256"}]}`, `{"keys":[{"kty":"EC","d":"a"}]}`, `{"keys":[{"kty":"oct","k":"a"}]}`, `{"keys":[{"D":"a"}]}`,
		`{"keys":[{"x":["a"],"more":[[[[]]]]}]}`, `{"keys":[null]}`, `{"keys":[]}`, `{"keys":null}`, `{"KEYS":[{"kty":"EC"}],"keys":[{"d":1}]}`, `{"keys":[{"d":1}],"keys":[{}]}`, `null`, ``, `{}`, `[]`, `"x"`,
		`{"keys":[{"kty":null}]}`, `{"keys":[{"kid":"\ud800"}]}`, `{"keys":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{"d":1}]}`, "{\"keys\":[{\"kid\":\"<\u2028>\"}]}",
	} {
		f.Add([]byte(set))
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		if !json.Valid(set) {
			return // it is a member of a body that is
		}
		k := keys{JWKS: set}
		kept, err := k.plain()
		if err != nil || kept == nil {
			return
		}
		var got struct{ Keys []map[string]string }
		if err := json.Unmarshal(kept, &got); err != nil || len(got.Keys) == 0 || len(got.Keys) > maxKeys {
			t.Fatalf("%s is kept as %s (%v)", set, kept, err)
		}
		for _, key := range got.Keys {
			for name := range key {
				if !slices.Contains(publicMembers, name) {
					t.Errorf("%s is kept as %s", set, kept)
				}
			}
		}
		if len(kept) > 6*len(set)+20 { // an escape has six bytes
			t.Errorf("of %d bytes %d are kept", len(set), len(kept))
		}
		again, err := keys{JWKS: kept}.plain()
		if err != nil || !bytes.Equal(again, kept) {
			t.Errorf("%s is kept as %s and then as %s (%v)", set, kept, again, err)
		}
		if err := (keys{JWKS: kept}).checkKeys(); err != nil {
			t.Errorf("what is kept of %s: %v", set, err)
		}
		var sent struct{ Keys []map[string]any }
		private := json.Unmarshal(set, &sent) == nil && slices.ContainsFunc(sent.Keys, func(key map[string]any) bool {
			return slices.ContainsFunc(secretMembers, func(name string) bool { _, there := key[name]; return there })
		})
		if err := k.checkKeys(); (err != nil) != private {
			t.Errorf("%s has a private key: %v, and the check says %v", set, private, err)
		}
	})
}
