package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// planned is one target, planned.
type planned struct {
	target Target
	record Record
	result pipelines.Result
	facts  *facts // nil where there is no plan
}

// target plans one target in a copy that is gone afterwards.
func (p *planning) target(ctx context.Context, t Target) planned {
	o := planned{target: t, record: Record{Target: t.ID(), Outcome: Failed, Review: p.review}}
	out := filepath.Join(p.Out, t.directory())
	if err := os.MkdirAll(out, 0o700); err != nil {
		o.result = pipelines.NotRunBecause(fmt.Errorf("making room for the plan: %w", err))
		return o
	}
	work, err := p.desk()
	if err != nil {
		o.result = pipelines.NotRunBecause(fmt.Errorf("making room for a copy of the unit: %w", err))
		return o
	}
	defer os.RemoveAll(work)
	o.result = p.plan(ctx, t, work, out, &o)
	if again := p.upstream(t); again > 0 {
		o.record.Again = again
		if o.record.Outcome == Failed && o.result.Verdict == pipelines.NotRun {
			o.record.Outcome, o.result.Verdict = Deferred, pipelines.Unknown
		}
		o.result.Reason = fmt.Sprintf("to be planned again after wave %d; ", again) + o.result.Reason
	}
	if err := o.record.write(out); err != nil {
		o.result = pipelines.NotRunBecause(fmt.Errorf("writing the record: %w", err))
	}
	return o
}

// desk is a new directory to work in. It holds credentials, so it lies where recover
// finds it, if there is such a place. Its name is short: see terraform.Runner.
func (p *planning) desk() (string, error) {
	if p.room == "" {
		return os.MkdirTemp("", "penstock-")
	}
	dir := filepath.Join(p.room, "p")
	return dir, os.Mkdir(dir, 0o700)
}

// destroys says whether a target is planned to be destroyed.
func (p Plan) destroys(t Target) bool { return p.Destroy || t.removed }

// upstream is the last wave with changes that a target depends on, 0 if there is none.
func (p *planning) upstream(t Target) int {
	wave := 0
	for _, id := range t.After {
		if outcome, known := p.pending[id]; known && outcome != NoChanges {
			wave = max(wave, t.Wave-1)
		}
	}
	return wave
}

// plan does the work; it fills in the record as it learns.
func (p *planning) plan(ctx context.Context, t Target, work, out string, o *planned) pipelines.Result {
	r := &o.record
	m := &r.Planned
	m.Schema, m.Unit, m.Environment, m.Destroy = capsule.Schema, t.Unit.Path, t.Environment.Name, p.destroys(t)
	m.Commit, m.Wave, m.Creator = p.Commit, t.Wave, p.Creator.manifest()
	for _, id := range t.After {
		if outcome, known := p.pending[id]; known && outcome != NoChanges {
			m.After = append(m.After, id)
		}
	}
	m.Created = p.Now.UTC().Truncate(time.Second)
	m.Expires = m.Created.Add(p.Config.Live.Lifetime())
	var err error
	if m.Closure, err = Closure(t.home, t); err != nil {
		return pipelines.NotRunBecause(err)
	}
	var findings []pipelines.Finding
	look := func(copied fs.FS) (err error) {
		if findings, err = p.gate(copied, t); err == nil && len(findings) > 0 {
			err = errRefused
		}
		return err
	}
	w, err := open(ctx, look, p.runner, p.Root, t, work, session{role: t.Environment.Roles.Plan, token: p.Token,
		actor: p.Creator.Actor, change: p.Creator.Change})
	if errors.Is(err, errRefused) {
		r.Outcome = Refused
		return refused(findings, nil)
	}
	if err != nil {
		return unready(err, r)
	}
	m.Terraform, m.State.Backend = w.Tool, w.state.String()
	if m.Modules, err = w.modules(); err != nil {
		return pipelines.NotRunBecause(err)
	}
	if findings, err = p.gateModules(w); err != nil || len(findings) > 0 {
		r.Outcome = Refused
		return refused(findings, err)
	}
	if m.Lock, err = w.keepLock(out); err != nil {
		return pipelines.NotRunBecause(err)
	}
	exit, err := p.locked(ctx, t, w, out)
	switch {
	case err != nil:
		return unready(err, r)
	case exit == 0:
		r.Outcome = NoChanges
	case exit == 2: // terraform plan -detailed-exitcode: there are changes
		r.Outcome = Changes
	default:
		return p.failed(t, out, exit, o)
	}
	if m.State.Lineage, m.State.Serial, err = stateIn(filepath.Join(out, PlanFile)); err != nil {
		return pipelines.NotRunBecause(err)
	}
	if err := w.show(ctx, out); err != nil {
		return unready(err, r)
	}
	return p.describe(ctx, t, out, o)
}

// reviewed lets everything pass: the closure was looked at when it was planned.
func reviewed(fs.FS) error { return nil }

// unready is a plan that could not be made. One whose providers are not those of
// the lock file is refused: planning what it depends on first does not mend it.
func unready(err error, r *Record) pipelines.Result {
	if errors.Is(err, terraform.ErrUnverified) {
		r.Outcome = Refused
	}
	return pipelines.NotRunBecause(err)
}

