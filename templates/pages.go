package templates

import "html/template"

// A Page is what is shown on one page: a type of this package.
type Page interface {
	// file is the name of the page's template.
	file() string

	// cleaned returns the page with all that a stranger wrote made harmless to
	// the eye. Escaping is the template's work.
	cleaned() Page
}

// Consent asks a person to approve or deny one authorization request.
type Consent struct {
	ClientName string // what the client says it is called
	ClientHost string // the https host that is proven to be the client's, or ""

	RedirectURI    string // where the answer goes, whole
	RedirectScheme string
	RedirectHost   string // with its port
	Loopback       bool   // the redirect goes to a program on this computer
	NativeApp      bool   // the redirect goes to an app, by a scheme of its own

	ResourceName string
	ResourceURL  string
	Scopes       []Scope
	ScopesBefore []Scope // that were approved before; Scopes are new beside them
	Lasting      bool    // the client can stay connected without asking again

	Action string // where the form is sent: the path and query of the request
	Digest string // of the request: what the passkey's answer is bound to
}

// A Scope is one thing that the client would be allowed to do.
type Scope struct {
	Name        string
	Description string
}

// SetupNeeded is shown to whoever comes before the owner has a passkey.
type SetupNeeded struct {
	SetupURL string
	Account  bool // they came to see the account, not to connect an app
}

// Setup makes the owner's passkey and then shows what comes next.
type Setup struct {
	ReturnTo     string   // the request that waits for the setup, or ""
	ResourceURLs []string // to be added to a client, if no request waits
}

// Enrol makes a passkey for who has an invitation or recovery link.
type Enrol struct {
	Recovery     bool
	ResourceURLs []string // to be added to a client by who was invited
}

// Approved leads back to an app that opens by a scheme of its own. A redirect
// answers for all others; to such an app, a browser may refuse to follow one.
type Approved struct {
	ClientName  string
	RedirectURL template.URL // checked: this package writes it as it stands
}

// Problem says what went wrong and what can be done about it.
type Problem struct {
	Title   string
	Message string
	Remedy  string
	Code    string
	Back    string // the path of a page to go back to, the https URL of a website, or ""
	BackTo  string // the host of that website
}

// Unavailable is the Problem of a server that cannot reach its own data.
func Unavailable() Problem {
	return Problem{
		Title:   "Please try again in a moment",
		Message: "The server cannot reach its own data just now.",
		Remedy:  "Reload this page. If it goes on, the server's log says why.",
		Code:    "temporarily_unavailable",
	}
}

func (Consent) file() string     { return "consent.html" }
func (SetupNeeded) file() string { return "setup_needed.html" }
func (Setup) file() string       { return "setup.html" }
func (Enrol) file() string       { return "enrol.html" }
func (Approved) file() string    { return "approved.html" }
func (Problem) file() string     { return "problem.html" }

func (p Consent) cleaned() Page {
	p.ClientName = line(p.ClientName, maxName)
	p.ClientHost = host(p.ClientHost)
	p.RedirectScheme = host(p.RedirectScheme)
	p.RedirectHost = host(p.RedirectHost)
	p.RedirectURI = line(p.RedirectURI, maxURI)
	return p
}

func (p SetupNeeded) cleaned() Page { return p }

func (p Setup) cleaned() Page { return p }

func (p Enrol) cleaned() Page { return p }

func (p Approved) cleaned() Page {
	p.ClientName = line(p.ClientName, maxName)
	return p
}

func (p Problem) cleaned() Page {
	p.Title = line(p.Title, maxName)
	p.Message = line(p.Message, maxText)
	p.Remedy = line(p.Remedy, maxText)
	p.Code = line(p.Code, maxName)
	p.BackTo = host(p.BackTo)
	return p
}
