package templates

import "slices"

// An Account is the frame of a page that somebody sees who is signed in.
type Account struct {
	Person  string // who is signed in; empty on a server of one person
	Places  []Place
	Current string // the path of the place that this page belongs to
	Notice  string // what just happened, if anything did
	Failed  bool   // Notice is of something that was refused
}

// A Place is a line of the navigation.
type Place struct {
	Path, Name string
}

func (a Account) frame() Account { return a }

func (a Account) cleanedFrame() Account {
	a.Person = line(a.Person, maxHeading)
	return a
}

// A SignIn asks for a passkey, and goes on to ReturnTo.
type SignIn struct {
	ReturnTo string
	Digest   string // that the passkey's answer is bound to
	Notice   string // why signing in is needed
}

// Connections shows what is connected.
type Connections struct {
	Account
	Groups       []Group
	Total        int    // connections in all
	Found        int    // those that match Query
	Query        string // what was searched for
	First, Last  int    // which of the found ones are on this page, from 1
	Page         int
	Previous     string // URL of the page before, or ""
	Next         string
	Several      bool     // people: each connection says whose it is
	ResourceURLs []string // to be added to a client
}

// A Group is the connections of one client, or API keys.
type Group struct {
	Keys     bool   // API keys, which have no client
	Name     string // what the client says it is called
	Host     string // that is proven to be the client's, or ""
	Loopback bool   // a program on somebody's computer
	ClientID string
	Count    int // of connections of the client, on all pages
	Grants   []Connection
}

// A Connection is a grant.
type Connection struct {
	ID       string
	KeyName  string // of an API key
	Person   string // whose it is
	Scopes   []Scope
	Resource string // its name; empty if there is only one
	Created  When
	Used     When
	From     string // the network of the last use
	Expires  When   // of an API key
}

// Confirm says what will happen, and asks for a yes or for a passkey.
type Confirm struct {
	Account
	Title  string
	Lines  []string
	Facts  []Fact
	Action string // where the form is sent
	Fields []Field
	Digest string // that a passkey's answer is bound to; empty: none is needed
	Button string
	Danger bool
	Adds   bool // a passkey is made after the answer
	Cancel string
}

// A Fact is a line of what is confirmed.
type Fact struct{ Name, Value string }

// A Field is a hidden field of a form.
type Field struct{ Name, Value string }

// Passkeys shows the passkeys of one person.
type Passkeys struct {
	Account
	Passkeys []Passkey
	Invite   bool // offer to invite the second person
}

// A Passkey is one of a person's.
type Passkey struct {
	ID      string
	Name    string
	Kind    string // in words
	This    bool   // it signed this browser in
	Created When
	Used    When
}

// People shows everybody, to the owner.
type People struct {
	Account
	People      []Person // empty on a server of one person
	Invitations []Invitation
}

// A Person can approve clients.
type Person struct {
	ID          string
	Name        string
	Owner       bool
	Passkeys    int
	Connections int
	Since       When
	Suspended   When // zero: is not
}

// An Invitation waits to be used.
type Invitation struct {
	ID, Name string
	Expires  When
}

// Invited shows the link of a new invitation, once.
type Invited struct {
	Account
	Name, Link string
	Expires    When
}

// Keys shows one person's API keys, and makes more.
type Keys struct {
	Account
	Keys      []Connection
	Name      string
	Scopes    []Choice
	Resources []Choice
	Lives     []Choice
	Problem   string // what is wrong with the form that was sent
}

// A Choice is one of several in a form.
type Choice struct {
	Value, Text string
	Chosen      bool
}

// KeyMade shows a new API key, once.
type KeyMade struct {
	Account
	Name, Key, URL string
	Expires        When
}

// Events shows what happened lately, to the owner.
type Events struct {
	Account
	Events   []Event
	Previous string // URL of the page before, or ""
	Next     string
}

// An Event is something that happened.
type Event struct {
	At     When
	Name   string // stable
	Text   string
	Detail string
	Person string
	Client string
	From   string
}

func (SignIn) file() string      { return "signin.html" }
func (Connections) file() string { return "connections.html" }
func (Confirm) file() string     { return "confirm.html" }
func (Passkeys) file() string    { return "passkeys.html" }
func (People) file() string      { return "people.html" }
func (Invited) file() string     { return "invited.html" }
func (Keys) file() string        { return "keys.html" }
func (KeyMade) file() string     { return "key_made.html" }
func (Events) file() string      { return "events.html" }

func (p SignIn) cleaned() Page { return p }

func (p Connections) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Query = line(p.Query, maxName)
	p.Groups = each(p.Groups, func(g *Group) {
		g.Name, g.Host = line(g.Name, maxHeading), host(g.Host)
		g.Grants = each(g.Grants, (*Connection).clean)
	})
	return p
}

func (c *Connection) clean() {
	c.KeyName, c.Person = line(c.KeyName, maxHeading), line(c.Person, maxHeading)
	c.From = line(c.From, maxHeading)
}

func (p Confirm) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Title = line(p.Title, maxName)
	p.Lines = each(p.Lines, func(s *string) { *s = line(*s, maxText) })
	p.Facts = each(p.Facts, func(f *Fact) { f.Value = line(f.Value, maxText) })
	return p
}

func (p Passkeys) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Passkeys = each(p.Passkeys, func(k *Passkey) { k.Name = line(k.Name, maxGiven) })
	return p
}

func (p People) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.People = each(p.People, func(person *Person) { person.Name = line(person.Name, maxGiven) })
	p.Invitations = each(p.Invitations, func(i *Invitation) { i.Name = line(i.Name, maxGiven) })
	return p
}

func (p Invited) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Name = line(p.Name, maxGiven)
	return p
}

func (p Keys) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Name = line(p.Name, maxName)
	p.Keys = each(p.Keys, (*Connection).clean)
	return p
}

func (p KeyMade) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Name = line(p.Name, maxGiven)
	return p
}

func (p Events) cleaned() Page {
	p.Account = p.cleanedFrame()
	p.Events = each(p.Events, func(e *Event) {
		e.Text, e.Detail = line(e.Text, maxText), line(e.Detail, maxText)
		e.Name, e.From = line(e.Name, maxName), line(e.From, maxHeading)
		e.Person, e.Client = line(e.Person, maxHeading), line(e.Client, maxName)
	})
	return p
}

// each returns a copy of list with every element altered.
func each[T any](list []T, alter func(*T)) []T {
	list = slices.Clone(list)
	for i := range list {
		alter(&list[i])
	}
	return list
}
