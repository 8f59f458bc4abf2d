package doctor

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// named returns the authorization server that clients would go to, or "".
func (x *exam) named() string {
	if servers := x.resource.list("authorization_servers"); len(servers) > 0 {
		return servers[0]
	}
	return ""
}

func (x *exam) serverMetadata(ctx context.Context) result {
	issuer, err := url.Parse(x.named())
	if err != nil || issuer.Host == "" || x.inner(issuer) || issuer.Scheme != "http" && issuer.Scheme != "https" {
		// What it should have been, so that the rest can be looked at.
		issuer = &url.URL{Scheme: x.target.Scheme, Host: x.target.Host}
	}
	path := strings.TrimSuffix(issuer.EscapedPath(), "/")
	base := issuer.Scheme + "://" + issuer.Host
	places := []string{base + serverPath + path, base + openIDPath + path}
	if path != "" {
		places = append(places, base+path+openIDPath)
	}
	for _, at := range places {
		d := x.metadata(ctx, at).document(at)
		if d.there() {
			x.server = d
			return good("%s at %s", d.answer, quote(at))
		}
		if at == places[0] {
			x.server = d
		}
	}
	return x.server.missing(everyone)
}

func (x *exam) issuer(context.Context) result {
	want, got := x.named(), x.server.text("issuer")
	const why = "it is how clients know that they talk to the server that they meant (RFC 8414 §3.3)"
	switch {
	case !x.server.there() || want == "":
		return skip("there are not both to compare")
	case got == want:
		return good("%s", quote(got))
	case strings.TrimRight(got, "/") == strings.TrimRight(want, "/"):
		return fail(quote(got)+", not "+quote(want), why, "write both without a slash at the end", ChatGPT, Zed, Python, GoSDK, MCPGo, Strict)
	}
	return fail(quote(got)+", not "+quote(want), why, cureServerURL,
		all(onTypeScript, onRust, []Client{ChatGPT, Zed, Python, GoSDK, MCPGo, Strict})...)
}

// urlMembers are the members of both documents that are, or list, URLs.
var urlMembers = []string{
	"issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint", "jwks_uri",
	"resource", "authorization_servers",
}

func (x *exam) publicURLs(context.Context) result {
	if !x.resource.there() && !x.server.there() {
		return skip("there is no document to look at")
	}
	for _, d := range []document{x.resource, x.server} {
		for _, member := range urlMembers {
			for _, s := range append(d.list(member), d.text(member)) {
				if s == "" {
					continue
				}
				u, err := url.Parse(s)
				if err != nil || u.Host == "" {
					return fail(member+" is "+quote(s), "it is no absolute URL", cureServerURL, everyone...)
				}
				if x.inner(u) {
					return fail(member+" is "+quote(s), "the server believes that it is there, and sends clients and browsers there, where they cannot follow", cureServerURL, everyone...)
				}
			}
		}
	}
	return good("none leads inside")
}

func (x *exam) endpoints(context.Context) result {
	if !x.server.there() {
		return skip("there is no document to look at")
	}
	for _, member := range []string{"issuer", "authorization_endpoint", "token_endpoint"} {
		if x.server.text(member) == "" {
			return fail("no "+member, "no client gets a token without it", "add it (RFC 8414 §2)", everyone...)
		}
	}
	return good("%s", quote(x.server.text("token_endpoint")))
}

// lists judges a member that lists what is supported.
func (x *exam) lists(member, want string, otherwise result) result {
	if !x.server.there() {
		return skip("there is no document to look at")
	}
	supported := x.server.list(member)
	otherwise.seen = member + ": " + quote(strings.Join(supported, " "))
	if !x.server.has(member) {
		otherwise.seen = "no " + member
	}
	if slices.Contains(supported, want) {
		return good("%s", quote(strings.Join(supported, " ")))
	}
	return otherwise
}

func (x *exam) pkce(context.Context) result {
	return x.lists("code_challenge_methods_supported", "S256",
		fail("", "clients that insist on PKCE take its absence for a no", `add "code_challenge_methods_supported":["S256"]`, ChatGPT, Zed, GoSDK))
}

func (x *exam) responseTypes(context.Context) result {
	return x.lists("response_types_supported", "code", fail("", "there is no other way to a token in MCP", `add "response_types_supported":["code"]`, Python, TypeScript, Inspector, Browser, MCPRemote, ClaudeCode))
}

func (x *exam) grantTypes(context.Context) result {
	const member = "grant_types_supported"
	if x.server.there() && !x.server.has(member) {
		return warn("no "+member, "the default of RFC 8414 has no refresh tokens, and people sign in again and again", "list authorization_code and refresh_token", VSCode, Zed)
	}
	r := x.lists(member, "authorization_code", fail("", "clients register no grant that is not listed", "list authorization_code and refresh_token", VSCode, Zed))
	if r.severity != OK {
		return r
	}
	return x.lists(member, "refresh_token", warn("", "clients that register what is listed get no refresh token, and people sign in again and again", "list refresh_token too", VSCode, Zed))
}

func (x *exam) authMethods(context.Context) result {
	return x.lists("token_endpoint_auth_methods_supported", "none",
		warn("", "clients on people's machines can keep no secret; Claude and Codex use their metadata document only if none is listed", `list "none"`, Claude, Codex))
}

func (x *exam) registration(context.Context) result {
	documents, register := x.server.flag("client_id_metadata_document_supported"), x.server.text("registration_endpoint") != ""
	const why = "who is not known beforehand has no client ID"
	switch {
	case !x.server.there():
		return skip("there is no document to look at")
	case documents && register:
		return good("by a metadata document, and by registration")
	case register:
		return good("by registration")
	case documents:
		return warn("by a metadata document only", why, "offer registration_endpoint, or enter these clients by hand", registering...)
	}
	return warn("they cannot", why, "offer client_id_metadata_document_supported and registration_endpoint, or enter every client by hand", everyone...)
}

func (x *exam) issParameter(context.Context) result {
	switch {
	case !x.server.there():
		return skip("there is no document to look at")
	case !x.server.flag("authorization_response_iss_parameter_supported"):
		return warn("authorization_response_iss_parameter_supported is not true", "ChatGPT then has another client ID and redirect URI for each connection, and mix-up attacks are open",
			"send iss with every answer of the authorization endpoint, errors too, and say so (RFC 9207)", ChatGPT)
	}
	return good("they do, says the metadata")
}

func (x *exam) serverScopes(context.Context) result {
	if !x.server.there() {
		return skip("there is no document to look at")
	}
	return x.lists("scopes_supported", "offline_access", warn("", "Claude asks for it, and with it for a refresh token, only if it is listed here", "list offline_access in scopes_supported of the authorization server", Claude))
}

func (x *exam) nullMembers(context.Context) result {
	if !x.resource.there() && !x.server.there() {
		return skip("there is no document to look at")
	}
	if nulls := append(x.resource.nulls(), x.server.nulls()...); len(nulls) > 0 {
		return fail(quote(strings.Join(nulls, " ")), "clients that check the type of each member throw the document away", "leave members out that have no value", all(onTypeScript, []Client{Strict})...)
	}
	return good("none is")
}
