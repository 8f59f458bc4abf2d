package oauth

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// A body that says how long it is may lie, or arrive in whatever pieces.
func TestABodyIsReadWholeWhateverItSaysOfItsLength(t *testing.T) {
	const broken = "the line is cut"
	for _, size := range []int{0, 1, 10, 511, 512, 513, 5000} {
		want := bytes.Repeat([]byte("abcdefghij"), 500)[:size]
		for _, length := range []int64{-1, 0, 1, 9, 10, 11, 511, 512, 1 << 40} {
			for name, arrives := range map[string]func(io.Reader) io.Reader{
				"at once":                func(r io.Reader) io.Reader { return r },
				"byte by byte":           iotest.OneByteReader,
				"with its end":           iotest.DataErrReader,
				"and a byte at its end":  func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
				"before the line is cut": func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(errors.New(broken))) },
			} {
				got, err := readAll(arrives(bytes.NewReader(want)), length)
				if cut := strings.HasSuffix(name, "cut"); (err != nil) != cut || cut && err.Error() != broken || !bytes.Equal(got, want) {
					t.Errorf("%d bytes that are said to be %d, %s: got %d bytes, %v", size, length, name, len(got), err)
				}
			}
		}
	}
}

// What a body says of its length is no reason to reserve memory for it.
func TestALongBodyReservesNothingBeforeItComes(t *testing.T) {
	if got, err := readAll(strings.NewReader("a"), 1<<40); err != nil || cap(got) > 1024 {
		t.Errorf("%d bytes are reserved, %v", cap(got), err)
	}
}
