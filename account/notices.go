package account

// A notice says on the next page what was done. Its code is in the URL and not its text:
// whoever makes somebody follow a link must not choose what this server says.
type notice struct {
	text   string
	failed bool
}

var notices = map[string]notice{
	"signed-out-everywhere": {text: "You were signed out of every browser."},
	"signed-out-before":     {text: "You were signed out before that. Nothing was changed: sign in and try again.", failed: true},
	"revoked":               {text: "Revoked. It cannot get in any more."},
	"revoked-app":           {text: "Revoked. That app cannot get in any more."},
	"revoked-all":           {text: "Everything was revoked. Nothing is connected any more."},
	"passkey-added":         {text: "The new passkey works."},
	"passkey-removed":       {text: "The passkey was removed. It does not sign anybody in any more."},
	"renamed":               {text: "Renamed."},
	"bad-name":              {text: "That name cannot be used. Take one of 1 to 64 characters that nobody else here has.", failed: true},
	"withdrawn":             {text: "The invitation was withdrawn. Its link opens nothing any more."},
	"suspended":             {text: "Suspended. They are signed out, and nothing of theirs is connected any more."},
	"resumed":               {text: "They can sign in and approve apps again."},
	"removed":               {text: "Removed. They are signed out, and nothing of theirs is connected any more."},
}
