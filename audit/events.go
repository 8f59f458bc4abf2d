// Package audit remembers what happened lately, for the owner to see and for a program
// to be told: of all that is logged, what decides who is in.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package audit

// A meaning is what the name of an event stands for.
type meaning struct {
	words string

	// Strangers, or programs by themselves, can cause any number of these. They get a
	// part of the journal only: nobody shall flood it to hide the others.
	crowd bool
}

// meanings has the names of all events.
var meanings = map[string]meaning{
	"setup.needed":    {words: "The server waits for its owner"},
	"setup.completed": {words: "The owner made the first passkey"},

	"person.invited":       {words: "A person was invited"},
	"invitation.withdrawn": {words: "An invitation was withdrawn"},
	"person.joined":        {words: "A person came by an invitation"},
	"person.suspended":     {words: "A person was suspended"},
	"person.resumed":       {words: "A person was let in again"},
	"person.removed":       {words: "A person was removed"},
	"person.renamed":       {words: "A person was renamed"},
	"recovery.started":     {words: "A recovery link was made"},

	"passkey.added":     {words: "A passkey was added"},
	"passkey.removed":   {words: "A passkey was removed"},
	"passkey.renamed":   {words: "A passkey was renamed"},
	"passkeys.replaced": {words: "A recovery link put a new passkey in the place of all others"},
	"passkey.accepted":  {words: "Somebody answered with their passkey"},
	"passkey.refused":   {words: "A passkey was refused", crowd: true},
	"enrolment.refused": {words: "A link for a new passkey was refused", crowd: true},
	"session.started":   {words: "Somebody signed in"},
	"session.ended":     {words: "Somebody signed out"},

	"approval.granted": {words: "An app was let in"},
	"approval.denied":  {words: "An app was turned away", crowd: true},

	"client.registered":           {words: "An app registered itself", crowd: true},
	"client.document_fetched":     {words: "An app's description of itself was read", crowd: true},
	"client.document_refused":     {words: "An app's description of itself was refused", crowd: true},
	"client.document_unavailable": {words: "An app's description of itself could not be had; a kept one was used", crowd: true},

	"token.issued":    {words: "An app got its first tokens"},
	"token.refreshed": {words: "An app renewed its tokens", crowd: true},
	"token.reused":    {words: "A code or token came twice, which may be theft: the connection was ended"},
	"token.revoked":   {words: "An app signed itself out", crowd: true},
	"grant.revoked":   {words: "A connection was ended"},

	"key.created":             {words: "An API key was made"},
	"key.used_from_new_place": {words: "An API key was used from a network that it was not used from before"},

	"limit.hit": {words: "Somebody asked too often", crowd: true},
}

// Words says in words what the name of an event stands for, or is empty.
func Words(name string) string { return meanings[name].words }

// Names returns the names of all events, in no order.
func Names() []string {
	names := make([]string, 0, len(meanings))
	for name := range meanings {
		names = append(names, name)
	}
	return names
}
