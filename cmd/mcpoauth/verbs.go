package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// verbs are what the command can do: each in a file of its own.
var verbs = []verb{
	{"doctor", "look at a running server from outside, and say which clients would fail and why", runDoctor},
	{"proxy", "put OAuth in front of an MCP server in any language", runProxy},
	{"connections", "list who and what is connected", runConnections},
	{"revoke", "end connections and API keys", runRevoke},
	{"people", "list who can let clients in", runPeople},
	{"suspend", "shut a person out, and end their connections", runSuspend},
	{"resume", "let a person in again who was suspended", runResume},
	{"recover", "make a link for who has lost every passkey, the owner above all", runRecover},
	{"copy", "copy everything from one store to another", runCopy},
	{"seal", "begin to encrypt a store", runSeal},
	{"rotate", "encrypt a store with a new key", runRotate},
}

// parse reads the flags of a verb, and what follows them. For -h it writes the help
// to out and returns flag.ErrHelp.
func parse(flags *flag.FlagSet, synopsis string, args []string, out io.Writer) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: mcpoauth %s\n\n", synopsis)
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(out)
		flags.Usage()
		return err
	case err != nil:
		// The flag package repeats an unknown flag as it is, line breaks too.
		return fmt.Errorf("%s; -h lists the flags", strings.ReplaceAll(err.Error(), "\n", `\n`))
	}
	return nil
}

// parseAnywhere is parse for flags that may stand behind other arguments, which it
// returns. An ID that happens to begin with a dash is no flag.
func parseAnywhere(flags *flag.FlagSet, synopsis string, args []string, out io.Writer) (rest []string, err error) {
	var given []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" || secret.ValidID(arg) {
			rest = append(rest, arg)
			continue
		}
		given = append(given, arg)
		if takesValue(flags, arg) && i+1 < len(args) {
			i++
			given = append(given, args[i])
		}
	}
	return rest, parse(flags, synopsis, given, out)
}

// takesValue reports whether the argument behind a flag belongs to it.
func takesValue(flags *flag.FlagSet, arg string) bool {
	known := flags.Lookup(strings.TrimLeft(arg, "-"))
	if known == nil {
		return false
	}
	toggle, ok := known.Value.(interface{ IsBoolFlag() bool })
	return !ok || !toggle.IsBoolFlag()
}
