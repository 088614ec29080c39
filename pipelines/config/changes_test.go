package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestChangesNamesWhatDoesNotCount(t *testing.T) {
	base := read(t, `version: 1
units: [{path: old, kind: module}]
compliance:
  policies: [gone, same]
  settings: {required_tags: [Owner], custom: {a: {b: [1]}}}
  rules: {a: {unknown: pass}, b: {}, same: {enabled: false}}
  waivers:
    - {rule: r, unit: u, owner: o, reason: x, expires: 2027-01-01}
`)
	head := read(t, `version: 1
units: [{path: "modules/bad", kind: ignore}]
compliance:
  policies: [same/, new]
  settings: {allowed_ports: [22], required_tags: [Owner], bastion: {cidrs: []}, custom: {a: {b: [2]}}}
  rules: {a: {enabled: true}, c: {enabled: false}, same: {enabled: false, unknown: unknown}}
  waivers:
    - {rule: r, unit: u, owner: o, reason: x, expires: 2028-01-01}
`)
	var got []string
	for _, n := range Changes(base, head) {
		got = append(got, fmt.Sprintf("%s:%d: %s", n.Path, n.Line, n.Message))
	}
	const later = "; it counts once it is on the base"
	want := []string{
		`penstock.yaml:2: this change says that "modules/bad" is no unit`,
		`penstock.yaml:0: this change no longer says that "old" is of the kind module`,
		`penstock.yaml:0: this change takes "gone" out of compliance.policies` + later,
		`penstock.yaml:0: this change adds "new" to compliance.policies` + later,
		`penstock.yaml:0: this change edits compliance.settings.allowed_ports` + later,
		`penstock.yaml:0: this change edits compliance.settings.custom` + later,
		`penstock.yaml:6: this change edits compliance.rules.a` + later,
		`penstock.yaml:6: this change edits compliance.rules.c` + later,
		`penstock.yaml:8: this change adds or edits a waiver of r` + later,
		`penstock.yaml:0: this change takes away or edits a waiver of r` + later,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(Changes(base, base)) != 0 {
		t.Errorf("a file differs from itself: %v", Changes(base, base))
	}
}

func read(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Read(File, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
