package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// FmtStage is the name of the stage.
const FmtStage = "terraform-fmt"

// Fmt asks of every file whether terraform fmt would rewrite it. What the HCL
// library knows needs no process: a file that is canonical, and where terraform or
// tofu was built with the same formatter also one that is not. The rest is judged
// by terraform or tofu. Where there is neither, a file that is not canonical HCL is
// a finding, and one with a construct that only terraform can judge is unknown.
type Fmt struct {
	pipelines.Scope
	// Fix rewrites the files; each rewritten file is a notice of the report.
	Fix bool
	// Program is the terraform or tofu to ask. Default: terraform, else tofu, of PATH.
	Program string
	// Cache is the directory that remembers which contents are formatted.
	// Default: penstock/fmt in the user's cache directory.
	Cache string
	// NoCache judges every file anew.
	NoCache bool
}

// fmtRun is one run of the stage.
type fmtRun struct {
	Fmt
	root  *os.Root
	units map[string]bool
	cache *fmtCache

	mu    sync.Mutex
	files map[string]unitFiles // by unit
}

// unitFiles are the files of one unit that have to be spoken of: those that are
// clean are only counted.
type unitFiles struct {
	count int
	open  []*fmtFile
	err   error
}

// fmtFile is a file that is not clean for certain.
type fmtFile struct {
	path string
	err  error
	src  []byte
	hash hash
	opinion
	// asked: formatted is terraform's answer, not ours.
	asked bool
}

// Run judges in three steps: every file by itself, side by side; then in one
// process all files in doubt, because a process for each unit would cost more
// than everything else together; then the units.
func (f Fmt) Run(ctx context.Context) (*pipelines.Report, error) {
	root, err := os.OpenRoot(f.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	defer root.Close()
	run := &fmtRun{Fmt: f, root: root, units: map[string]bool{}, files: map[string]unitFiles{}}
	for _, unit := range f.Selection.Units {
		run.units[unit.Path] = true
	}
	if !f.NoCache {
		run.cache = openFmtCache(f.Cache, ownJudge())
	}
	quiet := f.Scope
	quiet.Progress = nil
	quiet.Each(ctx, FmtStage, run.examine)
	used, missing := run.ask(ctx)
	run.cache.save()

	notices := &notices{}
	report := f.Each(ctx, FmtStage, func(ctx context.Context, unit pipelines.Unit) pipelines.Result {
		return run.judge(unit, missing, notices)
	})
	report.Tools = append([]pipelines.Tool{{Name: "hcl", Version: hclVersion()}}, used...)
	report.Notices = append(report.Notices, notices.sorted()...)
	return report, nil
}

// examine reads the files of a unit and keeps those that are not clean.
func (r *fmtRun) examine(ctx context.Context, unit pipelines.Unit) pipelines.Result {
	names, err := fmtFiles(r.root, unit, r.units)
	found := unitFiles{count: len(names), err: err}
	files := make([]*fmtFile, len(names))
	each(len(names), func(i int) {
		if ctx.Err() == nil {
			files[i] = r.lookSafely(names[i])
		} else {
			files[i] = &fmtFile{path: names[i], err: errNoAnswer}
		}
	})
	for _, file := range files {
		if file != nil {
			found.open = append(found.open, file)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[unit.Path] = found
	return pipelines.Result{Verdict: pipelines.Pass}
}

// lookSafely keeps a source that the HCL library cannot stand from ending the program.
func (r *fmtRun) lookSafely(name string) (file *fmtFile) {
	defer func() {
		if p := recover(); p != nil {
			file = &fmtFile{path: name, err: fmt.Errorf("could not be read: the HCL library gave up: %v", p)}
		}
	}()
	return r.look(name)
}

// look returns nil for a file that is clean.
func (r *fmtRun) look(name string) *fmtFile {
	file := &fmtFile{path: name}
	if file.src, file.err = readFile(r.root, name); file.err != nil {
		return file
	}
	file.hash = blobHash(file.src)
	if r.cache.has(file.hash) {
		return nil
	}
	file.opinion = examine(name, file.src)
	if file.broken != nil {
		file.err, file.src = file.broken, nil
	}
	if file.clean() && file.err == nil {
		r.cache.add(file.hash)
		return nil
	}
	return file
}

// judge says what is to be said of a unit, and rewrites its files when asked to.
func (r *fmtRun) judge(unit pipelines.Unit, missing error, notices *notices) pipelines.Result {
	found, ok := r.files[unit.Path]
	if !ok {
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: errNoAnswer.Error()}
	}
	if found.err != nil {
		return pipelines.NotRunBecause(found.err)
	}
	result := pipelines.Result{Judged: map[string]int{"files": found.count}}
	if found.count == 0 {
		result.Reason = "no file that terraform fmt looks at"
	}
	var failed []error
	for _, file := range found.open {
		finding, err := file.finding(unit.Path, missing)
		if err == nil && finding != nil && r.Fix && file.fixable() {
			if err = rewrite(r.root, file.path, file.src, file.formatted); err == nil {
				finding = nil
				result.Judged["rewritten"]++
				notices.add(pipelines.Notice{Path: file.path, Message: "rewritten"})
			}
		}
		if err != nil {
			failed = append(failed, err)
		} else if finding != nil {
			result.Findings = append(result.Findings, *finding)
		}
	}
	if len(failed) > 0 {
		refused := pipelines.NotRunBecause(failed[0])
		result.Verdict, result.Reason, result.Hint = refused.Verdict, refused.Reason, refused.Hint
		if more := len(failed) - 1; more > 0 {
			result.Reason += fmt.Sprintf(" (and %d more)", more)
		}
	}
	return result
}

// fixable: what terraform fmt would write is known.
func (file *fmtFile) fixable() bool { return file.asked || file.doubt == nil }

// finding says what is wrong with a file: nothing, a finding, or that it could not be judged.
func (file *fmtFile) finding(unit string, missing error) (*pipelines.Finding, error) {
	if file.err != nil {
		var known *pipelines.Error
		if errors.As(file.err, &known) {
			return nil, file.err
		}
		return nil, &pipelines.Error{Position: pipelines.Position{Path: printable.Path(file.path)}, Err: file.err}
	}
	f := &pipelines.Finding{Rule: "format", Severity: pipelines.Low, Verdict: pipelines.Fail,
		Hint: "penstock terraform-fmt --fix, or terraform fmt " + printable.Path(unit)}
	f.Path = file.path
	if file.asked || !file.canonical {
		if string(file.formatted) == string(file.src) {
			return nil, nil
		}
		f.Line, f.Column = difference(file.src, file.formatted)
		f.Message = "not formatted: terraform fmt would rewrite the file from here on"
		if !file.fixable() {
			f.Hint = installHint
		}
		return f, nil
	}
	f.Verdict, f.Line, f.Column = pipelines.Unknown, file.doubt.line, file.doubt.column
	f.Message = "only terraform can say whether it would rewrite " + file.doubt.what
	var known *pipelines.Error
	if errors.As(missing, &known) {
		f.Message += ": " + known.Err.Error()
		f.Hint = known.Hint
	}
	return f, nil
}
