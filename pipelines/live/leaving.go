package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Leaving are units that a change takes out of environments: what they made there
// stays, and no plan would ever look at it again.
type Leaving struct {
	// Base is the repository as it was.
	Base    fs.FS
	Targets []Target
}

// LeavingOf compares the environments of units that are on the base and on the head:
// by a file of variables that is gone, by paths, or because there is no such environment
// any more. Units of which head has no files are not compared.
func LeavingOf(base fs.FS, was config.Live, head fs.FS, now config.Live, units []string) Leaving {
	l := Leaving{Base: base}
	for _, unit := range units {
		if !there(base, unit) || !there(head, unit) {
			continue
		}
		for _, e := range was.Environments {
			if yes, _ := member(base, unit, e); !yes {
				continue
			}
			still := slices.ContainsFunc(now.Environments, func(o config.Environment) bool {
				yes, _ := member(head, unit, o)
				return yes && o.Name == e.Name
			})
			if !still {
				l.Targets = append(l.Targets, Target{Unit: pipelines.Unit{Path: unit, Kind: pipelines.Live}, Environment: e, shared: true})
			}
		}
	}
	return l
}

func there(fsys fs.FS, dir string) bool {
	info, err := fs.Stat(fsys, dir)
	return err == nil && info.IsDir()
}

// VariablesOf are the files by which the targets were in their environments.
func (l Leaving) VariablesOf() (files []string) {
	for _, t := range l.Targets {
		name := path.Join(t.Unit.Path, t.Environment.Name+".tfvars")
		if _, err := fs.Stat(l.Base, name); err == nil {
			files = append(files, name)
		}
	}
	return files
}

// refuse adds a result for each unit that leaves an environment: it passes only if
// its state there is read, and has nothing in it.
func (l Leaving) refuse(ctx context.Context, report *pipelines.Report, stage, root string, who func(Target) session) {
	for _, t := range l.Targets {
		unit := t.Unit
		unit.Path, unit.Why = t.ID(), []string{t.Unit.Path, "it leaves " + t.Environment.Name}
		report.Selection.Units = append(report.Selection.Units, unit)
		result := pipelines.Result{Reason: "it leaves the environment, where nothing of it is left"}
		n, err := l.left(ctx, root, t, who(t))
		if err != nil || n > 0 {
			what := fmt.Sprintf("%d resources are in its state", n)
			if err != nil {
				what = "whether anything is left there is not known: " + err.Error()
			}
			result = pipelines.Result{Reason: "nothing was done about it", Findings: []pipelines.Finding{{Rule: "leaves-environment", Verdict: pipelines.Fail, Severity: pipelines.High,
				Message: fmt.Sprintf("%q was in the environment %q before, and is not any more: %s", t.Unit.Path, t.Environment.Name, what),
				Hint:    "destroy it first, while it is there: check out what was before, and run " + planCommand(t, "", "", "", true, "DIR") + "; or keep it in the environment"}}}
		}
		result.Stage, result.Unit, result.Why = stage, unit.Path, unit.Why
		report.Results = append(report.Results, result)
	}
	if len(l.Targets) > 0 {
		report.Selection.Reason = ""
		report.Close()
	}
}

// left counts what is in the state of a target as it was on the base.
func (l Leaving) left(ctx context.Context, root string, t Target, s session) (int, error) {
	if _, err := fs.Stat(l.Base, path.Join(t.Unit.Path, "terragrunt.hcl")); err == nil {
		return 0, errors.New("terragrunt says where its state is")
	}
	at, err := stateOf(l.Base, t)
	if err != nil {
		return 0, err
	}
	content, err := readState(ctx, root, at, s)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer content.Close()
	var state struct {
		Resources *[]json.RawMessage `json:"resources"`
	}
	if err := json.NewDecoder(content).Decode(&state); err != nil || state.Resources == nil {
		return 0, errors.Join(errors.New("its state cannot be read"), err)
	}
	return len(*state.Resources), nil
}

// readState opens a state where it lies.
func readState(ctx context.Context, root string, at state, s session) (io.ReadCloser, error) {
	if at.kind == "local" {
		return os.Open((&unitWorkspace{state: at}).stateFile(root))
	}
	if at.kind != "s3" {
		return nil, fmt.Errorf("only terraform can read a state in %q", at.kind)
	}
	dir, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in, err := s.login(dir)
	if err != nil {
		return nil, err
	}
	at.args = maps.Clone(at.args)
	at.args["use_lockfile"] = "true" // only so is the bucket opened
	bucket, key, err := (&unitWorkspace{state: at, login: in.profile}).bucket(ctx)
	if err != nil {
		return nil, err
	}
	content, _, err := bucket.Read(ctx, key)
	return content, err
}
