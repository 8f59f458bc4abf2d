package perf

import (
	"flag"
	"fmt"
	"testing"
)

// Main runs the tests and benchmarks of a package whose results the tables collect, and
// tells of each target that was missed. It is for TestMain, and returns the exit status.
func Main(m *testing.M, tables ...*Table) (status int) {
	flag.Parse()
	flag.Set("test.benchtime", "1x") // each measures by itself for as long as it takes
	status = m.Run()
	for _, table := range tables {
		for _, missed := range table.Missed {
			fmt.Println("MISSED:", missed)
			status = 1
		}
	}
	return status
}
