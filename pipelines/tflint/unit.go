package tflint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// maxFile bounds a file of configuration, in bytes: tflint reads it as a whole.
const maxFile = 10 << 20

// judge lints one unit.
func (r *run) judge(ctx context.Context, unit pipelines.Unit) pipelines.Result {
	files, err := r.files(unit.Path)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	if files == 0 {
		return pipelines.Result{Verdict: pipelines.Pass, Reason: "no Terraform configuration in it"}
	}
	config, err := r.config(unit.Path)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	result, err := r.lint(ctx, unit.Path, config)
	if err == nil && missingPlugin(result) && !r.Offline {
		if why, err := r.fetch(ctx, unit.Path, config); err != nil {
			return pipelines.NotRunBecause(err)
		} else if why != "" {
			return notRun(why, hint(why))
		}
		result, err = r.lint(ctx, unit.Path, config)
	}
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	result.Judged = map[string]int{"files": files}
	return result
}

// files counts what tflint reads in a unit, and refuses what it should not be
// given: tflint would follow a link out of the catalog and wait for a pipe.
func (r *run) files(unit string) (int, error) {
	dir, err := r.root.Open(unit)
	if err != nil {
		return 0, unreadable(unit, err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return 0, unreadable(unit, err)
	}
	files := 0
	for _, entry := range entries {
		name := path.Join(unit, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") || entry.IsDir() {
			continue
		}
		if strings.HasSuffix(name, ".tofu") || strings.HasSuffix(name, ".tofu.json") {
			return 0, &pipelines.Error{Position: pipelines.Position{Path: printable.Path(name)},
				Err: errors.New("tflint does not read OpenTofu's own files, so it cannot judge the unit"), Hint: "--skip tflint"}
		}
		if !strings.HasSuffix(name, ".tf") && !strings.HasSuffix(name, ".tf.json") {
			continue
		}
		info, err := r.root.Stat(name)
		switch {
		case err != nil:
			return 0, unreadable(name, err)
		case !info.Mode().IsRegular():
			return 0, unreadable(name, errors.New("it is not a regular file"))
		case info.Size() > maxFile:
			return 0, unreadable(name, fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxFile))
		}
		files++
	}
	return files, nil
}

// config is the configuration that counts for a unit. That a pull request changes
// it is noted, and does not count for the pull request itself.
func (r *run) config(unit string) (configuration, error) {
	counts, err := find(r.trusted, unit)
	if err != nil {
		return configuration{}, err
	}
	if r.Base != nil {
		here, err := find(r.root.FS(), unit)
		if err != nil {
			return configuration{}, err
		}
		if here.changed(counts) {
			name := here.name
			if name == "" {
				name = counts.name
			}
			r.mu.Lock()
			r.notices = append(r.notices, pipelines.Notice{Path: name,
				Message: "changed since the base: tflint uses what stands there, and this once it is on the base"})
			r.mu.Unlock()
		}
	}
	return counts, counts.check()
}

// lint runs tflint once, in an environment that is gone afterwards.
func (r *run) lint(ctx context.Context, unit string, config configuration) (pipelines.Result, error) {
	out, err := r.process(ctx, config, r.plugins.Kept(), nil, func(file string) []string { return lintArgv(r.Program, unit, file) })
	if err != nil {
		return pipelines.Result{}, err
	}
	return judge(unit, out), nil
}

// fetch gets the plugins that a configuration names. It returns why they did not
// come; that is not tried again for another unit.
func (r *run) fetch(ctx context.Context, unit string, config configuration) (why string, err error) {
	r.mu.Lock()
	why = r.failed[string(config.content)]
	r.mu.Unlock()
	if why != "" {
		return why, nil
	}
	var token []string
	if value, ok := os.LookupEnv("GITHUB_TOKEN"); ok {
		token = []string{"GITHUB_TOKEN=" + value} // only to fetch: no plugin runs here
	}
	there := func() (bool, error) {
		result, err := r.lint(ctx, unit, config)
		return err == nil && !missingPlugin(result), err
	}
	_, err = r.plugins.Fill(ctx, there, func(into string) error {
		out, err := r.process(ctx, config, into, token, func(file string) []string { return initArgv(r.Program, file) })
		if out.Exit != 0 {
			why = printable.Text(strings.TrimSpace(string(out.Stderr)), 600)
		}
		return err
	})
	if why != "" {
		r.mu.Lock()
		r.failed[string(config.content)] = why
		r.mu.Unlock()
	}
	return why, err
}

// process runs tflint in the root with a copy of the configuration; tflint finds
// no other. Where there is none, the copy is empty, which is the same to tflint.
func (r *run) process(ctx context.Context, config configuration, plugins string, extra []string, argv func(file string) []string) (process.Output, error) {
	home, err := os.MkdirTemp("", "penstock-") // short: sockets of plugins go into it
	if err != nil {
		return process.Output{}, fmt.Errorf("making a home for tflint: %w", err)
	}
	defer os.RemoveAll(home)
	file := filepath.Join(home, "tflint"+path.Ext(or(config.name, ".hcl")))
	if err := os.WriteFile(file, config.content, 0o600); err != nil {
		return process.Output{}, fmt.Errorf("writing the configuration of tflint: %w", err)
	}
	dir, err := filepath.Abs(r.Root)
	if err != nil {
		return process.Output{}, err
	}
	out, err := process.Run(ctx, process.Command{Argv: argv(file), Dir: dir, Env: append(environment(home, plugins), extra...)})
	out.Stdout = named(out.Stdout, file, config.name)
	return out, err
}

// named puts the configuration's own name where tflint speaks of our copy.
func named(out []byte, file, name string) []byte {
	if name == "" || !fs.ValidPath(name) {
		return out
	}
	return []byte(strings.ReplaceAll(string(out), `"`+file+`"`, `"`+name+`"`))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
