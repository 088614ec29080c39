package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/statelock"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// workspace is one workspace of a deployment, ready for terraform.
type workspace struct {
	*one
	*terraform.Workspace
	name string
	vars []string // the arguments that set variables
}

// open unpacks the configuration, puts the state where it is saved, and initializes.
func (o *one) open(ctx context.Context, work, name string, last *record.Step) (*workspace, error) {
	archive, err := o.states.Config(ctx, o.d.Run, o.d.ID, last.Config)
	if err != nil {
		return nil, err
	}
	src := filepath.Join(work, "c")
	if err := record.Unpack(archive, src); err != nil {
		return nil, err
	}
	unit := filepath.Join(src, filepath.FromSlash(last.Unit))
	override, err := o.states.Override(o.d.Run, o.d.ID)
	if err == nil {
		err = os.WriteFile(filepath.Join(unit, record.Override), override, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("unpacking the configuration: %w", err)
	}
	w := &workspace{one: o, name: name}
	runner, err := terraform.Runner{Program: o.program(), Mirror: o.Mirror, Cache: o.Cache, Allow: allowed(unit)}.Open()
	if err != nil {
		return nil, err
	}
	files, err := filesOf(src)
	if err != nil {
		return nil, err
	}
	env := append(environment(), last.Env...)
	if name != "default" {
		env = append(env, "TF_WORKSPACE="+name)
	}
	in := filepath.Join(work, "w")
	w.Workspace, err = runner.Workspace(ctx, src, pipelines.Unit{Path: last.Unit, Inputs: files}, in, append(env, o.owner.Env()))
	if err != nil {
		return nil, err
	}
	o.tools[w.Tool] = true
	if err := modules(unit, filepath.Join(in, "d")); err != nil {
		return nil, err
	}
	if w.vars, err = variables(last, work); err != nil {
		return nil, err
	}
	if last.Kind == record.Test {
		given, err := variablesOfTests(unit, work)
		if err != nil {
			return nil, err
		}
		w.vars = append(given, w.vars...)
	}
	return w, w.Init(ctx, "-reconfigure")
}

// program is the one that the sweep was given, or of the name that the test used.
func (o *one) program() string {
	if o.Program != "" {
		return o.Program
	}
	if _, err := os.Stat(o.d.Program); err == nil {
		return o.d.Program
	}
	return filepath.Base(o.d.Program)
}

// unlock gives back the lock of a terraform that was killed. The run is dead, and no other
// sweep is at it, so there is nobody whom it belongs to. Of a state in a file the kernel
// has given it back.
func (o *one) unlock(ctx context.Context, name string) error {
	if o.states.InDirectory() {
		return nil
	}
	key := o.states.StateName(o.d.Run, o.d.ID, name)
	info, _, err := statelock.Look(ctx, o.states.Store, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return statelock.Unlock(ctx, o.states.Store, key, info.ID)
}

var provider = regexp.MustCompile(`(?m)^provider "([a-z0-9.:-]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+)"`)

// allowed are the providers that ran in the test.
func allowed(unit string) []string {
	found := append([]string{}, terraform.Hashicorp...)
	text, _ := os.ReadFile(filepath.Join(unit, ".terraform.lock.hcl"))
	for _, match := range provider.FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	return found
}

// filesOf lists what terraform reads of a configuration.
func filesOf(src string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".terraform" {
			return fs.SkipDir
		}
		if !d.IsDir() {
			rel, err := filepath.Rel(src, name)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	return files, err
}

// modules puts the modules that the test had fetched where init looks for them: their
// source may not be reachable from here.
func modules(unit, data string) error {
	from := filepath.Join(unit, ".terraform", "modules")
	text, err := os.ReadFile(filepath.Join(from, "modules.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var manifest struct {
		Modules []map[string]any
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return fmt.Errorf("reading the modules of the configuration: %w", err)
	}
	to := filepath.Join(data, "modules")
	for _, m := range manifest.Modules {
		if dir, _ := m["Dir"].(string); strings.HasPrefix(dir, ".terraform/modules/") {
			m["Dir"] = filepath.Join(to, strings.TrimPrefix(dir, ".terraform/modules/"))
		}
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	if text, err = json.Marshal(manifest); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "modules.json"), text, 0o600)
}

// variables writes the files of variables down, and returns the arguments that name them.
func variables(step *record.Step, work string) ([]string, error) {
	var args []string
	for i, arg := range step.Args {
		flag, name, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if flag == "var-file" {
			file := filepath.Join(work, fmt.Sprintf("%d.tfvars", i))
			if strings.HasSuffix(name, ".json") {
				file += ".json"
			}
			if err := os.WriteFile(file, step.Files[name], 0o600); err != nil {
				return nil, err
			}
			arg = "-var-file=" + file
		}
		args = append(args, arg)
	}
	return args, nil
}

// foreign are the variables of our environment that are not for providers: ours, the
// forge's, and what changes how terraform works.
var foreign = []string{"PENSTOCK_", "TF_", "GITHUB_", "ACTIONS_", "HOME=", "TMPDIR=", "PATH="}

// environment is what providers get of ours: credentials of clouds among it.
func environment() []string {
	var env []string
	for _, pair := range os.Environ() {
		keep := true
		for _, prefix := range foreign {
			keep = keep && !strings.HasPrefix(pair, prefix)
		}
		if keep {
			env = append(env, pair)
		}
	}
	home, err := os.UserHomeDir()
	for variable, file := range map[string]string{"AWS_CONFIG_FILE": ".aws/config", "AWS_SHARED_CREDENTIALS_FILE": ".aws/credentials"} {
		if _, set := os.LookupEnv(variable); !set && err == nil {
			env = append(env, variable+"="+filepath.Join(home, file))
		}
	}
	return env
}

// grace is how long terraform has to end in order when the sweep is told to stop.
const grace = 5 * time.Minute

func (w *workspace) terraform(ctx context.Context, args ...string) (process.Output, error) {
	return w.Run(ctx, terraform.Command{Args: args, Grace: grace})
}

// restore puts a copy of the state in its place where that is lost, or older.
func (o *one) restore(ctx context.Context, workspace string, state deployed.State, lost bool) error {
	if !lost {
		return nil
	}
	name := o.states.StateName(o.d.Run, o.d.ID, workspace)
	o.report.Notices = append(o.report.Notices, pipelines.Notice{Path: unitOf(o.d),
		Message: fmt.Sprintf("its state could not be read, or was not the last: a copy with %d objects and what was intended stand in for it", len(state.Resources))})
	if o.states.InDirectory() {
		file := o.states.File(name)
		if broken, err := os.ReadFile(file); err == nil && len(broken) > 0 {
			if err := os.WriteFile(file+".broken", broken, 0o600); err != nil {
				return fmt.Errorf("setting the broken state aside: %w", err)
			}
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if state.Lineage == "" {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
		if err := os.WriteFile(file+".new", state.Content, 0o600); err != nil {
			return err
		}
		return os.Rename(file+".new", file)
	}
	content, version, err := o.states.Store.Read(ctx, name)
	if err == nil {
		_ = content.Close()
		if state.Lineage == "" {
			return o.states.Store.Delete(ctx, name, version)
		}
		return o.states.Store.Replace(ctx, name, state.Content, version)
	}
	if errors.Is(err, store.ErrNotFound) && state.Lineage != "" {
		return o.states.Store.Create(ctx, name, bytes.NewReader(state.Content))
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
