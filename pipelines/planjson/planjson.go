// Package planjson reads what terraform show -json, or tofu show -json, says of a
// plan. It reads it as a stream, once, one resource at a time, so that a plan of
// hundreds of megabytes needs the memory of its largest resource only.
//
// What is not certainly a whole, readable plan is refused: a reviewer must never
// see "no changes" because a file was cut, or because a reader knew too little.
package planjson

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
)

// Header is what a plan says of itself.
type Header struct {
	// FormatVersion is "1.2" or the like.
	FormatVersion string
	// TerraformVersion is the version of the program, Terraform's or OpenTofu's.
	TerraformVersion string
	// Applyable and Complete are nil where the program does not say: Terraform
	// before 1.8 and OpenTofu. A plan with -target, or one that defers changes, is
	// not complete.
	Applyable, Complete *bool
	// Unread are members of the top level that this reader does not know. They may
	// hold changes that nobody has judged.
	Unread []string
}

// Visitor is told of the parts of a plan, in the order in which they stand in it.
// A nil function is not interested, and what only it would hear of is not decoded.
// Values are decoded with json.Number. An error ends the walk and is returned.
type Visitor struct {
	// Change hears of each member of resource_changes, Drift of resource_drift.
	Change, Drift func(*tfjson.ResourceChange) error
	// Deferred hears of each member of deferred_changes.
	Deferred func(*tfjson.DeferredResourceChange) error
	// Invocation hears of each action that the apply invokes.
	Invocation func(*tfjson.ActionInvocation) error
	// Output hears of each changed, or unchanged, output of the root module.
	Output func(name string, change *tfjson.Change) error
	// Variable hears of each input of the root module, sensitive ones too.
	Variable func(name string, v *tfjson.PlanVariable) error
	// Prior hears of each resource of prior_state: its address and provider.
	Prior func(address, provider string) error
	// Data hears of each data source of prior_state with what it returned.
	Data func(*tfjson.StateResource) error
	// Config hears of the parts of the configuration.
	Config ConfigVisitor
}

// ConfigVisitor is told of the parts of the configuration. Module is the path of
// the module's calls without instance keys, such as "module.network.module.nat",
// or "" for the root.
type ConfigVisitor struct {
	Resource func(module string, r *tfjson.ConfigResource) error
	Variable func(module, name string, v *tfjson.ConfigVariable) error
	Output   func(module, name string, o *tfjson.ConfigOutput) error
	// Call hears of what a module is given; module is the calling one.
	Call func(module, name string, arguments map[string]*tfjson.Expression) error
	// Provider hears of each provider's configuration.
	Provider func(*tfjson.ProviderConfig) error
}

// The bounds of a plan: far from any that people make, and far from what would
// exhaust the memory or the stack.
const (
	// elementLimit bounds one resource, in bytes.
	elementLimit = 16 << 20
	// depthLimit bounds how deep values, and modules, are nested.
	depthLimit = 200
)

// Walk reads one plan to its end and tells v of its parts. It refuses what is
// truncated, followed by something else, nested too deep, of an unknown format,
// not a plan, or a plan that ended with errors. A visitor that returned no error
// has heard of the whole plan only if Walk returns none either.
func Walk(r io.Reader, v Visitor) (Header, error) {
	in := &bounded{in: bufio.NewReaderSize(r, 1<<16), limit: elementLimit}
	w := &walker{in: in, json: json.NewDecoder(in), visit: v, seen: map[string]bool{}}
	w.json.UseNumber()
	err := w.plan()
	if err == nil {
		err = w.whole()
	}
	if err != nil {
		return w.header, &pipelines.Error{Err: fmt.Errorf("reading the plan: %w", explained(err)),
			Hint: "write it again with terraform show -json PLAN, and keep the whole output"}
	}
	return w.header, nil
}

// bounded ends reading when a single element takes more than the limit.
type bounded struct {
	in    io.Reader
	read  int64
	start int64 // where the element begins
	limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	// The decoder reads on only while what it has does not end the element.
	if b.read-b.start > b.limit {
		return 0, fmt.Errorf("one of its elements is larger than %d MiB", b.limit>>20)
	}
	n, err := b.in.Read(p[:min(len(p), 1<<16)])
	b.read += int64(n)
	return n, err
}

// explained says what an early end means.
func explained(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle: it is empty or truncated")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) { // its message quotes what stands there
		return fmt.Errorf("it is not JSON from byte %d on", syntax.Offset)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%q has a value of the wrong type: %s", kind.Field, strings.Fields(kind.Value + " ")[0])
	}
	return err
}

// whole refuses a document that is JSON but not a finished plan.
func (w *walker) whole() error {
	h := w.header
	switch {
	case !w.seen["format_version"]:
		return errors.New("it is no plan: it has no format_version")
	case w.errored:
		return errors.New("it is of a plan that ended with errors")
	case w.seen["resource_changes"]:
		return nil
	case !w.seen["planned_values"]:
		return errors.New("it is no plan: it has neither resource_changes nor planned_values")
	}
	// Without resources there are no resource_changes, rightly; but then the
	// plan says that there is nothing to apply, or what else there is.
	other := slices.ContainsFunc([]string{"output_changes", "resource_drift", "deferred_changes", "action_invocations"},
		func(key string) bool { return w.seen[key] })
	switch {
	case h.Applyable != nil && *h.Applyable && !other:
		return errors.New("it can be applied but has no resource_changes")
	case h.Applyable == nil && !w.seen["configuration"]:
		return errors.New("it has neither resource_changes nor a configuration")
	}
	return nil
}
