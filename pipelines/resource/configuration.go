package resource

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// The bounds of an evaluation: beyond them it is an error, never a hang.
const (
	instanceLimit = 10_000
	depthLimit    = 32
)

// FromConfiguration evaluates the configuration in the directory unit of fsys,
// and the local modules that it calls, without credentials, providers or init.
// Only arguments of wanted types are decoded. A file that cannot be read or
// parsed is an error with its place; what cannot be known is in the document.
//
// An expression cannot be stopped from outside, so an evaluation that takes
// longer than its limit is left behind and is an error.
func FromConfiguration(ctx context.Context, fsys fs.FS, unit string, wanted Wanted) (*Document, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, evaluationLimit, errSlow)
	defer cancel()
	type outcome struct {
		d   *Document
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- outcome{err: fmt.Errorf("evaluating %q: internal error: %.200v", unit, p)}
			}
		}()
		d, err := evaluate(ctx, fsys, unit, wanted)
		done <- outcome{d, err}
	}()
	select {
	case o := <-done:
		return o.d, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("evaluating %q: %w", unit, context.Cause(ctx))
	}
}

// evaluationLimit bounds the evaluation of one unit.
const evaluationLimit = time.Minute

var errSlow = fmt.Errorf("it did not end within %s", evaluationLimit)

func evaluate(ctx context.Context, fsys fs.FS, unit string, wanted Wanted) (*Document, error) {
	e := &evaluator{ctx: ctx, fsys: fsys, sources: map[string]*source{}}
	src, err := e.load(ctx, unit)
	if err != nil {
		return nil, err
	}
	root := e.module(src, nil, "")
	if root.args, err = e.tfvars(unit); err != nil {
		return nil, err
	}
	root.providerTags()
	d := &Document{Kind: Configuration, Path: unit}
	if err := root.collect(ctx, d, wanted); err != nil {
		return nil, err
	}
	return d, nil
}

func (e *evaluator) module(src *source, parent *module, address string) *module {
	m := &module{e: e, src: src, parent: parent, address: address, values: map[string]cty.Value{}, busy: map[string]bool{},
		instances: map[string]expansion{}, children: map[string]calledModule{}}
	if parent != nil {
		m.depth = parent.depth + 1
	}
	m.functions = m.allFunctions()
	return m
}

// tfvars are the values that Terraform loads by itself, the last one winning.
func (e *evaluator) tfvars(dir string) (map[string]attribute, error) {
	entries, err := fs.ReadDir(e.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", dir, plain(err))
	}
	var names, auto []string
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == "terraform.tfvars", name == "terraform.tfvars.json":
			names = append(names, name)
		case strings.HasSuffix(name, ".auto.tfvars"), strings.HasSuffix(name, ".auto.tfvars.json"):
			auto = append(auto, name)
		}
	}
	values := map[string]attribute{}
	for _, name := range slices.Concat(names, auto) {
		full := path.Join(dir, name)
		src, err := e.read(full)
		if err != nil {
			return nil, err
		}
		var file *hcl.File
		var diags hcl.Diagnostics
		if strings.HasSuffix(name, ".json") {
			file, diags = hcljson.Parse(src, full)
		} else {
			file, diags = hclsyntax.ParseConfig(src, full, hcl.InitialPos)
		}
		if err := broken(diags); err != nil {
			return nil, err
		}
		attributes, diags := file.Body.JustAttributes()
		if err := broken(diags); err != nil {
			return nil, err
		}
		for key, a := range attributes {
			values[key] = attribute{expr: a.Expr, at: position(a.NameRange)}
		}
	}
	return values, nil
}

// collect adds the resources of a module, and of those that it calls.
func (m *module) collect(ctx context.Context, d *Document, wanted Wanted) error {
	for _, key := range m.src.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := m.src.resources[key]
		paths, want := wanted[b.labels[0]]
		if wanted != nil && !want {
			continue
		}
		for _, inst := range m.expand(key) {
			if m.e.count++; m.e.count > instanceLimit {
				return &pipelines.Error{Position: b.at, Err: fmt.Errorf("there are more than %d instances of resources", instanceLimit)}
			}
			d.Resources = append(d.Resources, m.resource(key, b, inst, paths))
		}
	}
	d.Opaque = append(d.Opaque, m.src.dialects...)
	for _, name := range m.src.callOrder {
		called := m.call(name)
		if called.err != nil {
			return called.err
		}
		if called.opaque != nil {
			d.Opaque = append(d.Opaque, Opaque{Address: join(m.address, "module."+name), Reason: *called.opaque})
		}
		for _, child := range called.modules {
			if err := child.collect(ctx, d, wanted); err != nil {
				return err
			}
		}
	}
	return nil
}

func join(module, name string) string {
	if module == "" {
		return name
	}
	return module + "." + name
}

// resource decodes one instance.
func (m *module) resource(key string, b *block, inst instance, paths []string) Resource {
	r := Resource{Address: join(m.address, key) + inst.suffix(), Type: b.labels[0], Name: b.labels[1], Module: m.address, Mode: "managed",
		Key: inst.plainKey(), Existence: inst.existence, Position: b.at, Values: map[string]any{}, Positions: map[string]pipelines.Position{}}
	if strings.HasPrefix(key, "data.") {
		r.Mode = "data"
	}
	if r.Existence == nil {
		r.Existence = m.existence
	}
	needed := map[string]bool{}
	for _, p := range paths {
		top, _, _ := strings.Cut(p, ".")
		needed[top] = true
	}
	for name := range b.body.own() {
		if len(paths) > 0 && !needed[name] && !(name == "tags" && needed["tags_all"]) {
			continue
		}
		if value, ok := m.e.decode(m.attribute(key, b, inst, name)); ok {
			if b.body.attributes[name].json {
				value = jsonBlocks(value, within(paths, name))
			}
			r.Values[name] = value
		}
		r.Positions[name] = b.body.place(name)
	}
	m.tagsAll(&r, b)
	return r
}
