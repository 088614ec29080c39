// Package harness is for tests of modules that deploy something: a copy of the module, a
// unique short name, the tags of the run, and an undo that runs when the test ends, panics
// or is interrupted. It needs the standard library only, and works with penstock around it
// (penstock terratest, which saves what is deployed and sweeps) and without: then it saves
// in a directory of the user, for penstock sweep.
//
//	func TestQueue(t *testing.T) {
//		t.Parallel()
//		box := harness.New(t, "../../modules/sqs-queue")
//		options := &terraform.Options{
//			TerraformDir: box.Dir,
//			Vars:         box.Vars(map[string]any{"name": box.Name}),
//			EnvVars:      box.Env,
//			Lock:         true,
//		}
//		box.Undo(func() error {
//			_, err := terraform.DestroyContextE(t, context.Background(), options)
//			return err
//		})
//		terraform.InitAndApply(t, options)
//		...
//	}
package harness

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// Box is a sandbox: a copy of a module, and what a test needs to deploy it.
type Box struct {
	// Dir is the copy of the module, with the local modules that it calls beside it.
	Dir string
	// Name is unique, and short enough for names that a cloud bounds: t3f9a2c-k3x9, at most
	// 12 characters of a-z, 0-9 and "-", the first a letter.
	Name string
	// Env are variables for every call of terraform: the tags of the run, as the AWS
	// provider reads them and as the variables penstock_run and penstock_ttl.
	Env map[string]string
	// Tags are penstock:run and penstock:ttl, for providers that take tags by a variable.
	Tags map[string]string
	// Context ends when the run is interrupted. It is for waits of a test: terraform hears of
	// the interrupt by itself, and one that is killed leaves more than one that is asked.
	Context context.Context

	t     testing.TB
	root  string
	saved *saved // nil with penstock around
	undo  func() error
	once  sync.Once
	err   error
	done  chan struct{}
}

// New copies the module in a directory, relative to that of the test, and the local modules
// that it reaches. State, and what terraform keeps, is not copied. The copy goes when the test
// ends.
func New(t testing.TB, module string) *Box {
	t.Helper()
	run, err := theRun()
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	root, err := os.MkdirTemp("", "penstock-") // short: providers listen on sockets in it
	if err != nil {
		t.Fatalf("harness: making a sandbox: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	from, err := filepath.Abs(module)
	if err == nil {
		_, err = os.ReadDir(from)
	}
	b := &Box{Name: name(run.id), Context: run.ctx, t: t, root: root, done: make(chan struct{})}
	if err == nil {
		b.Dir, err = sandbox(from, root)
	}
	if err != nil {
		t.Fatalf("harness: copying the module %q: %v", module, err)
	}
	b.Tags = map[string]string{"penstock:run": run.id, "penstock:ttl": run.ttl}
	b.Env = map[string]string{record.EnvRun: run.id, "TF_VAR_penstock_run": run.id, "TF_VAR_penstock_ttl": run.ttl,
		"TF_AWS_DEFAULT_TAGS_penstock:run": run.id, "TF_AWS_DEFAULT_TAGS_penstock:ttl": run.ttl}
	if run.states != "" {
		if b.saved, err = save(run, t.Name(), b); err != nil {
			t.Fatalf("harness: saving the deployment: %v", err)
		}
	}
	return b
}

// Vars returns variables for terraform, and saves them where nobody else does: without them
// nothing can be destroyed later. Call it before the first apply.
func (b *Box) Vars(vars map[string]any) map[string]any {
	b.t.Helper()
	if b.saved != nil {
		if err := b.saved.step(b, vars); err != nil {
			b.t.Fatalf("harness: saving the variables: %v", err)
		}
	}
	return maps.Clone(vars)
}

// Undo registers what takes the deployment away, before the first apply. It is called once:
// when the test ends, however it does, or when the run is interrupted. What it cannot undo,
// penstock sweep does.
func (b *Box) Undo(undo func() error) {
	b.t.Helper()
	if b.undo != nil {
		b.t.Fatalf("harness: there is an undo of %q already", b.Name)
	}
	b.undo = undo
	register(b)
	b.t.Cleanup(func() {
		b.t.Helper()
		if err := b.undone(); err != nil {
			b.t.Errorf("undoing %s: %v", b.Name, err)
		}
	})
}

// undone undoes once; who comes second waits for the first.
func (b *Box) undone() error {
	b.once.Do(func() {
		defer close(b.done)
		if b.err = b.undo(); b.err == nil && b.saved != nil {
			b.err = b.saved.undone()
		}
	})
	return b.err
}

// name is unique and short.
func name(run string) string {
	b := make([]byte, 2)
	_, _ = rand.Read(b) // never fails
	return "t" + run[strings.LastIndexByte(run, '-')+1:] + "-" + hex.EncodeToString(b)
}
