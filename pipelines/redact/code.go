package redact

import (
	tfjson "github.com/hashicorp/terraform-json"
)

// What the plan's own copy of the configuration says: which texts stand in the
// code, and which of them are secrets.

func (c *collector) configResource(module string, r *tfjson.ConfigResource) error {
	for name, e := range r.Expressions {
		c.name(name)
		c.constants(e, holdsSecret(name), r.Mode == tfjson.DataResourceMode)
	}
	c.constants(r.CountExpression, false, false)
	c.constants(r.ForEachExpression, false, false)
	return nil
}

func (c *collector) configProvider(p *tfjson.ProviderConfig) error {
	for name, e := range p.Expressions {
		c.constants(e, holdsSecret(name), false)
	}
	return nil
}

func (c *collector) configOutput(module, name string, o *tfjson.ConfigOutput) error {
	c.name(name)
	c.constants(o.Expression, o.Sensitive || holdsSecret(name), false)
	return nil
}

func (c *collector) configVariable(module, name string, v *tfjson.ConfigVariable) error {
	c.name(name)
	if v.Sensitive || holdsSecret(name) {
		c.sensitive[moduleVariable(module, name)] = true
	}
	c.constant(v.Default, v.Sensitive || holdsSecret(name), false)
	return nil
}

// configCall remembers what a module is given: whether a variable of it is
// sensitive, the module itself says, before or after.
func (c *collector) configCall(module, name string, arguments map[string]*tfjson.Expression) error {
	child := "module." + name
	if module != "" {
		child = module + "." + child
	}
	c.name(name)
	for argument, e := range arguments {
		key := moduleVariable(child, argument)
		for _, text := range constantTexts(e) {
			c.arguments[key] = append(c.arguments[key], text)
		}
	}
	return nil
}

// settle decides what waited for the whole configuration.
func (c *collector) settle() {
	for key, texts := range c.arguments {
		for _, text := range texts {
			if c.sensitive[key] {
				c.secrets.add(text)
			} else {
				c.text(text)
			}
		}
	}
	for name, value := range c.variables {
		if c.sensitive[moduleVariable("", name)] || holdsSecret(name) {
			c.secrets.addAll(value)
		}
	}
	c.arguments, c.variables = nil, nil
}

func (c *collector) constants(e *tfjson.Expression, secret, data bool) {
	if e == nil || e.ExpressionData == nil {
		return
	}
	if e.ConstantValue != nil && e.ConstantValue != tfjson.UnknownConstantValue {
		c.constant(e.ConstantValue, secret, data)
	}
	for _, block := range e.NestedBlocks {
		for name, inner := range block {
			c.name(name)
			c.constants(inner, secret || holdsSecret(name), data)
		}
	}
}

// constant takes a constant of the code apart.
func (c *collector) constant(value any, secret, data bool) {
	switch v := value.(type) {
	case string:
		switch {
		case secret:
			c.secrets.add(v)
		default:
			c.text(v)
			if data {
				c.echoed[c.hash(v)] = true
			}
		}
	case []any:
		for _, element := range v {
			c.constant(element, secret, data)
		}
	case map[string]any:
		for key, element := range v {
			if !secret {
				c.name(key)
			}
			c.constant(element, secret || holdsSecret(key), data)
		}
	}
}

func constantTexts(e *tfjson.Expression) []string {
	if e == nil || e.ExpressionData == nil || e.ConstantValue == tfjson.UnknownConstantValue {
		return nil
	}
	var list []string
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case string:
			list = append(list, v)
		case []any:
			for _, element := range v {
				walk(element)
			}
		case map[string]any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(e.ConstantValue)
	return list
}

// text remembers a literal, name a name; both while there is room.
func (c *collector) text(text string) {
	if len(text) <= longestShown && c.size < literalsLimit && !c.texts[text] {
		c.texts[text] = true
		c.size += len(text) + 32
	}
}

func (c *collector) name(name string) {
	if len(name) <= longestShown && c.size < literalsLimit && !c.names[name] {
		c.names[name] = true
		c.size += len(name) + 32
	}
}
