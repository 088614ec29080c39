package ledger

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// EnvRun is the variable that penstock sets for the processes of a run, which
// hand it on to theirs: by it a process is known as part of a run.
const EnvRun = "PENSTOCK_RUN"

// Owner is a run, who started it and where it runs.
type Owner struct {
	// Run names the run: unique, sorted by time, safe in file names.
	Run   string `json:"run"`
	Actor string `json:"actor"`
	// Machine, PID and PIDStart say where to look for the run's processes.
	Machine Machine `json:"machine"`
	PID     int     `json:"pid"`
	// PIDStart is when the process began, in clock ticks since the machine did;
	// 0 where the system does not tell. A process id alone is used again.
	PIDStart uint64    `json:"pidStart,omitempty"`
	Started  time.Time `json:"started"`
	// CI is empty on a laptop.
	CI CI `json:"ci,omitzero"`
}

// Machine is one start of one machine, as seen from inside a container.
type Machine struct {
	Host string `json:"host"`
	// Boot is the boot id of the kernel, PIDNamespace the namespace in which
	// process ids count. Empty where the system has none.
	Boot         string `json:"boot,omitempty"`
	PIDNamespace string `json:"pidNamespace,omitempty"`
}

// CI is the run of a forge, e.g. of GitHub Actions.
type CI struct {
	Forge   string `json:"forge,omitempty"`
	RunURL  string `json:"runURL,omitempty"`
	RunID   string `json:"runID,omitempty"`
	Attempt string `json:"attempt,omitempty"`
}

// NewOwner names a new run of this process by an actor.
func NewOwner(actor string, ci CI) (Owner, error) {
	host, err := os.Hostname()
	if err != nil {
		return Owner{}, fmt.Errorf("naming the run: %w", err)
	}
	now := time.Now().UTC()
	o := Owner{Run: newRun(now), Actor: actor, PID: os.Getpid(), Started: now, CI: ci}
	o.Machine, o.PIDStart, err = whereabouts()
	o.Machine.Host = host
	if err != nil {
		return Owner{}, fmt.Errorf("naming the run: %w", err)
	}
	return o, nil
}

// CIFrom reads which run of a forge this is from its environment, e.g.
// os.Getenv. It is empty where the forge is not known.
func CIFrom(getenv func(string) string) CI {
	if getenv("GITHUB_ACTIONS") != "true" {
		return CI{}
	}
	id := getenv("GITHUB_RUN_ID")
	return CI{
		Forge:   "github",
		RunURL:  fmt.Sprintf("%s/%s/actions/runs/%s", getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), id),
		RunID:   id,
		Attempt: getenv("GITHUB_RUN_ATTEMPT"),
	}
}

// Env is the variable for the environment of every process that the run starts.
func (o Owner) Env() string { return EnvRun + "=" + o.Run }

// String is the owner in one line.
func (o Owner) String() string {
	s := fmt.Sprintf("run %s of %s on %s (pid %d)", printable.Text(o.Run, 100), printable.Text(o.Actor, 100),
		printable.Text(o.Machine.Host, 100), o.PID)
	if o.CI.RunURL != "" {
		s += ", " + printable.Text(o.CI.RunURL, 300)
	}
	return s
}

// testRun is a run of tests: its id stands in the tags of what it makes, so it is short.
// Nothing is kept under it here; what belongs to it is known by EnvRun all the same.
var testRun = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$`)

var runID = regexp.MustCompile(`^[0-9]{8}t[0-9]{15}z-[a-z2-7]{26}$`)

// newRun returns e.g. 20261121t075459123456789z-ks4…: the time in UTC to the
// nanosecond and 130 random bits. Lower case, as some file systems fold it.
func newRun(now time.Time) string {
	at := strings.ReplaceAll(now.Format("20060102t150405.000000000z"), ".", "")
	return at + "-" + strings.ToLower(rand.Text())
}