func refused(findings []pipelines.Finding, err error) pipelines.Result {
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	return pipelines.Result{Findings: findings, Reason: "not planned: it would run or fetch what is not allowed"}
}

// unitWorkspace is a workspace of a target that is initialised.
type unitWorkspace struct {
	*terraform.Workspace
	state    state
	varFiles []string
	login    store.Profile
}

// errRefused says that the gate found something.
var errRefused = errors.New("it would run or fetch what is not allowed")

// open copies a target's unit to work and initialises it with its state. Before
// anything runs, look sees the files that terraform will see.
func open(ctx context.Context, look func(fs.FS) error, runner *terraform.Runner, root string, t Target, work string, s session, more ...string) (*unitWorkspace, error) {
	in, err := s.login(work)
	if err != nil {
		return nil, err
	}
	w, err := runner.Workspace(ctx, t.home.Name(), t.Unit, filepath.Join(work, "w"), append(in.env, more...))
	if err != nil {
		return nil, err
	}
	if err := look(os.DirFS(filepath.Join(work, "w", "src"))); err != nil {
		return nil, err
	}
	u := &unitWorkspace{Workspace: w, login: in.profile}
	if u.state, err = stateOf(t.home.FS(), t); err != nil {
		return nil, err
	}
	if u.varFiles, err = t.varFiles(t.home.FS()); err != nil {
		return nil, err
	}
	if w.Terragrunt() { // it says itself where state is kept
		u.state = state{kind: "terragrunt", args: map[string]string{}}
		return u, w.Init(ctx)
	}
	if err := u.linkState(root); err != nil {
		return nil, err
	}
	args, block, err := t.overrides(t.home.FS(), root)
	if err != nil {
		return nil, err
	}
	if block != "" {
		if err := os.WriteFile(filepath.Join(w.Unit, "penstock_backend.tf.json"), []byte(block), 0o600); err != nil {
			return nil, fmt.Errorf("writing the backend: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(w.Unit, LockFile)); err == nil {
		args = append(args, "-lockfile=readonly")
	}
	return u, w.Init(ctx, args...)
}

// linkState shows the directory of state files in the repository at its place in
// the copy: a unit that reads the state of another names it from its own place.
func (w *unitWorkspace) linkState(root string) error {
	file := w.state.args["path"]
	top, _, below := strings.Cut(file, "/")
	if w.state.kind != "local" || path.IsAbs(file) || !below || top == ".." || top == ".penstock" { // that is nobody's to read
		return nil
	}
	from := filepath.Join(root, top)
	if err := os.MkdirAll(from, 0o700); err != nil {
		return fmt.Errorf("making room for the state: %w", err)
	}
	to := filepath.Join(w.Dir, "src", top)
	if _, err := os.Lstat(to); err == nil {
		return nil // the closure has such a directory: state is not kept in it
	}
	return os.Symlink(from, to)
}

// plan runs terraform plan, with more variables, and returns its exit code: 0 no change,
// 2 changes.
func (w *unitWorkspace) plan(ctx context.Context, out string, wait time.Duration, destroy bool, env ...string) (int, error) {
	log, err := os.OpenFile(filepath.Join(out, LogFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("writing the log: %w", err)
	}
	defer log.Close()
	file, err := filepath.Abs(filepath.Join(out, PlanFile))
	if err != nil {
		return 0, err
	}
	done, err := w.Run(ctx, terraform.Command{Args: planArgs(file, w.varFiles, wait, destroy), Stdout: log, Env: env})
	if err != nil {
		return 0, err
	}
	if _, err := log.Write(done.Stderr); err != nil {
		return 0, fmt.Errorf("writing the log: %w", err)
	}
	return done.Exit, nil
}

// planArgs is the command line of a plan; a negative wait takes no lock.
func planArgs(file string, varFiles []string, wait time.Duration, destroy bool) []string {
	lock := "-lock-timeout=" + wait.String()
	if wait < 0 {
		lock = "-lock=false"
	}
	args := []string{"plan", "-json", "-input=false", "-detailed-exitcode", "-out=" + file, lock}
	if destroy {
		args = append(args, "-destroy")
	}
	for _, name := range varFiles {
		args = append(args, "-var-file="+filepath.FromSlash(name))
	}
	return args
}

// show writes the plan as JSON.
func (w *unitWorkspace) show(ctx context.Context, out string) error {
	plan, err := filepath.Abs(filepath.Join(out, PlanFile))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(out, JSONFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the plan as JSON: %w", err)
	}
	done, err := w.Run(ctx, terraform.Command{Args: []string{"show", "-json", plan}, Stdout: file})
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the plan as JSON: %w", err)
	}
	if done.Exit != 0 {
		return fmt.Errorf("writing the plan as JSON: terraform show ended with %d", done.Exit)
	}
	return nil
}

// keepLock copies the dependency lock to out and returns its digest, "" without one.
func (w *unitWorkspace) keepLock(out string) (string, error) {
	content, err := os.ReadFile(filepath.Join(w.Unit, LockFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(out, LockFile), content, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keeping the dependency lock: %w", err)
	}
	return digest(content), nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func fileSum(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}
