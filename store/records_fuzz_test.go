package store

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Whatever stands in the database: it is an error or a record, the same one for everybody
// who reads it, and the same again when it was written back.
func FuzzARecordIsTheSameForEveryReader(f *testing.F) {
	kinds := []Kind{KindUser, KindClient, KindGrant, KindConsent, KindAssertion, KindEnrolment, KindSession, KindUse, KindJournal}
	hash := `"` + string(bytes.Repeat([]byte("A"), 43)) + `"`
	for i := range kinds {
		for _, value := range []string{
			`{}`, `null`, `[]`, `""`, `7`, ``, `{"id":"a","ID":"b"}`, `{"id":"a","name":"\ud800","created_at":"2026-07-28T12:00:00Z"}`,
			`{"id":"a","user_id":"owner","client_id":"c","redirect_uri":"https://c.example/cb","scopes":["a",null],"access":[{"hash":` + hash + `,"expires_at":"2026-07-28T12:00:00.5+02:00"}]}`,
			`{"id":"a","access":[{"hash":"short"}]}`, `{"id":"a","secret_hash":` + hash + `}`, `{"id":"a","passkeys":[{"id":"AA==","public_key":"AA","sign_count":4294967296}]}`,
			`{"id":"a","refresh":{"hash":` + hash + `},"code":{"challenge":"x"}}`, `{"id":"a","events":[{"time":"0001-01-01T00:00:00Z","name":"x"}]}`, `{"epoch":1e3}`, `{"epoch":-1}`,
		} {
			f.Add(uint8(i), []byte(value))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, value []byte) {
		k := kinds[int(kind)%len(kinds)]
		err := Check(k, NewEncoded(bytes.Clone(value)))
		first, errFirst := readAs(k, value)
		if (err == nil) != (errFirst == nil) {
			t.Fatalf("%s %q: the check says %v, and reading it %v", k, value, err, errFirst)
		}
		if err != nil {
			return
		}
		if !json.Valid(value) {
			t.Errorf("%s %q is no JSON, and is taken", k, value)
		}
		again, err := readAs(k, first)
		if err != nil || !bytes.Equal(again, first) {
			t.Errorf("%s %q is %s, and written back %s (%v)", k, value, first, again, err)
		}
	})
}

// readAs returns what a value of that kind is when it is written back.
func readAs(kind Kind, value []byte) ([]byte, error) {
	var record any
	var err error
	e := NewEncoded(bytes.Clone(value))
	switch kind {
	case KindUser:
		record, err = decode[User](e)
	case KindClient:
		record, err = decode[Client](e)
	case KindGrant:
		record, err = decode[Grant](e)
	case KindConsent:
		record, err = decode[Consent](e)
	case KindAssertion:
		record, err = decode[Assertion](e)
	case KindEnrolment:
		record, err = decode[Enrolment](e)
	case KindSession:
		record, err = decode[Session](e)
	case KindUse:
		record, err = decode[Use](e)
	case KindJournal:
		record, err = decode[Journal](e)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(record)
}
