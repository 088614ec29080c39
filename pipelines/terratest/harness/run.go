package harness

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// ttl is how long a run may live that penstock is not around.
const ttl = 24 * time.Hour

// running is the run of this process.
type running struct {
	id, ttl string
	ctx     context.Context
	// states is the directory in which the harness saves; empty with penstock around, whose
	// terraform on PATH does.
	states string
}

var theRun = sync.OnceValues(begin)

// begin takes the run that penstock began, or begins one.
func begin() (running, error) {
	r := running{id: os.Getenv(record.EnvRun), ttl: os.Getenv(record.EnvTTL), ctx: listen()}
	if record.CheckRun(r.id) == nil && os.Getenv(record.EnvStates) != "" && r.ttl != "" {
		return r, nil
	}
	r.id, r.ttl = record.NewRunID(time.Now()), time.Now().UTC().Add(ttl).Format(time.RFC3339)
	var err error
	if r.states, err = directory(); err == nil {
		err = r.save()
	}
	if err != nil {
		return r, fmt.Errorf("beginning a run of tests: %w", err)
	}
	return r, nil
}

// directory is the place of the states: the one that is named, or that of the user. It is
// the one where penstock sweep looks.
func directory() (string, error) {
	if named := os.Getenv(record.EnvStates); named != "" {
		if strings.Contains(named, "://") {
			return "", fmt.Errorf("%s is %q: without penstock around the states are in a directory", record.EnvStates, named)
		}
		return filepath.Abs(named)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "penstock", "terratest"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "penstock", "terratest"), err
}

// save says who the run is, so that others can tell whether it lives.
func (r running) save() error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	over, err := time.Parse(time.RFC3339, r.ttl)
	if err != nil {
		return err
	}
	actor := "somebody"
	if u, err := user.Current(); err == nil {
		actor = u.Username
	}
	owner := record.Owner{Run: r.id, Actor: actor, PID: os.Getpid(), Started: time.Now().UTC()}
	owner.Machine, owner.PIDStart = whereabouts()
	owner.Machine.Host = host
	return write(r.states, record.RunName(r.id), record.Run{Format: record.Format, ID: r.id, Owner: owner, TTL: over})
}
