package oauth

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

func TestR40_AFormIsReadWhateverParametersItsContentTypeHas(t *testing.T) {
	for _, contentType := range []string{
		"application/x-www-form-urlencoded",
		"application/x-www-form-urlencoded;charset=UTF-8",
		"Application/X-WWW-Form-URLEncoded; charset=utf-8",
	} {
		form, err := readForm(contentType, strings.NewReader("grant_type=refresh_token&resource=a&resource=b"))
		if err != nil || form.Get("grant_type") != "refresh_token" || len(form["resource"]) != 2 {
			t.Errorf("%s: got %v, %v", contentType, form, err)
		}
	}
}

func TestR40_WhatIsNoFormIsInvalidRequest(t *testing.T) {
	for name, test := range map[string]struct {
		contentType string
		body        io.Reader
		status      int
	}{
		"JSON":                     {"application/json", strings.NewReader(`{"grant_type":"refresh_token"}`), 0},
		"no content type":          {"", strings.NewReader("a=b"), 0},
		"multipart":                {"multipart/form-data; boundary=x", strings.NewReader("--x--"), 0},
		"a broken escape":          {"application/x-www-form-urlencoded", strings.NewReader("a=%zz"), 0},
		"a semicolon":              {"application/x-www-form-urlencoded", strings.NewReader("a=b;c=d"), 0},
		"a parameter twice":        {"application/x-www-form-urlencoded", strings.NewReader("code=a&code=b"), 0},
		"too many parameters":      {"application/x-www-form-urlencoded", strings.NewReader(manyParameters(maxPairs + 1)), 0},
		"too large":                {"application/x-www-form-urlencoded", strings.NewReader("a=" + strings.Repeat("b", MaxBody)), http.StatusRequestEntityTooLarge},
		"a body that breaks off":   {"application/x-www-form-urlencoded", io.MultiReader(strings.NewReader("a=b"), iotest.ErrReader(io.ErrUnexpectedEOF)), 0},
		"an endless body of a's":   {"application/x-www-form-urlencoded", endless('a'), http.StatusRequestEntityTooLarge},
		"the same value twice too": {"application/x-www-form-urlencoded", strings.NewReader("code=a&code=a"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			form, err := readForm(test.contentType, test.body)
			refusal, ok := errors.AsType[*Error](err)
			if !ok || refusal.Code != InvalidRequest || refusal.Status != test.status || form != nil {
				t.Errorf("got %v, %#v, want invalid_request with status %d", form, err, test.status)
			}
		})
	}
}

func TestR40_AFormOfTheLargestSizeIsRead(t *testing.T) {
	form, err := readForm("application/x-www-form-urlencoded", strings.NewReader("a="+strings.Repeat("b", MaxBody-2)))
	if err != nil || len(form.Get("a")) != MaxBody-2 {
		t.Errorf("got %d bytes, %v", len(form.Get("a")), err)
	}
	form, err = readForm("application/x-www-form-urlencoded", strings.NewReader(manyParameters(maxPairs)))
	if err != nil || len(form) != maxPairs {
		t.Errorf("got %d parameters, %v", len(form), err)
	}
}

func TestR33_AParameterWithoutValueCountsAsNotGiven(t *testing.T) {
	values, err := ParseParameters("scope=&resource=&resource=https://a.example&state&code=&code=c")
	want := url.Values{"resource": {"https://a.example"}, "code": {"c"}}
	if err != nil || !maps.EqualFunc(values, want, slices.Equal) {
		t.Errorf("got %v, %v, want %v", values, err, want)
	}
}

func readForm(contentType string, body io.Reader) (url.Values, error) {
	r := httptest.NewRequest("POST", "/token?code=never-from-the-query", body)
	r.Header.Set("Content-Type", contentType)
	form, err := ReadForm(httptest.NewRecorder(), r)
	if form.Get("code") == "never-from-the-query" {
		return nil, errors.New("the query was read")
	}
	return form, err
}

func manyParameters(n int) string {
	var s strings.Builder
	for i := range n {
		s.WriteString("&p" + strconv.Itoa(i) + "=v")
	}
	return s.String()
}

// endless never stops.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// Every parameter that comes out was in the request, has one value that is not
// empty, or several if it is resource, and stands for itself when it is sent on.
func FuzzParseParameters(f *testing.F) {
	for _, s := range []string{
		"", "a=b", "a=b&a=c", "resource=a&resource=b", "resource=&resource", "a=%zz", "a=b;c", "=x", "&&&", "a=%00", "state=%E2%82%AC&state=", "a+b=c+d",
		manyParameters(maxPairs + 1),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := ParseParameters(raw)
		if err != nil {
			refusal, ok := errors.AsType[*Error](err)
			if !ok || refusal.Code != InvalidRequest || !isDescription(refusal.Description) {
				t.Errorf("%q: the error is %#v", raw, err)
			}
			return
		}
		all, _ := url.ParseQuery(raw)
		for name, list := range values {
			if len(list) == 0 || slices.Contains(list, "") || len(list) > 1 && name != "resource" {
				t.Errorf("%q: %q has the values %q", raw, name, list)
			}
			for _, value := range list {
				if !slices.Contains(all[name], value) {
					t.Errorf("%q: %q has the value %q from nowhere", raw, name, value)
				}
			}
		}
		again, err := ParseParameters(values.Encode())
		if err != nil || !maps.EqualFunc(again, values, slices.Equal) {
			t.Errorf("%q: %v becomes %v, %v", raw, values, again, err)
		}
	})
}
