package ledger

import (
	"context"
	"fmt"
	"os"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Liveness is whether a run can still change something.
type Liveness string

// Unknown is the answer wherever there is no proof of another.
const (
	Dead    Liveness = "dead"
	Living  Liveness = "alive"
	Unknown Liveness = "unknown"
)

// Coroner says whether runs are dead.
type Coroner struct {
	// RunOver asks the forge whether a run, in that attempt, is over. Nil where
	// there is nobody to ask.
	RunOver func(context.Context, CI) (bool, error)
}

// Alive says whether anything of a run lives, and why that is known or is not.
//
// Where the run was started on this machine since it was booted, in this process
// namespace, the processes tell: a run is dead when neither its own process nor
// any that has its id in its environment is there. Everywhere else a process id
// proves nothing, and only the forge can tell.
func (c Coroner) Alive(ctx context.Context, o Owner) (Liveness, string) {
	if why := elsewhere(o); why != "" {
		return c.ask(ctx, o, why)
	}
	return look(ctx, o)
}

// elsewhere says why the processes of this machine tell nothing about the run;
// empty where they do.
func elsewhere(o Owner) string {
	here, _, err := whereabouts()
	if err != nil {
		return fmt.Sprintf("this machine does not tell its boot id or process namespace (%v)", err)
	}
	here.Host, err = os.Hostname()
	there := printable.Text(o.Machine.Host, 100)
	switch {
	case err != nil:
		return fmt.Sprintf("this machine does not tell its name (%v)", err)
	case here.Boot == "" || here.PIDNamespace == "":
		return "this system has no boot id and no process namespace to tell machines apart by"
	case o.Machine.Boot == "" || o.Machine.PIDNamespace == "":
		return fmt.Sprintf("the run did not record the boot id and process namespace of its machine %q", there)
	case o.Machine.Boot != here.Boot:
		return fmt.Sprintf("it ran on another machine, or before a restart of this one (%q, boot id %s)", there, printable.Text(o.Machine.Boot, 40))
	case o.Machine.PIDNamespace != here.PIDNamespace:
		return fmt.Sprintf("it ran in another process namespace (%q, %s), a container for instance, which cannot be looked into from here",
			there, printable.Text(o.Machine.PIDNamespace, 40))
	case o.Machine.Host != here.Host: // machines started from one snapshot share a boot id
		return fmt.Sprintf("it ran on a machine of another name (%q)", there)
	case o.PIDStart == 0 || o.PID <= 0 || !runID.MatchString(o.Run) && !testRun.MatchString(o.Run):
		return "the run did not record its process"
	}
	return ""
}

// ask asks the forge about a run of which nothing is known otherwise.
func (c Coroner) ask(ctx context.Context, o Owner, why string) (Liveness, string) {
	run := fmt.Sprintf("run %s, attempt %s, of %s", printable.Text(o.CI.RunID, 50), printable.Text(o.CI.Attempt, 10), printable.Text(o.CI.Forge, 50))
	switch {
	case o.CI.RunID == "":
		return Unknown, why + ", and no forge knows of it"
	case c.RunOver == nil:
		return Unknown, fmt.Sprintf("%s, and nobody was asked about %s", why, run)
	}
	over, err := c.RunOver(ctx, o.CI)
	switch {
	case err != nil:
		return Unknown, fmt.Sprintf("%s, and asking about %s: %v", why, run, err)
	case over:
		return Dead, fmt.Sprintf("%s, and the forge says that %s is over", why, run)
	}
	return Living, fmt.Sprintf("the forge says that %s is not over", run)
}
