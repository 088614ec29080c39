package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// The states of a revision that something was left in the middle of.
const (
	pendingInstall  = "pending-install"
	pendingUpgrade  = "pending-upgrade"
	pendingRollback = "pending-rollback"
	uninstalling    = "uninstalling"
)

// remedy is what has to be done before a release can be upgraded.
type remedy string

const (
	none      remedy = ""
	rollBack  remedy = "roll back"
	uninstall remedy = "uninstall"
)

// diagnose says what a history needs: nothing, a rollback to the last revision that was
// deployed, or, where none ever was, an uninstall. It is pure.
func diagnose(history []Revision) (what remedy, to int) {
	if len(history) == 0 {
		return none, 0
	}
	switch history[len(history)-1].Status {
	case pendingInstall, uninstalling:
		return uninstall, 0
	case pendingUpgrade, pendingRollback:
		if good := lastGood(history, 0); good != 0 {
			return rollBack, good
		}
		return uninstall, 0
	}
	return none, 0
}

// lastGood is the newest revision before another (0: of all) that was deployed with
// success; 0 where there is none. The status alone does not tell: a failed rollback
// makes helm mark what was there before as superseded, whatever it was.
func lastGood(history []Revision, before int) int {
	for i := len(history) - 1; i >= 0; i-- {
		r := history[i]
		if (before == 0 || r.Revision < before) && succeeded(r) {
			return r.Revision
		}
	}
	return 0
}

func succeeded(r Revision) bool {
	if r.Status == "deployed" {
		return true
	}
	said := strings.ToLower(r.Description)
	unfinished := strings.Contains(said, "preparing upgrade") || strings.Contains(said, "underway") || strings.Contains(said, "failed")
	return r.Status == "superseded" && !unfinished
}

// repair brings a release out of a state that a killed run left it in. It returns what
// it did, "" where nothing had to be done.
func (c *client) repair(ctx context.Context, g *guard, history []Revision, m Metadata) (string, error) {
	what, to := diagnose(history)
	if what == none {
		return "", nil
	}
	last := history[len(history)-1]
	why, err := c.mayRepair(ctx, g, history)
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("revision %d was left %s: %s; ", last.Revision, last.Status, why)
	if what == uninstall {
		if _, err := c.ask(ctx, uninstallArgv(c.place, c.bounds, m.Description())); err != nil {
			return "", fmt.Errorf("uninstalling what was left of revision %d: %w", last.Revision, err)
		}
		return said + "it was never deployed, and what there was of it is uninstalled", nil
	}
	m.RollbackTo = to
	if _, err := c.ask(ctx, rollbackArgv(c.place, to, c.bounds, m.Description(), false)); err != nil {
		return "", fmt.Errorf("rolling revision %d back to %d: %w", last.Revision, to, err)
	}
	return fmt.Sprintf("%sit is rolled back to revision %d", said, to), nil
}

// mayRepair says why whoever left the last revision as it is cannot be at work any more.
func (c *client) mayRepair(ctx context.Context, g *guard, history []Revision) (string, error) {
	last := history[len(history)-1]
	run, err := c.runOf(ctx, history)
	if err != nil {
		return "", err
	}
	age := time.Since(last.Updated).Round(time.Second)
	refuse := func(hint, format string, args ...any) error {
		return &pipelines.Error{Err: fmt.Errorf("revision %d of %q is %s, for %v: %s", last.Revision, c.Release, last.Status, age, fmt.Sprintf(format, args...)), Hint: hint}
	}
	byHand := "find out who deploys it without penstock, or with another store; if nobody does: helm rollback " + c.Release
	if run == "" {
		return "", refuse(byHand, "no run of penstock did that")
	}
	known, err := g.book.Run(ctx, g.target, run)
	if errors.Is(err, store.ErrNotFound) {
		return "", refuse(byHand, "the run %q, which did that, is not in this store", run)
	}
	if err != nil {
		return "", err
	}
	if known.Over() { // it left the release in order, and somebody else came after it
		return "", refuse(byHand, "the run %q ended in order before, so it was somebody else", run)
	}
	if end := known.Entries[len(known.Entries)-1]; end.Event == ledger.Failed {
		return fmt.Sprintf("%s ended, and said: %s", known.Owner(), end.Note), nil
	}
	over, why := g.over(ctx, known.Owner(), age)
	if !over {
		return "", refuse("wait for that run to end", "%s: %s", known.Owner(), why)
	}
	return fmt.Sprintf("%s is over: %s", known.Owner(), why), nil
}

// runOf is the run that made the last revision. A rollback has the labels of the revision
// that it goes back to: its run is in the description, or, where helm rolled back by
// itself after a failure, that of the revision before.
func (c *client) runOf(ctx context.Context, history []Revision) (string, error) {
	last := len(history) - 1
	if m, ours := Described(history[last].Description); ours {
		return m.Run, nil
	}
	if history[last].Status == pendingRollback {
		if last--; last < 0 {
			return "", nil
		}
	}
	labels, err := c.labels(ctx, history[last].Revision)
	if err != nil {
		return "", err
	}
	return labels[labelRun], nil
}
