package planjson

import (
	tfjson "github.com/hashicorp/terraform-json"
)

// configuration walks the configuration. A visitor that wants none of it skips it.
func (w *walker) configuration() error {
	c := w.visit.Config
	if c.Resource == nil && c.Variable == nil && c.Output == nil && c.Call == nil && c.Provider == nil {
		return w.skip(0)
	}
	return w.object(func(key string) error {
		switch key {
		case "provider_config":
			return named(w, ifWanted(c.Provider))
		case "root_module":
			return w.configModule("", 0)
		}
		return w.skip(0)
	})
}

// ifWanted leaves out the key of the provider, which means nothing.
func ifWanted(tell func(*tfjson.ProviderConfig) error) func(string, *tfjson.ProviderConfig) error {
	if tell == nil {
		return nil
	}
	return func(_ string, p *tfjson.ProviderConfig) error { return tell(p) }
}

func (w *walker) configModule(module string, depth int) error {
	if depth > depthLimit {
		return errTooDeep
	}
	c := w.visit.Config
	return w.object(func(key string) error {
		switch key {
		case "resources":
			return each(w, within(module, c.Resource))
		case "variables":
			return named(w, withinNamed(module, c.Variable))
		case "outputs":
			return named(w, withinNamed(module, c.Output))
		case "module_calls":
			return w.object(func(name string) error { return w.configCall(module, name, depth) })
		}
		return w.skip(0)
	})
}

// configCall reads a call of a module and, below it, the module. Its "module" may
// be most of the document, so the call is not decoded as a whole.
func (w *walker) configCall(module, name string, depth int) error {
	child := "module." + name
	if module != "" {
		child = module + "." + child
	}
	return w.object(func(key string) error {
		switch {
		case key == "module":
			return w.configModule(child, depth+1)
		case key == "expressions" && w.visit.Config.Call != nil:
			var arguments map[string]*tfjson.Expression
			if err := w.value(&arguments); err != nil {
				return err
			}
			return w.visit.Config.Call(module, name, arguments)
		}
		return w.skip(0)
	})
}

func within[T any](module string, tell func(string, *T) error) func(*T) error {
	if tell == nil {
		return nil
	}
	return func(element *T) error { return tell(module, element) }
}

func withinNamed[T any](module string, tell func(string, string, *T) error) func(string, *T) error {
	if tell == nil {
		return nil
	}
	return func(name string, element *T) error { return tell(module, name, element) }
}
