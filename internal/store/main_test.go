package store_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(childVariable); part != "" {
		os.Exit(playChild(part))
	}
	store.LowerBounds()
	storetest.Main(leakChecked{m})
}

// leakChecked runs the tests and fails where a store left a goroutine behind.
type leakChecked struct{ tests *testing.M }

// Run implements what storetest.Main runs.
func (l leakChecked) Run() int {
	code := l.tests.Run()
	// The cluster outlives the tests; its supervisor is waited for by os/exec.
	leak := goleak.Find(
		goleak.IgnoreAnyFunction("usher/internal/store/storetest.supervise.func1"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"),
	)
	if leak != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "after the tests:", leak)
		return 1
	}
	return code
}
