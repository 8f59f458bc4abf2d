package replicas

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// requestTimeout is how long a client waits for an answer.
const requestTimeout = 20 * time.Second

// next names no replica in particular.
const next = -1

// A request is what a client sends.
type request struct {
	replica      int // that shall answer, or next
	method, path string
	content      string // its type
	body         string
	bearer       string
	jar          http.CookieJar // of a browser; nil: a program
}

func form(path string, values url.Values) request {
	return request{replica: next, method: "POST", path: path, content: "application/x-www-form-urlencoded", body: values.Encode()}
}

func object(path string, v any) request {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is a test's own
	}
	return request{replica: next, method: "POST", path: path, content: "application/json", body: string(body)}
}

func (r request) at(replica int) request {
	r.replica = replica
	return r
}

// A reply is what came back: an answer of a replica, or nothing.
type reply struct {
	status  int // zero: nothing, and what the request did is unknown
	header  http.Header
	body    []byte
	replica int
}

// unknown reports whether the request may have taken effect or not.
func (r reply) unknown() bool { return r.status == 0 || r.status == http.StatusServiceUnavailable }

// text returns a member of the body.
func (r reply) text(member string) string {
	var members map[string]any
	_ = json.Unmarshal(r.body, &members) // a body that is no object has no members
	text, _ := members[member].(string)
	return text
}

// do sends a request and counts what comes back.
func (d *deployment) do(ctx context.Context, r request) reply {
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	d.tally.requests.Add(1)
	res, err := d.send(limited, r)
	switch {
	case err != nil && ctx.Err() != nil:
		d.tally.hungUp.Add(1)
	case err != nil:
		d.tally.broken.Add(1)
	case res.status >= 200 && res.status < 400:
		d.tally.answered.Add(1)
	case res.status == http.StatusServiceUnavailable && res.header.Get("Retry-After") != "":
		d.tally.unavailable.Add(1)
	case res.status == http.StatusServiceUnavailable:
		d.tally.mute.Add(1)
		d.check.violation(mute, "%s %s", r.method, r.path)
	case res.status >= 500:
		d.check.violation(strange, "%s %s: %d %.200s", r.method, r.path, res.status, res.body)
	}
	return res
}

func (d *deployment) send(ctx context.Context, r request) (reply, error) {
	path, _, _ := strings.Cut(r.path, "#")
	req, err := http.NewRequestWithContext(ctx, r.method, d.url+path, strings.NewReader(r.body))
	if err != nil {
		return reply{}, err
	}
	if r.replica != next {
		req.Header.Set(replicaHeader, strconv.Itoa(r.replica))
	}
	if r.content != "" {
		req.Header.Set("Content-Type", r.content)
	}
	if r.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
		req.Header.Set("Accept", "application/json, text/event-stream")
	}
	if r.jar != nil {
		req.Header.Set("Origin", d.url)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	client := http.Client{Transport: d.transport, Jar: r.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	replica, err := strconv.Atoi(res.Header.Get(replicaHeader))
	return reply{res.StatusCode, res.Header, body, replica}, err
}
