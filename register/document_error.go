package register

import (
	"net/http"
	"strings"
)

// A DocumentError is why a client that names itself by the URL of its metadata
// document cannot be known.
type DocumentError struct {
	URL    string // empty if it cannot be one
	Reason string // a clause for people to read
	Status int    // of the page that says so: 400, 403 or 503

	cause error
}

func (e *DocumentError) Error() string {
	s := "client metadata document: " + e.Reason
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *DocumentError) Unwrap() error { return e.cause }

// Explain returns the status of a page and what it says: what happened, why, and what
// can be done.
func (e *DocumentError) Explain() (status int, title, message, remedy string) {
	title, message, remedy = e.words()
	return e.Status, title, message, remedy
}

func (e *DocumentError) words() (title, message, remedy string) {
	host, _, _ := strings.Cut(strings.TrimPrefix(e.URL, "https://"), "/")
	switch {
	case e.Status == http.StatusForbidden:
		return "This app is not allowed here",
			"The owner of this server does not let apps in that are published by " + host + ".",
			"If you are the owner, allow that host in the server's configuration."
	case e.Status == http.StatusServiceUnavailable:
		return "This app cannot be recognised just now",
			"The app says that " + host + " describes it, but " + e.Reason + ".",
			"Try again in a minute. If it stays like this, something between this server and " + host + " is in the way: the owner finds more in the server's log."
	case e.URL == "":
		return "This app does not say who it is",
			"The address by which it names itself (client_id) cannot be one that describes an app: " + e.Reason + ".",
			"Only the maker of the app can mend this."
	default:
		return "This app's description of itself is not valid",
			"The app is described at " + host + ", but that does not hold: " + e.Reason + ".",
			"Do not go on if a link brought you here. Otherwise only the maker of the app can mend this."
	}
}
