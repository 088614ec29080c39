// Command orders takes orders over HTTP, and migrates their database.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/acme/orders/internal/store"
	"example.com/acme/orders/internal/web"
)

const help = `orders takes orders over HTTP.

  orders serve     listen on PORT (default 8080), with the database in DATABASE_DIR (default data)
  orders migrate   bring the database in DATABASE_DIR to the version that this program needs
`

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := run(log, os.Args[1:]); err != nil {
		log.Error("orders stops", "error", err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger, args []string) error {
	dir := or(os.Getenv("DATABASE_DIR"), "data")
	if len(args) == 0 {
		args = []string{"serve"}
	}
	switch args[0] {
	case "migrate":
		from, to, err := store.Migrate(dir)
		if err != nil {
			return fmt.Errorf("migrating %q: %w", dir, err)
		}
		log.Info("migrated", "from", from, "to", to)
		return nil
	case "serve":
		return serve(log, dir)
	case "help", "--help":
		fmt.Print(help)
		return nil
	}
	return fmt.Errorf("there is no command %q: run orders help", args[0])
}

func serve(log *slog.Logger, dir string) error {
	// Each pod has a directory of its own, which a job beside it cannot migrate.
	if os.Getenv("MIGRATE_ON_START") == "true" {
		if _, _, err := store.Migrate(dir); err != nil {
			return fmt.Errorf("migrating %q: %w", dir, err)
		}
	}
	db, err := store.Open(dir)
	if err != nil {
		return fmt.Errorf("opening %q: %w", dir, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: web.Handler(db, os.Getenv("SQS_ORDERS_URL")), ReadHeaderTimeout: 5 * time.Second}
	listener, err := net.Listen("tcp", ":"+or(os.Getenv("PORT"), "8080"))
	if err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr().String())
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done(): // the pod goes: requests that run may end
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
