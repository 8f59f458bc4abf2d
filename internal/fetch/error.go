package fetch

// A Kind says what a failure means for whoever asked.
type Kind int

const (
	// Refused is our own no: nothing was sent.
	Refused Kind = iota + 1

	// Unreachable means that nothing came back which says anything about the
	// document: no connection, an error, a bot check in its place. What the
	// server said before still stands.
	Unreachable

	// Busy means that the server was not asked, or too late to answer in time,
	// because too many others were. It says nothing of the server, so that nobody
	// who makes us busy decides what stands in for its answer.
	Busy

	// Broken is the server's own answer, and there is no document in it.
	Broken
)

// An Error is why there is no document.
type Error struct {
	Kind   Kind
	Reason string // a clause for people: "the server ..."
	Err    error  // what lies behind it, for the log alone: it may tell of our own network

	// TakenBack reports whether the server itself, when it was last heard within a day,
	// had no good document any more: no copy of an older one may stand in for it.
	TakenBack bool
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
