package doctor

import "context"

// A check is one thing that should be so, and how to see whether it is.
type check struct {
	id, what string
	run      func(*exam, context.Context) result
}

// sections are all checks in the order in which they are made.
var sections = []struct {
	name   string
	checks []check
}{
	{"Address", []check{
		{"NET", "the URL is https, or http on this machine", (*exam).scheme},
		{"NET", "the name leads to a public IPv4 address", (*exam).address},
		{"TLS", "the certificate is one that clients accept", (*exam).certificate},
		{"TLS", "the certificate is good for some weeks", (*exam).expiry},
		{"TLS", "the connection is TLS 1.2 or newer", (*exam).version},
		{"TLS", "http leads to https", (*exam).plainHTTP},
		{"TLS", "browsers are told to stay with https", (*exam).strictTransport},
	}},
	{"Challenge", []check{
		{"R14", "POST without a token gets 401", (*exam).post},
		{"R18", "a challenge comes with 401 and never with success", (*exam).challengeStatus},
		{"R14", "GET without a token gets 401", (*exam).get},
		{"R14", "HEAD without a token gets 401 and the challenge", (*exam).head},
		{"R14", "DELETE without a token gets 401", (*exam).delete},
		{"R14", "the 401 has a WWW-Authenticate header", (*exam).hasChallenge},
		{"R17", "the challenge is one line that begins with Bearer and has its values in quotation marks", (*exam).challengeForm},
		{"R14", "the challenge says where the metadata is", (*exam).challengeMetadata},
		{"R14", "the challenge or the metadata says which scopes to ask for", (*exam).challengeScope},
		{"R14", "the challenge has no error if there was no token", (*exam).challengeError},
		{"R15", "a bad token gets 401 with error=\"invalid_token\"", (*exam).badToken},
		{"R14", "the endpoint with a slash at its end, or without, is as closed", (*exam).slash},
		{"NET", "the programs of hosted clients are let through", (*exam).agents},
		{"R16", "too small a token gets 403 with error=\"insufficient_scope\"", needsToken},
		{"R19", "a tool's challenge is in its result too", needsToken},
	}},
	{"Metadata of the resource", []check{
		{"R5", "it is where the challenge says", (*exam).resourceNamed},
		{"R5", "it is at the well-known place for the path", (*exam).resourceAtPath},
		{"R7", "it is at the root too", (*exam).resourceAtRoot},
		{"R5", "a slash at the end makes no difference", (*exam).resourceWithSlash},
		{"R6", "resource is the URL that clients are given, byte for byte", (*exam).resourceURL},
		{"R4", "it names one authorization server", (*exam).oneServer},
		{"R9", "neither it nor the challenge lists offline_access", (*exam).offlineAccess},
		{"R10", "it comes as JSON, as it is", of((*exam).theResource, (*exam).form)},
		{"R10", "caches keep it a day at most", of((*exam).theResource, (*exam).caching)},
		{"R11", "a page of another website may read it", of((*exam).theResource, (*exam).readable)},
	}},
	{"Metadata of the authorization server", []check{
		{"R1", "it is at the well-known place", (*exam).serverMetadata},
		{"R3", "issuer is what the resource's metadata says, byte for byte", (*exam).issuer},
		{"R13", "every URL is a public one", (*exam).publicURLs},
		{"R8", "it has the endpoints that a client needs", (*exam).endpoints},
		{"R8", "it supports PKCE with S256", (*exam).pkce},
		{"R8", "it supports codes", (*exam).responseTypes},
		{"R8", "it supports codes and refresh tokens as grants", (*exam).grantTypes},
		{"R8", "clients without a secret are taken", (*exam).authMethods},
		{"R8", "clients can make themselves known", (*exam).registration},
		{"R8", "answers carry their issuer", (*exam).issParameter},
		{"R8", "offline_access is among its scopes", (*exam).serverScopes},
		{"R8", "no member is null", (*exam).nullMembers},
		{"R10", "it comes as JSON, as it is", of((*exam).theServer, (*exam).form)},
		{"R10", "caches keep it a day at most", of((*exam).theServer, (*exam).caching)},
		{"R11", "a page of another website may read it", of((*exam).theServer, (*exam).readable)},
	}},
	{"What is not there", []check{
		{"R1", "openid-configuration is 404, or complete", (*exam).openID},
		{"R2", "metadata of the server below the path is 404", (*exam).serverBelowPath},
		{"R1", "openid-configuration below the path is 404", (*exam).openIDBelowPath},
		{"R10", "an unknown well-known path is 404", (*exam).unknownWellKnown},
		{"R10", "HEAD of metadata answers like GET", (*exam).headMetadata},
		{"R10", "a wrong method is refused and no more", (*exam).wrongMethod},
	}},
	{"Endpoints", []check{
		{"R12", "the token endpoint refuses an empty request in JSON", (*exam).tokenEndpoint},
		{"R12", "the registration endpoint refuses rubbish in JSON", (*exam).registrationEndpoint},
		{"R12", "the authorization endpoint is there", (*exam).authorizationEndpoint},
	}},
	{"Clients in a browser", []check{
		{"R11", "the endpoint's preflight is answered without a token", (*exam).preflightEndpoint},
		{"R11", "the 401 and its challenge are readable", (*exam).readableRefusal},
		{"R11", "the metadata's preflight is answered", (*exam).preflightMetadata},
		{"R11", "the token endpoint's preflight is answered", (*exam).preflightToken},
		{"R11", "the registration endpoint's preflight is answered", (*exam).preflightRegistration},
	}},
	{"Behind the proxy", []check{
		{"R13", "a made-up Host changes nothing", (*exam).spoofedHost},
		{"R13", "a made-up X-Forwarded-Host changes nothing", (*exam).spoofedForwarded},
		{"CLOCK", "the server's clock is right", (*exam).clock},
		{"R10", "discovery answers within a second", (*exam).speed},
	}},
}

func needsToken(*exam, context.Context) result { return skip("it takes a token to see") }

// of makes a check of one that is the same for both documents.
func of(which func(*exam) document, run func(*exam, context.Context, document) result) func(*exam, context.Context) result {
	return func(x *exam, ctx context.Context) result {
		d := which(x)
		if !d.there() {
			return skip("there is no document to look at")
		}
		return run(x, ctx, d)
	}
}

func (x *exam) theResource() document { return x.resource }
func (x *exam) theServer() document   { return x.server }
