// Command penstock runs pipeline stages on a laptop, in a container and in CI.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/penstock-dev/penstock/pipelines/terratest/shim"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // runs are short: memory is cheaper than collecting it
	}
	if shim.Called(os.Args[0]) { // by a test, which terraform's own signals are for
		os.Exit(shim.Main(context.Background(), os.Args))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	p := program{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}
