package perf

import (
	"cmp"
	"slices"
)

// Quantile sorts values and returns the one that q of them do not exceed. There is at
// least one.
func Quantile[T cmp.Ordered](values []T, q float64) T {
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// Median sorts values and returns the one in the middle. There is at least one.
func Median[T cmp.Ordered](values []T) T { return Quantile(values, 0.5) }
