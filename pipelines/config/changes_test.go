package config

import (
	"strings"
	"testing"
)

func TestChangesNamesWhatDoesNotCount(t *testing.T) {
	base, err := Read(File, []byte("version: 1\ncompliance:\n  rules: {a: {unknown: pass}, b: {}}\n  waivers:\n    - {rule: r, unit: u, owner: o, reason: x, expires: 2027-01-01}\n"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := Read(File, []byte("version: 1\ncompliance:\n  settings: {allowed_ports: [22]}\n  policies: [p]\n  rules: {a: {enabled: true}, c: {enabled: false}}\n  waivers:\n    - {rule: r, unit: u, owner: o, reason: x, expires: 2028-01-01}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range Changes(base, head) {
		got = append(got, n.Message)
	}
	for i, want := range []string{"settings", "policies", "rules.a;", "rules.c;", "adds or edits a waiver of r", "takes away or edits a waiver of r"} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Fatalf("got %q, want %q at %d", got, want, i)
		}
	}
	if len(Changes(base, base)) != 0 {
		t.Errorf("a file differs from itself: %v", Changes(base, base))
	}
}
