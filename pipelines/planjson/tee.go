package planjson

import tfjson "github.com/hashicorp/terraform-json"

// Tee tells several visitors of one and the same walk, the first one first.
func Tee(visitors ...Visitor) Visitor {
	var all Visitor
	for _, v := range visitors {
		all.Change = both(all.Change, v.Change)
		all.Drift = both(all.Drift, v.Drift)
		all.Deferred = both(all.Deferred, v.Deferred)
		all.Invocation = both(all.Invocation, v.Invocation)
		all.Data = both(all.Data, v.Data)
		all.Output = bothNamed(all.Output, v.Output)
		all.Variable = bothNamed(all.Variable, v.Variable)
		all.Prior = bothNamed(all.Prior, v.Prior)
		all.Config.Resource = bothNamed(all.Config.Resource, v.Config.Resource)
		all.Config.Provider = both(all.Config.Provider, v.Config.Provider)
		all.Config.Variable = bothWithin(all.Config.Variable, v.Config.Variable)
		all.Config.Output = bothWithin(all.Config.Output, v.Config.Output)
		all.Config.Call = bothWithin[map[string]*tfjson.Expression](all.Config.Call, v.Config.Call)
	}
	return all
}

func both[T any](first, second func(T) error) func(T) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(t T) error {
		if err := first(t); err != nil {
			return err
		}
		return second(t)
	}
}

func bothNamed[T any](first, second func(string, T) error) func(string, T) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(name string, t T) error {
		if err := first(name, t); err != nil {
			return err
		}
		return second(name, t)
	}
}

func bothWithin[T any](first, second func(string, string, T) error) func(string, string, T) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(module, name string, t T) error {
		if err := first(module, name, t); err != nil {
			return err
		}
		return second(module, name, t)
	}
}
