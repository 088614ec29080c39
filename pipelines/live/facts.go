package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

var errNoRecipients = &config.Error{Cause: &pipelines.Error{Position: pipelines.Position{Path: config.File}, Err: errors.New("sealing plans: there are no recipients"),
	Hint: "name public keys of those who may open plans under live.recipients: penstock capsule keygen --identity makes one"}}

// facts are what the JSON of a plan says, whoever wrote the record beside it.
type facts struct {
	// summary and risk are public.
	summary redact.Summary
	risk    risk.Assessment
	// changes is the digest of what the plan does. It is not public: see redact.Bind.
	changes  []byte
	list     []ledger.Change
	policies capsule.Policies
	judged   pipelines.Result
}

// judge finds out what plans say, by rules that are compiled once for all of them.
type judge struct {
	root *os.Root
	// base is where the policies stand that count; nil is root.
	base   fs.FS
	config *config.Config

	once     sync.Once
	compiled *compliance.Compiled
	err      error
}

// rules compiles the rules, whoever asks first.
func (j *judge) rules(ctx context.Context) (*compliance.Compiled, error) {
	j.once.Do(func() {
		stage := compliance.Compliance{Scope: pipelines.Scope{Root: j.root.Name(), Base: j.base}, Config: j.config}
		j.compiled, j.err = stage.Compile(context.WithoutCancel(ctx)) // others need them too
	})
	return j.compiled, j.err
}

// read finds the facts of a plan out, on its own. The file is read once, as a stream.
func (j *judge) read(ctx context.Context, file string, t Target) (facts, error) {
	var f facts
	o, err := public(t, j.config)
	if err != nil {
		return f, err
	}
	rules, err := j.rules(ctx)
	if err != nil {
		return f, fmt.Errorf("judging the plan: %w", err)
	}
	f.policies.Digest = rules.Digest()
	in, err := os.Open(file)
	if err != nil {
		return f, fmt.Errorf("reading the plan: %w", err)
	}
	defer in.Close()
	content, copied := io.Pipe()
	judged := make(chan pipelines.Result, 1)
	go func() {
		judged <- rules.Plan(ctx, content, t.ID(), t.Unit.Path)
		_, _ = io.Copy(io.Discard, content) // it may need less of the plan than others do
	}()
	var n redact.Normaliser
	f.summary, f.risk, err = redact.Review(io.TeeReader(in, copied), o, n.Visitor(), planjson.Visitor{Change: f.change})
	_ = copied.CloseWithError(err) // nil is the end of the plan; it never fails
	f.judged = <-judged
	if err != nil {
		return f, err
	}
	f.changes = n.Sum()
	f.policies.Verdict, f.policies.Counts = f.judged.Verdict, map[pipelines.Verdict]int{}
	for _, v := range pipelines.Verdicts {
		if n := f.judged.Judged[string(v)]; n > 0 {
			f.policies.Counts[v] = n
		}
	}
	return f, nil
}

// change lists what a plan does, by address.
func (f *facts) change(c *tfjson.ResourceChange) error {
	if c.Change == nil || c.Change.Actions.NoOp() {
		return nil
	}
	change := ledger.Change{Address: c.Address}
	for _, action := range c.Change.Actions {
		change.Actions = append(change.Actions, string(action))
	}
	f.list = append(f.list, change)
	return nil
}

// public says what of a target may be shown: what stands in its code, and nothing
// of what our environment holds.
func public(t Target, c *config.Config) (redact.Options, error) {
	var files []string
	for _, name := range t.Unit.Inputs {
		base := path.Base(name)
		if _, err := t.home.Lstat(name); err == nil && (strings.HasSuffix(base, ".tf") || strings.HasSuffix(base, ".tofu") ||
			strings.HasSuffix(base, ".tf.json") || strings.HasSuffix(base, ".tofu.json") || strings.HasSuffix(base, ".tfvars") || strings.HasSuffix(base, ".tfvars.json")) {
			files = append(files, name)
		}
	}
	literals, err := redact.ReadLiterals(t.home.FS(), files)
	if err != nil {
		return redact.Options{}, fmt.Errorf("reading what may be shown of %q: %w", t.ID(), err)
	}
	return redact.Options{Literals: literals, Secrets: secrets(), Risk: risk.Options{Stateful: c.Live.Stateful}}, nil
}

// secrets are the values in our environment that a provider could repeat.
func secrets() []string {
	var values []string
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		for _, part := range []string{"SECRET", "TOKEN", "PASSWORD", "KEY", "CREDENTIAL", "TF_VAR_"} {
			if len(value) >= 8 && strings.Contains(strings.ToUpper(name), part) {
				values = append(values, value)
				break
			}
		}
	}
	return values
}

func onFile(name string, do func(io.Reader) error) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	defer file.Close()
	return do(file)
}

// manifestRisk is the risk as a capsule binds it: with the addresses that need a
// person in the target's environment.
func (f facts) manifestRisk(t Target, byName bool) capsule.Risk {
	r := capsule.Risk{Level: string(f.risk.Level)}
	seen := map[string]bool{}
	if byName && t.Environment.Gated() { // whatever the risk: who approves it names the target
		r.Addresses = append(r.Addresses, t.ID())
	}
	for _, reason := range f.risk.Reasons {
		if needsPerson(t, reason.Level) && !seen[reason.Address] {
			seen[reason.Address] = true
			r.Addresses = append(r.Addresses, reason.Address)
		}
	}
	return r
}

// needsPerson says whether a risk is at or above what an environment asks a person for.
func needsPerson(t Target, level risk.Level) bool {
	from := risk.Level(t.Environment.Approve)
	if from == "" {
		from = risk.High
	}
	return t.Environment.Gated() && level.Rank() >= from.Rank()
}
