package templates

import "time"

// samples are pages that take every branch of the templates.
func samples() []Page {
	return append(requestSamples(), accountSamples()...)
}

func requestSamples() []Page {
	web := Consent{
		ClientName: "Sample", ClientHost: "client.example", RedirectURI: "https://client.example/callback", RedirectScheme: "https", RedirectHost: "client.example",
		ResourceName: "Notes", ResourceURL: "https://mcp.example/mcp",
		Scopes: []Scope{{"mcp:tools", "Use the tools"}, {"notes:read", ""}}, Lasting: true,
		Action: "/authorize?client_id=sample", Digest: "AAAA",
	}
	loopback := web
	loopback.ClientHost, loopback.RedirectScheme, loopback.RedirectHost, loopback.Loopback = "", "http", "localhost:1234", true
	app := web
	app.RedirectScheme, app.RedirectHost, app.NativeApp = "sample", "", true
	more := web
	more.ScopesBefore = []Scope{{"notes:read", "Read the notes"}}
	return []Page{
		web, loopback, app, more,
		Consent{},
		SetupNeeded{SetupURL: "/passkey/register"},
		SetupNeeded{SetupURL: "/passkey/register", Account: true},
		Setup{},
		Setup{ResourceURLs: []string{"https://mcp.example/mcp", "https://mcp.example/other"}},
		Setup{ReturnTo: "/authorize?client_id=sample"},
		Enrol{ResourceURLs: []string{"https://mcp.example/mcp"}},
		Enrol{Recovery: true},
		Approved{},
		Approved{ClientName: "Sample", RedirectURL: "sample://callback?code=1"},
		Problem{},
		Problem{Title: "Title", Message: "Message", Remedy: "Remedy", Code: "code", Back: "/account"},
		Problem{Title: "Title", Back: "https://client.example/callback?error=invalid_scope", BackTo: "client.example"},
	}
}

func accountSamples() []Page {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	when := func(ago time.Duration) When { return NewWhen(now.Add(-ago), now) }
	frame := Account{
		Person: "Ada", Places: []Place{{"/account", "Connections"}, {"/account/people", "People"}}, Current: "/account", Notice: "Done.",
	}
	failed := frame
	failed.Person, failed.Failed = "", true
	grant := Connection{
		ID: "id", Person: "Ada", Scopes: []Scope{{"mcp:tools", "Use the tools"}, {"notes:read", ""}}, Resource: "Notes",
		Created: when(48 * time.Hour), Used: when(time.Hour), From: "192.0.2.0/24",
	}
	key := Connection{ID: "key", KeyName: "CI", Created: when(0), Expires: when(-time.Hour)}
	return []Page{
		SignIn{},
		SignIn{ReturnTo: "/account/keys", Digest: "AAAA", Notice: "You were signed out."},
		Connections{},
		Connections{Account: frame, ResourceURLs: []string{"https://mcp.example/mcp"}},
		Connections{Account: failed, Total: 3, Query: "nothing"},
		Connections{
			Account: frame, Several: true, Total: 120, Found: 110, Query: "sample", First: 51, Last: 53, Page: 2, Previous: "/account?page=1", Next: "/account?page=3",
			Groups: []Group{
				{Name: "Sample", Host: "client.example", ClientID: "sample", Count: 2, Grants: []Connection{grant, {ID: "other"}}},
				{Loopback: true, Count: 1, Grants: []Connection{grant}},
				{Name: "App", Count: 1, Grants: []Connection{grant}},
				{Keys: true, Count: 1, Grants: []Connection{key}},
			},
		},
		Confirm{},
		Confirm{
			Account: frame, Title: "Remove Ada?", Lines: []string{"All ends."}, Facts: []Fact{{"Name", "Ada"}}, Action: "/account", Danger: true,
			Fields: []Field{{"person", "ada"}}, Digest: "AAAA", Button: "Remove", Cancel: "/account/people",
		},
		Confirm{Account: frame, Title: "Add", Digest: "AAAA", Button: "Add", Adds: true},
		Passkeys{},
		Passkeys{Account: frame, Passkeys: []Passkey{{ID: "id", Name: "Phone", Kind: "Synced", This: true, Created: when(time.Hour), Used: when(0)}}},
		Passkeys{Account: frame, Passkeys: []Passkey{{ID: "a", Name: "Phone"}, {ID: "b", Name: "Laptop"}}, Invite: true},
		People{},
		People{
			Account: frame,
			People: []Person{
				{ID: "owner", Name: "owner", Owner: true, Passkeys: 1, Connections: 2, Since: when(time.Hour)},
				{ID: "ada", Name: "Ada", Passkeys: 2, Connections: 1},
				{ID: "bob", Name: "Bob", Suspended: when(time.Hour)},
			},
			Invitations: []Invitation{{"id", "Cleo", when(-time.Hour)}},
		},
		Invited{},
		Invited{Account: frame, Name: "Cleo", Link: "https://mcp.example/passkey/enrol?for=invitation#token=x", Expires: when(-time.Hour)},
		Keys{},
		Keys{
			Account: frame, Keys: []Connection{key, grant}, Name: "CI", Problem: "Choose a scope.",
			Scopes:    []Choice{{"mcp:tools", "Use the tools", true}, {"notes:read", "", false}},
			Resources: []Choice{{"https://mcp.example/mcp", "Notes", true}, {"https://mcp.example/mail", "Mail", false}},
			Lives:     []Choice{{"7", "7 days", false}, {"30", "30 days", true}},
		},
		KeyMade{},
		KeyMade{Account: frame, Name: "CI", Key: "mcpoauth_ak_x", URL: "https://mcp.example/mcp", Expires: when(-time.Hour)},
		Events{},
		Events{Account: frame, Previous: "/account/events?page=1", Next: "/account/events?page=3", Events: []Event{{At: when(time.Hour), Name: "token.issued", Text: "A token.", Detail: "scopes=notes", Person: "Ada", Client: "Sample", From: "192.0.2.0/24"}, {Name: "x"}}},
	}
}
