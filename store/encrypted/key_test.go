package encrypted_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
)

func TestAKeyIs32BytesInBase64OrHex(t *testing.T) {
	data := []byte("\xfb\xff0123456789abcdef0123456789abcd")
	want := key(t, base64.StdEncoding.EncodeToString(data)).ID()
	for name, text := range map[string]string{
		"a line of openssl":        base64.StdEncoding.EncodeToString(data) + "\n",
		"base64 without padding":   base64.RawStdEncoding.EncodeToString(data),
		"base64url":                base64.URLEncoding.EncodeToString(data),
		"base64url, not padded":    base64.RawURLEncoding.EncodeToString(data),
		"hex":                      hex.EncodeToString(data),
		"hex in capitals":          " " + strings.ToUpper(hex.EncodeToString(data)) + "\r\n",
		"base64 between two lines": "\n" + base64.StdEncoding.EncodeToString(data) + "\n",
	} {
		if k, err := encrypted.ParseKey(text); err != nil || k.ID() != want {
			t.Errorf("%s: ParseKey = %v, %v; want %s", name, k, err, want)
		}
	}
}

func TestWhatIsNoKeyIsRefusedWithTheCureAndWithoutTheText(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"space":           " \n",
		"a password":      "correct horse battery staple",
		"16 bytes":        base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")),
		"33 bytes":        base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdefg")),
		"63 digits":       strings.Repeat("0123456789abcdef", 4)[1:],
		"a letter wrong":  "?" + oneKey[1:],
		"two keys":        oneKey + otherKey,
		"a placeholder":   strings.Repeat("00", 32),
		"another":         strings.Repeat("ff", 32),
		"a line in two":   oneKey[:20] + " " + oneKey[20:],
		"32 letters":      "0123456789abcdef0123456789abcdef",
		"base64, changed": oneKey[:42] + "b=",
	} {
		k, err := encrypted.ParseKey(text)
		if err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") || k.ID() != "" {
			t.Errorf("%s: ParseKey = %v, %v", name, k, err)
		}
		if trimmed := strings.TrimSpace(text); trimmed != "" && strings.Contains(err.Error(), trimmed[:min(8, len(trimmed))]) {
			t.Errorf("%s: the error tells the text: %v", name, err)
		}
	}
}

func TestAKeyDoesNotTellItself(t *testing.T) {
	k := key(t, oneKey)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(format, k); strings.Contains(got, "0123456789") || strings.Contains(got, "MDEy") || strings.Contains(got, "30313233") {
			t.Errorf("%s: %s", format, got)
		}
	}
	if got := fmt.Sprint(k); got != k.ID() || len(got) != 12 {
		t.Errorf("it prints as %q", got)
	}
}

func TestNewNeedsABackendAndKeysThatDiffer(t *testing.T) {
	one, other := key(t, oneKey), key(t, otherKey)
	for name, c := range map[string]struct {
		inner     store.Backend
		keys      []encrypted.Key
		complaint string
	}{
		"no backend":      {nil, []encrypted.Key{one}, "there is no backend"},
		"no key":          {inner(t), nil, "there is no key"},
		"a zero key":      {inner(t), []encrypted.Key{one, {}}, "key 2 is the zero Key"},
		"a key twice":     {inner(t), []encrypted.Key{one, other, one}, "keys 1 and 3 are the same one, " + one.ID()},
		"one twice again": {inner(t), []encrypted.Key{one, key(t, hex.EncodeToString([]byte("0123456789abcdef0123456789abcdef")))}, "keys 1 and 2 are the same"},
	} {
		if b, err := encrypted.New(c.inner, c.keys...); err == nil || b != nil || !strings.Contains(err.Error(), c.complaint) {
			t.Errorf("%s: New = %v, %v; want %q", name, b, err, c.complaint)
		}
	}
}
