package redact

import (
	"testing"
	"testing/fstest"
)

// A for expression has a scope of its own, which is no expression.
func TestLiteralsOfForExpressions(t *testing.T) {
	code := `locals {
  names  = [for n in ["blue", "green"] : "unit-${n}" if n != "red"]
  tokens = { for k, v in { a = "shown" } : k => { password = "hunter22", label = v } }
}
`
	l, err := ReadLiterals(fstest.MapFS{"main.tf": {Data: []byte(code)}}, []string{"main.tf"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"blue": true, "shown": true, "unit-": true, "hunter22": false} {
		if l.Has(text) != want {
			t.Errorf("%q is a literal: %t", text, l.Has(text))
		}
	}
}
