// Package record is the form in which runs of tests and what they deployed are saved.
// It needs the standard library only: modules import it with the harness.
//
// Under the place of the states, every name ends a file or an object:
//
//	runs/RUN/run.json                       who began the run, and when its time is over
//	runs/RUN/DEPLOYMENT/deployment.json     one directory of configuration that a case applies
//	runs/RUN/DEPLOYMENT/config-DIGEST.zip   a copy of that configuration
//	runs/RUN/DEPLOYMENT/steps/000001.json   what was about to be done, and what came of it
//	runs/RUN/DEPLOYMENT/state/...           the state, written by terraform
//	runs/RUN/DEPLOYMENT/undone.json         nothing of it is left
//	runs/RUN/done.json                      nothing of the run is left
//
// Files are 0600: variables may be secret.
package record

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// Format is that of every record. A later one is an error, never read in part.
const Format = 1

// The environment variables by which a run reaches its tests and the programs they start.
const (
	EnvRun       = "PENSTOCK_RUN"
	EnvTTL       = "PENSTOCK_TTL"
	EnvStates    = "PENSTOCK_STATES"
	EnvCase      = "PENSTOCK_CASE"
	EnvSoft      = "PENSTOCK_SOFT"
	EnvTerraform = "PENSTOCK_TERRAFORM"
)

// Run is one call of the tests.
type Run struct {
	Format int    `json:"format"`
	ID     string `json:"id"`
	Owner  Owner  `json:"owner"`
	// TTL is when its time to live is over, by its own clock.
	TTL time.Time `json:"ttl"`
}

// Owner is ledger.Owner, whose package needs more than the standard library.
type Owner struct {
	Run      string    `json:"run"`
	Actor    string    `json:"actor"`
	Machine  Machine   `json:"machine"`
	PID      int       `json:"pid"`
	PIDStart uint64    `json:"pidStart,omitempty"`
	Started  time.Time `json:"started"`
	CI       CI        `json:"ci,omitzero"`
}

// Machine is ledger.Machine.
type Machine struct {
	Host         string `json:"host"`
	Boot         string `json:"boot,omitempty"`
	PIDNamespace string `json:"pidNamespace,omitempty"`
}

// CI is ledger.CI.
type CI struct {
	Forge   string `json:"forge,omitempty"`
	RunURL  string `json:"runURL,omitempty"`
	RunID   string `json:"runID,omitempty"`
	Attempt string `json:"attempt,omitempty"`
}

// Deployment is one directory of configuration that a case applies, and its one state.
type Deployment struct {
	Format int    `json:"format"`
	ID     string `json:"id"`
	Run    string `json:"run"`
	// Case is what PENSTOCK_CASE said, unit:test; empty where nobody said it.
	Case string `json:"case,omitempty"`
	// Dir is where it was applied, absolute.
	Dir   string    `json:"dir"`
	Begun time.Time `json:"begun"`
	// Program is the terraform or tofu, as an absolute path on its machine.
	Program string `json:"program"`
}

// What a step is.
const (
	Apply   = "apply"
	Destroy = "destroy"
	Test    = "test"    // terraform test, which keeps its state in memory
	Import  = "import"  // and whatever else changes the state without making anything
	Sweep   = "sweep"   // a destroy by penstock sweep
	Settled = "settled" // a step came to an orderly end: what the state says holds
)

// Step is one call of terraform that changes something, written before it is let go; or
// that such a call has ended.
type Step struct {
	Format    int       `json:"format"`
	Seq       int       `json:"seq"`
	Kind      string    `json:"kind"`
	At        time.Time `json:"at"`
	Workspace string    `json:"workspace,omitempty"`
	// Config is the digest of the archive of the configuration, Unit the directory in it.
	Config string `json:"config,omitempty"`
	Unit   string `json:"unit,omitempty"`
	// Args are the arguments that set variables, in order; Files what the var files among
	// them hold, by the name that is used there.
	Args  []string          `json:"args,omitempty"`
	Files map[string][]byte `json:"files,omitempty"`
	// Env are the variables of the environment that matter to terraform: TF_VAR_*, regions.
	Env []string `json:"env,omitempty"`
	// Held are the addresses in the state before; Creates what is intended beside them.
	Held    []string `json:"held,omitempty"`
	Creates []Create `json:"creates,omitempty"`
	// Left is what terraform test said that it could not destroy, and kept no state of.
	Left []string `json:"left,omitempty"`
	// Of is the step that has ended, with Exit.
	Of   int `json:"of,omitempty"`
	Exit int `json:"exit,omitempty"`
}

// Create is one resource that is about to be made.
type Create struct {
	Address  string `json:"address"`
	Type     string `json:"type"`
	Provider string `json:"provider"`
	// Identity is what tells the object from others outside, where the plan knows it: an
	// import id, or the name under which it is written.
	Identity string `json:"identity,omitempty"`
}

// Done says that nothing is left of a deployment or a run.
type Done struct {
	Format int       `json:"format"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
}

// NewRunID names a run: YYYYMMDD-HHMMSS-xxxxxx, in UTC.
func NewRunID(now time.Time) string {
	return now.UTC().Format("20060102-150405-") + random(3)
}

var runForm = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$`)

// CheckRun returns an error for what is no id of a run.
func CheckRun(id string) error {
	if !runForm.MatchString(id) {
		return fmt.Errorf("the run %q is not YYYYMMDD-HHMMSS-xxxxxx", id)
	}
	return nil
}

// NewDeploymentID names a deployment: sorted by time, unique, and with a word to read.
func NewDeploymentID(now time.Time, dir string) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(path.Base(strings.ReplaceAll(dir, `\`, "/"))))
	return now.UTC().Format("150405.000000000-") + random(3) + "-" + (word + "dir")[:min(len(word)+3, 30)]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// RunName and the others are the names of the records.
func RunName(run string) string { return "runs/" + run + "/run.json" }

// DoneName is that of the mark that nothing of a run is left.
func DoneName(run string) string { return "runs/" + run + "/done.json" }

// Under is the prefix of everything of a deployment.
func Under(run, deployment string) string { return "runs/" + run + "/" + deployment + "/" }

// StepName is that of a step.
func StepName(run, deployment string, seq int) string {
	return fmt.Sprintf("%ssteps/%06d.json", Under(run, deployment), seq)
}

// StateName is that of the state of the default workspace; those of others lie under
// WorkspacesName.
func StateName(run, deployment string) string {
	return Under(run, deployment) + "state/terraform.tfstate"
}

// WorkspacesName is the directory of the states of other workspaces.
func WorkspacesName(run, deployment string) string { return Under(run, deployment) + "state/env" }
