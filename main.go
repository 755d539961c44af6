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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, should draining take too long.
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv})
}
