// Command usher keeps a deployment's users: it is the server and its client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"usher/internal/cli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		// A second signal ends the process at once, should draining take too long:
		// from before anybody can see that the first one arrived.
		signal.Stop(signals)
		cancel()
	}()
	return cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv})
}
