package config

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadAcceptsWhatIsDocumented(t *testing.T) {
	c, err := Read(File, []byte(`version: 1
units:
  - path: "stacks/*"
    kind: live
compliance:
  policies: [policies]
  settings:
    allowed_ports: [443]
    bastion:
      cidrs: ["10.1.2.0/24"]
    custom: {any: {thing: [1, two]}}
  rules:
    kms-rotation: {enabled: false}
  waivers:
    - rule: open-ports
      unit: modules/*
      owner: team-network
      reason: moves behind the load balancer
      expires: 2027-01-31
`))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Compliance.Waivers[0]; w.Expires != "2027-01-31" || w.Position.Line != 15 {
		t.Errorf("the waiver is %+v", w)
	}
	if c.Units[0].Position.Line != 3 || *c.Compliance.Rules["kms-rotation"].Enabled {
		t.Errorf("got %+v", c)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":     {"version: 1\ncompliance:\n  rulez: {}\n", `penstock.yaml:3:3: there is no key "rulez"`},
		"unknown in list": {"version: 1\nunits:\n  - path: a\n    kin: live\n", `penstock.yaml:4:5: there is no key "kin"`},
		"duplicate key":   {"version: 1\nversion: 1\n", "penstock.yaml:2:1:"},
		"version":         {"version: 2\n", "penstock.yaml:1:1: version is 2, allowed is 1"},
		"no version":      {"units: []\n", "version is 0"},
		"empty":           {"  \n", "it is empty"},
		"only comment":    {"# nothing\n", "it is empty"},
		"two documents":   {"version: 1\n---\nversion: 1\n", "holds 2 documents"},
		"anchors":         {"version: 1\nunits: &a []\n", "penstock.yaml:2:8: anchors and aliases"},
		"syntax":          {"version: [1\n", "penstock.yaml:1:"},
		"type":            {"version: one\n", "penstock.yaml:1:10:"},
		"kind":            {"version: 1\nunits:\n  - {path: a, kind: stack}\n", `kind is "stack", allowed are`},
		"port":            {"version: 1\ncompliance:\n  settings:\n    allowed_ports: [70000]\n", "penstock.yaml:4:21: the port is 70000"},
		"cidr":            {"version: 1\ncompliance: {settings: {bastion: {cidrs: [all]}}}\n", `"all" is not an address range`},
		"policies":        {"version: 1\ncompliance: {policies: [../rules]}\n", "is not below the root"},
		"waiver for all":  {"version: 1\ncompliance:\n  waivers:\n    - {rule: a, owner: b, reason: c, expires: 2027-01-01}\n", "penstock.yaml:4:8: the waiver would excuse everything"},
		"waiver no owner": {"version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, reason: c, expires: 2027-01-01}\n", "has no owner"},
		"waiver date":     {"version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, owner: o, reason: c, expires: soon}\n", `expires is "soon"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(File, []byte(test.text))
			var known *Error
			if !errors.As(err, &known) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestReadRefusesAnExplosion(t *testing.T) {
	bomb := "version: 1\na: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	if _, err := Read(File, []byte(bomb)); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("got %v", err)
	}
	if _, err := Read(File, []byte("version: 1 #"+strings.Repeat("x", Limit))); err == nil || !strings.Contains(err.Error(), "over") {
		t.Errorf("got %v", err)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	c, err := Load(fstest.MapFS{})
	if err != nil || c.Version != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
}
