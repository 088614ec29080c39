package resource

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// planResource is a resource of resource_changes.
type planResource struct {
	Address string `json:"address"`
	Module  string `json:"module_address"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Index   any    `json:"index"`
	Change  struct {
		Actions      []string        `json:"actions"`
		After        json.RawMessage `json:"after"`
		AfterUnknown json.RawMessage `json:"after_unknown"`
	} `json:"change"`
}

// FromPlan reads the JSON of a plan (terraform show -json, format 1.x) from r.
// Resources that the plan deletes are left out. It is read as a stream, and only
// arguments of wanted types are decoded.
func FromPlan(ctx context.Context, r io.Reader, path string, wanted Wanted) (*Document, error) {
	p := &planReader{path: path, wanted: wanted, in: json.NewDecoder(bufio.NewReaderSize(r, 1<<16))}
	if err := p.read(ctx); err != nil {
		return nil, &pipelines.Error{Position: pipelines.Position{Path: path}, Err: fmt.Errorf("reading the plan: %w", err),
			Hint: "write it with terraform show -json PLAN > " + path}
	}
	p.addRead()
	p.created = map[string]bool{}
	for _, planned := range p.resources {
		var fresh struct {
			ID any `json:"id"`
		}
		_ = json.Unmarshal(planned.Change.AfterUnknown, &fresh) // what is no object is no resource without an id
		p.created[planned.Address] = fresh.ID == true
	}
	d := &Document{Kind: Plan, Path: path}
	for _, planned := range p.resources {
		resource, err := p.resource(planned)
		if err != nil {
			return nil, &pipelines.Error{Position: pipelines.Position{Path: path}, Err: fmt.Errorf("reading %s: %w", planned.Address, err)}
		}
		d.Resources = append(d.Resources, resource)
	}
	return d, nil
}

type planReader struct {
	path      string
	wanted    Wanted
	in        *json.Decoder
	format    string
	seen      map[string]bool
	resources []planResource
	readData  []planResource
	config    planModule
	// errored says that Terraform could not plan everything, planned that something is.
	errored, planned bool
	// defaultTags says that a provider adds tags to those of each resource.
	defaultTags bool
	// created are the resources of wanted types that have no id yet.
	created map[string]bool
}

// read walks the members of the top level.
func (p *planReader) read(ctx context.Context) error {
	if err := p.expect(json.Delim('{')); err != nil {
		return err
	}
	p.seen = map[string]bool{}
	for p.in.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		token, err := p.in.Token()
		if err != nil {
			return truncated(err)
		}
		key, _ := token.(string)
		p.seen[key] = true
		if err := p.member(ctx, key); err != nil {
			return truncated(err)
		}
	}
	if _, err := p.in.Token(); err != nil {
		return truncated(err)
	}
	switch {
	case !p.seen["format_version"]:
		return errors.New("it is no plan: it has no format_version")
	case !p.seen["planned_values"] && !p.seen["resource_changes"]:
		return errors.New("it is no plan: it has neither planned_values nor resource_changes")
	case p.errored:
		return errors.New("it is of a run that ended with an error, and does not hold everything")
	case p.planned && !p.seen["resource_changes"]:
		return errors.New("it has planned_values, but no resource_changes to judge")
	}
	return nil
}

func (p *planReader) member(ctx context.Context, key string) error {
	switch key {
	case "format_version":
		if err := p.in.Decode(&p.format); err != nil {
			return err
		}
		if major, _, _ := strings.Cut(p.format, "."); major != "1" && p.format != "0.2" {
			return fmt.Errorf("its format version is %.40q, allowed are 1.x", p.format)
		}
		return nil
	case "resource_changes":
		return p.changes(ctx)
	case "errored":
		return p.in.Decode(&p.errored)
	case "planned_values":
		return p.state(func(stateResource) { p.planned = true })
	case "prior_state":
		return p.state(func(r stateResource) {
			if _, want := p.wanted[r.Type]; r.Mode == "data" && (p.wanted == nil || want) {
				read := planResource{Address: r.Address, Module: r.module(), Mode: r.Mode, Type: r.Type, Name: r.Name, Index: r.Index}
				read.Change.After = r.Values
				p.readData = append(p.readData, read)
			}
		})
	case "configuration":
		var c struct {
			Root      planModule `json:"root_module"`
			Providers map[string]struct {
				Expressions map[string]json.RawMessage `json:"expressions"`
			} `json:"provider_config"`
		}
		err := p.in.Decode(&c)
		p.config = c.Root
		for _, provider := range c.Providers {
			_, tags := provider.Expressions["default_tags"]
			p.defaultTags = p.defaultTags || tags
		}
		return err
	}
	var skipped struct{}
	return lenient(p.in.Decode(&skipped))
}

// lenient lets a member that is no object be skipped too.
func lenient(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return nil
	}
	return err
}

func (p *planReader) changes(ctx context.Context) error {
	if err := p.expect(json.Delim('[')); err != nil {
		return err
	}
	for p.in.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var r planResource
		if err := p.in.Decode(&r); err != nil {
			return err
		}
		_, want := p.wanted[r.Type]
		gone := len(r.Change.After) == 0 || string(r.Change.After) == "null" || slices.Equal(r.Change.Actions, []string{"forget"})
		if (p.wanted == nil || want) && !gone {
			p.resources = append(p.resources, r)
		}
	}
	return p.expect(json.Delim(']'))
}

func (p *planReader) expect(want json.Delim) error {
	token, err := p.in.Token()
	if err != nil {
		return truncated(err)
	}
	if token != want {
		return fmt.Errorf("there is %.40q where %q has to be", fmt.Sprint(token), want.String())
	}
	return nil
}

// truncated says what an early end means.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle: it is empty or truncated")
	}
	return err
}

// resource merges what is planned with what is unknown and what refers.
func (p *planReader) resource(r planResource) (Resource, error) {
	var after map[string]any
	if err := json.Unmarshal(r.Change.After, &after); err != nil {
		return Resource{}, err
	}
	var unknown any
	if len(r.Change.AfterUnknown) > 0 {
		if err := json.Unmarshal(r.Change.AfterUnknown, &unknown); err != nil {
			return Resource{}, err
		}
	}
	out := Resource{Address: r.Address, Type: r.Type, Name: r.Name, Module: r.Module, Mode: r.Mode, Key: r.Index,
		Position: pipelines.Position{Path: p.path}, Values: map[string]any{}}
	scope := planScope{reader: p, module: callsOf(r.Module), key: r.Index}
	var expressions written
	if block, ok := scope.block(r); ok {
		expressions, scope.forEach = bodyOf(block.Expressions), block.ForEach
	}
	m := planMerge{planScope: scope, kind: r.Type, wanted: p.wanted[r.Type]}
	flags, _ := unknown.(map[string]any)
	for name := range flags {
		if _, ok := after[name]; !ok {
			after[name] = nil
		}
	}
	var keep map[string]bool
	if paths := p.wanted[r.Type]; len(paths) > 0 {
		keep = map[string]bool{}
		for _, path := range paths {
			top, _, _ := strings.Cut(path, ".")
			keep[top] = true
		}
	}
	for name, value := range after {
		if keep != nil && !keep[name] {
			continue
		}
		place := expressions.at(name)
		if name == "tags_all" && place.state == nowhere && m.tagged(flags) {
			place = written{}
		}
		if v := m.merge(value, flags[name], place, name); v != nil {
			out.Values[name] = v
		}
	}
	return out, nil
}
