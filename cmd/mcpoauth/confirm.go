package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// confirm asks whether to do what was announced. It returns an error unless the answer
// is yes, or was given beforehand.
func (v *storeVerb) confirm(ctx context.Context, question string) error {
	switch {
	case v.yes:
		return nil
	case !v.t.asked:
		return errors.New("it asks before it does that, and there is nobody to ask; say --yes")
	}
	fmt.Fprintf(v.t.err, "%s Type yes: ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(v.t.in).ReadString('\n') // what is no yes is a no
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(v.t.err)
		return errors.New("interrupted; nothing was changed")
	case said := <-answer:
		if said != "yes" {
			return finding("nothing was changed")
		}
		return nil
	}
}
