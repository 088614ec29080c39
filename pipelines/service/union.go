package service

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// union is the type of what all roots read of a variable: each declares only the
// attributes that it needs, as service-iam needs the access and not the size.
func union(a, b cty.Type) (cty.Type, error) {
	switch {
	case a == cty.DynamicPseudoType || a.Equals(b):
		return b, nil
	case b == cty.DynamicPseudoType:
		return a, nil
	case a.IsObjectType() && b.IsObjectType():
		return unionOfObjects(a, b)
	case a.IsMapType() && b.IsMapType():
		t, err := union(a.ElementType(), b.ElementType())
		return cty.Map(t), err
	case a.IsListType() && b.IsListType():
		t, err := union(a.ElementType(), b.ElementType())
		return cty.List(t), err
	case a.IsSetType() && b.IsSetType():
		t, err := union(a.ElementType(), b.ElementType())
		return cty.Set(t), err
	}
	return a, fmt.Errorf("%s is not %s", allowed(a), allowed(b))
}

func unionOfObjects(a, b cty.Type) (cty.Type, error) {
	kinds, optional := map[string]cty.Type{}, []string(nil)
	for key, kind := range a.AttributeTypes() {
		kinds[key] = kind
		if a.AttributeOptional(key) && (!b.HasAttribute(key) || b.AttributeOptional(key)) {
			optional = append(optional, key)
		}
	}
	for key, kind := range b.AttributeTypes() {
		if other, both := kinds[key]; both {
			merged, err := union(other, kind)
			if err != nil {
				return a, fmt.Errorf("%s: %w", key, err)
			}
			kinds[key] = merged
			continue
		}
		kinds[key] = kind
		if b.AttributeOptional(key) {
			optional = append(optional, key)
		}
	}
	return cty.ObjectWithOptionalAttrs(kinds, optional), nil
}
