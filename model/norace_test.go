//go:build !race

package model

const (
	fewer      = 1
	shrinkTime = "5m"
)
