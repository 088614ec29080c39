package compliance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// Decision is what one rule says of one resource.
type Decision struct {
	Rule     *Rule
	Resource *resource.Resource
	Verdict  pipelines.Verdict
	// Notes are what it denies, or cannot tell.
	Notes []Note
}

// Note is one message of a rule, and the argument that it is about, if any.
type Note struct{ Message, Attribute string }

// wanted is everything that some rule reads.
func wanted(rules []*Rule) resource.Wanted {
	all := resource.Wanted{}
	for _, r := range rules {
		for _, types := range []resource.Wanted{r.Resources, r.Related} {
			for name, paths := range types {
				for _, p := range paths {
					if !slices.Contains(all[name], p) {
						all[name] = append(all[name], p)
					}
				}
			}
		}
	}
	return all
}

// Decide judges a document by rules. Settings are what the rules see as
// input.settings. A query that ends with an error or over budget is an error.
func Decide(ctx context.Context, rules []*Rule, d *resource.Document, settings map[string]any, budget time.Duration) ([]Decision, error) {
	given, err := ast.InterfaceToValue(settings)
	if err != nil {
		return nil, err
	}
	byType := map[string][]*resource.Resource{}
	for i := range d.Resources {
		r := &d.Resources[i]
		byType[r.Type] = append(byType[r.Type], r)
	}
	var decisions []Decision
	for _, rule := range rules {
		c := &court{ctx: ctx, rule: rule, kind: d.Kind, settings: given, budget: budget}
		if err := c.gather(byType); err != nil {
			return nil, err
		}
		for _, name := range sorted(rule.Resources) {
			for _, r := range byType[name] {
				if r.Mode != rule.Mode {
					continue
				}
				decision, err := c.judge(r)
				if err != nil {
					return nil, err
				}
				decisions = append(decisions, decision)
			}
		}
	}
	return decisions, nil
}

// observed are further options of each query: tests count what is covered.
var observed []rego.EvalOption

// court judges by one rule.
type court struct {
	ctx      context.Context
	rule     *Rule
	kind     resource.Kind
	settings ast.Value
	budget   time.Duration
	// related is what the rule reads beside a resource; certain is that without
	// what may not exist. They are the same when doubt is false.
	related, certain ast.Value
	doubt            bool
	unknown          bool // something related is unknown
}

func (c *court) gather(byType map[string][]*resource.Resource) error {
	all, sure := map[string]any{}, map[string]any{}
	for name, paths := range c.rule.Related {
		list, certain := []any{}, []any{}
		for _, r := range byType[name] {
			values := project(r.Values, paths)
			c.unknown = c.unknown || holdsUnknown(values, "", c.rule.References)
			object := describe(r, values)
			list = append(list, object)
			if r.Existence == nil {
				certain = append(certain, object)
			} else {
				c.doubt = true
			}
		}
		all[name], sure[name] = list, certain
	}
	var err error
	if c.related, err = ast.InterfaceToValue(all); err != nil {
		return err
	}
	c.certain, err = ast.InterfaceToValue(sure)
	return err
}

func describe(r *resource.Resource, values map[string]any) map[string]any {
	return map[string]any{"address": r.Address, "type": r.Type, "name": r.Name, "module": r.Module, "mode": r.Mode, "key": r.Key, "values": values}
}

// judge follows the table in docs/policies.md.
func (c *court) judge(r *resource.Resource) (Decision, error) {
	values := project(r.Values, c.rule.Resources[r.Type])
	d := Decision{Rule: c.rule, Resource: r, Verdict: pipelines.Pass}
	if !c.rule.decides && (c.unknown || holdsUnknown(values, "", c.rule.References)) {
		d.Verdict, d.Notes = pipelines.Unknown, []Note{c.why(values)}
		return d, nil
	}
	object, err := ast.InterfaceToValue(describe(r, values))
	if err != nil {
		return d, err
	}
	denied, unsure, err := c.ask(r, object, c.related)
	if err != nil {
		return d, err
	}
	if c.doubt {
		denied2, unsure2, err := c.ask(r, object, c.certain)
		if err != nil {
			return d, err
		}
		if len(denied) != len(denied2) {
			denied, unsure = nil, append(unsure, Note{Message: "it depends on a resource of which it is not known whether it exists"})
		}
		unsure = append(unsure, unsure2...)
	}
	switch {
	case len(denied) > 0 && r.Existence != nil:
		d.Verdict, d.Notes = pipelines.Unknown, []Note{{Message: denied[0].Message + ", if it exists: " + r.Existence.Message}}
	case len(denied) > 0:
		d.Verdict, d.Notes = pipelines.Fail, denied
	case len(unsure) > 0:
		d.Verdict, d.Notes = pipelines.Unknown, unsure
	}
	return d, nil
}

// why names the first unknown that a rule would have read.
func (c *court) why(values map[string]any) Note {
	for _, name := range sorted(values) {
		if reason, ok := firstUnknown(values[name], name, c.rule.References); ok {
			return Note{Message: fmt.Sprintf("%s cannot be decided: %s", c.rule.Title, reason), Attribute: name}
		}
	}
	return Note{Message: c.rule.Title + " cannot be decided: a resource that it depends on is not known"}
}

func (c *court) ask(r *resource.Resource, object, related ast.Value) (denied, unsure []Note, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.budget)
	defer cancel()
	input := ast.NewObject(
		[2]*ast.Term{ast.StringTerm("kind"), ast.StringTerm(string(c.kind))},
		[2]*ast.Term{ast.StringTerm("resource"), ast.NewTerm(object)},
		[2]*ast.Term{ast.StringTerm("related"), ast.NewTerm(related)},
		[2]*ast.Term{ast.StringTerm("settings"), ast.NewTerm(c.settings)})
	results, err := c.rule.query.Eval(ctx, append(observed, rego.EvalParsedInput(input))...)
	where := fmt.Sprintf("judging %s by the rule %q", r.Address, c.rule.ID)
	switch {
	case c.ctx.Err() != nil:
		return nil, nil, c.ctx.Err()
	case ctx.Err() != nil:
		return nil, nil, &pipelines.Error{Err: fmt.Errorf("%s: the query did not end within %s", where, c.budget), Hint: "make the rule simpler: it has to end on every input"}
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %s", where, firstLine(err))
	case len(results) != 1:
		return nil, nil, &pipelines.Error{Err: fmt.Errorf("%s: deny is undefined", where), Hint: "write deny contains message if ..., or give it a default"}
	}
	if denied, err = notes(results[0].Bindings["deny"], c.rule.Title); err != nil {
		return nil, nil, fmt.Errorf("%s: deny %w", where, err)
	}
	if c.rule.decides {
		if unsure, err = notes(results[0].Bindings["unknown"], c.rule.Title+" cannot be decided"); err != nil {
			return nil, nil, fmt.Errorf("%s: unknown %w", where, err)
		}
	}
	return denied, unsure, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// notes reads a set of messages, or a boolean that stands for the title.
func notes(v any, title string) ([]Note, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return []Note{{Message: title}}, nil
		}
		return nil, nil
	case []any:
		var list []Note
		for _, item := range v {
			switch item := item.(type) {
			case string:
				list = append(list, Note{Message: item})
			case map[string]any:
				message, ok := item["message"].(string)
				attribute, _ := item["attribute"].(string)
				if !ok {
					return nil, errors.New(`holds an object without "message"`)
				}
				list = append(list, Note{message, attribute})
			default:
				return nil, fmt.Errorf("holds a %T, allowed are texts and objects with a message", item)
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("is a %T, allowed are a set and a boolean", v)
}
