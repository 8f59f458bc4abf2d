package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// impostor is a host that no server is.
const impostor = "impostor.mcpoauth-doctor.example"

func (x *exam) spoofedHost(ctx context.Context) result {
	return x.spoofed(ctx, "Host", impostor)
}

func (x *exam) spoofedForwarded(ctx context.Context) result {
	return x.spoofed(ctx,
		"X-Forwarded-Host", impostor, "X-Forwarded-Server", impostor, "X-Original-Host", impostor, "X-Host", impostor,
		"Forwarded", "host="+impostor+";proto=http", "X-Forwarded-Proto", "http", "X-Forwarded-Port", "81", "X-Forwarded-Prefix", "/impostor")
}

// spoofed asks under another name, and looks for that name in what comes back. The
// query keeps what it gets out of caches in front, where others would find it.
func (x *exam) spoofed(ctx context.Context, headers ...string) result {
	answers := map[string]answer{"the challenge": x.call(ctx, http.MethodPost, x.url, headers...)}
	for what, d := range map[string]document{"the metadata of the resource": x.resource, "the metadata of the server": x.server} {
		if d.there() {
			answers[what] = x.ask(ctx, http.MethodGet, d.url+"?mcpoauth-doctor=1", "", headers...)
		}
	}
	for what, a := range answers {
		said := strings.Join(a.header.Values("WWW-Authenticate"), " ") + " " + a.header.Get("Location") + " " + string(a.body)
		if a.json() && strings.Contains(said, impostor) || strings.Contains(strings.Join(a.header.Values("WWW-Authenticate"), " "), impostor) {
			return fail(what+" names "+quote(impostor), "who can put such an answer into a cache, or send such a header along, leads clients and their tokens to a server of their own",
				"take the public URL from the configuration, never from a request")
		}
	}
	return good("it is in none of %d answers", len(answers))
}

// maxSkew is how far a clock may be off.
const maxSkew = time.Minute

func (x *exam) clock(context.Context) result {
	if x.refusal.err != nil || x.refusal.header.Get("Date") == "" {
		return skip("there is no Date in the answer")
	}
	date, err := http.ParseTime(x.refusal.header.Get("Date"))
	if err != nil {
		return skip("the Date is %s", quote(x.refusal.header.Get("Date")))
	}
	skew := date.Sub(x.refusal.at).Round(time.Second)
	if skew.Abs() <= maxSkew {
		return good("%s off", skew.Abs())
	}
	seen := fmt.Sprintf("it is %s ahead of this machine's", skew)
	if skew < 0 {
		seen = fmt.Sprintf("it is %s behind this machine's", skew.Abs())
	}
	const why, cure = "assertions that clients sign, and certificates, are good for minutes", "have the server set its clock by NTP; or this machine, if it is the one that is wrong"
	if slices.Contains(x.server.list("token_endpoint_auth_methods_supported"), "private_key_jwt") {
		return fail(seen, why, cure, ChatGPT)
	}
	return warn(seen, why, cure)
}

// slow is how long an answer of discovery may take on the way to a token, which is
// many requests away.
const slow = time.Second

func (x *exam) speed(context.Context) result {
	if len(x.took) == 0 {
		return skip("discovery does not answer")
	}
	took := slices.Sorted(slices.Values(x.took))
	median := took[len(took)/2].Round(time.Millisecond / 10)
	if median > slow {
		return warn(fmt.Sprintf("%s, in the middle of %d answers", median, len(took)), "a client asks many times before a person sees anything, and hosted ones wait ten seconds for each",
			"serve metadata from memory; a server that sleeps when nobody asks should be kept awake", hosted...)
	}
	return good("%s, in the middle of %d answers", median, len(took))
}
