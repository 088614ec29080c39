package live

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
)

func TestAsBefore(t *testing.T) {
	open := false
	before := &config.Config{Live: config.Live{
		Signers: map[string]string{"ci": "1", "old": "2", "moved": "3"}, Approvers: map[string]string{"ines": "4", "eva": "5"},
		Recipients: []string{"a", "b"}, Allow: config.Allow{Providers: []string{"p"}},
		Environments: []config.Environment{{Name: "dvlp", Gates: &open}, {Name: "pprd"}, {Name: "prod", Approvers: []string{"ines", "eva"}}, {Name: "live", Approvers: []string{"ines"}}},
	}}
	now := &config.Config{Live: config.Live{
		Signers: map[string]string{"ci": "1", "new": "2", "moved": "9"}, Approvers: map[string]string{"ines": "4", "eva": "5", "mallory": "6"},
		Recipients: []string{"c", "b"}, Allow: config.Allow{Providers: []string{"p", "q"}, DataSources: []string{"external"}},
		Environments: []config.Environment{{Name: "dvlp", Gates: &open}, {Name: "pprd", Gates: &open}, {Name: "other", Gates: &open},
			{Name: "prod", Approvers: []string{"eva", "mallory"}}, {Name: "live"}},
	}}
	c := asBefore(now, before)
	if !maps.Equal(c.Live.Signers, map[string]string{"ci": "1"}) || !maps.Equal(c.Live.Approvers, map[string]string{"ines": "4", "eva": "5"}) {
		t.Errorf("signers %v, approvers %v", c.Live.Signers, c.Live.Approvers)
	}
	if !slices.Equal(c.Live.Recipients, []string{"b"}) || !slices.Equal(c.Live.Allow.Providers, []string{"p"}) || len(c.Live.Allow.DataSources) > 0 {
		t.Errorf("recipients %v, allowed %v", c.Live.Recipients, c.Live.Allow)
	}
	for name, want := range map[string]struct {
		gated     bool
		approvers []string
	}{"dvlp": {gated: false}, "pprd": {gated: true}, "other": {gated: true}, "prod": {true, []string{"eva"}}, "live": {true, []string{"ines"}}} {
		i := slices.IndexFunc(c.Live.Environments, func(e config.Environment) bool { return e.Name == name })
		if e := c.Live.Environments[i]; e.Gated() != want.gated || !slices.Equal(e.Approvers, want.approvers) {
			t.Errorf("%s: gated %t, approvers %v", name, e.Gated(), e.Approvers)
		}
	}
	if now.Live.Environments[1].Gated() || len(now.Live.Signers) != 3 {
		t.Error("the configuration of the trunk was changed itself")
	}
	// Of a repository that had no penstock.yaml, nobody may sign.
	if first := asBefore(now, &config.Config{}); len(first.Live.Signers) > 0 || first.Live.Environments[0].Gated() {
		t.Errorf("without any before: %+v", first.Live)
	}
}

// A change moves no unit out of its gates.
func TestGatedAsBefore(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	open := false
	environments := func(dvlp, prod string) config.Live {
		return config.Live{Environments: []config.Environment{{Name: "dvlp", Gates: &open, Paths: []string{dvlp}}, {Name: "prod", Paths: []string{prod}}}}
	}
	now := environments("live/**", "other/**")
	for name, row := range map[string]struct {
		before config.Live
		gated  bool
	}{
		"as it was":           {environments("live/**", "other/**"), false},
		"from prod":           {environments("other/**", "live/**"), true},
		"from nowhere":        {environments("other/**", "else/**"), true},
		"of both":             {environments("live/**", "live/**"), false},
		"before environments": {config.Live{}, false},
	} {
		targets, err := Targets(root.FS(), []pipelines.Unit{{Path: "live/app", Kind: pipelines.Live}}, now)
		if err != nil || len(targets) != 1 || targets[0].Environment.Gated() {
			t.Fatalf("%+v, %v", targets, err)
		}
		targets[0].home = root
		if got := gatedAsBefore(targets, row.before)[0].Environment.Gated(); got != row.gated {
			t.Errorf("%s: gated is %t", name, got)
		}
	}
}

// That the forge's approval counts is not chosen by the change that is applied.
func TestApprovalsAsBefore(t *testing.T) {
	before := &config.Config{Live: config.Live{Environments: []config.Environment{{Name: "dvlp", Approvals: "forge"}, {Name: "pprd", Approvals: "signed"}, {Name: "prod"}}}}
	now := &config.Config{}
	for _, name := range []string{"dvlp", "pprd", "prod", "other"} {
		now.Live.Environments = append(now.Live.Environments, config.Environment{Name: name, Approvals: "forge"})
	}
	for _, e := range asBefore(now, before).Live.Environments {
		if e.ByForge() != (e.Name == "dvlp") {
			t.Errorf("%s: by forge is %t", e.Name, e.ByForge())
		}
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	there := func(dvlp, prod string) config.Live {
		return config.Live{Environments: []config.Environment{{Name: "dvlp", Approvals: "forge", Paths: []string{dvlp}}, {Name: "prod", Paths: []string{prod}}}}
	}
	for name, row := range map[string]struct {
		before  config.Live
		byForge bool
	}{"as it was": {there("live/**", "x/**"), true}, "from prod": {there("x/**", "live/**"), false}, "from nowhere": {there("x/**", "y/**"), false}} {
		targets, err := Targets(root.FS(), []pipelines.Unit{{Path: "live/app", Kind: pipelines.Live}}, there("live/**", "x/**"))
		if err != nil || len(targets) != 1 {
			t.Fatalf("%+v, %v", targets, err)
		}
		targets[0].home = root
		if e := gatedAsBefore(targets, row.before)[0].Environment; e.ByForge() != row.byForge || !e.Gated() {
			t.Errorf("%s: by forge is %t, gated %t", name, e.ByForge(), e.Gated())
		}
	}
}

// Whatever destroys, or what nobody has seen as it is, is approved by name.
func TestByName(t *testing.T) {
	target := Target{Unit: pipelines.Unit{Path: "live/app"}}
	for name, row := range map[string]struct {
		m    capsule.Manifest
		name bool
	}{
		"high":          {capsule.Manifest{Risk: capsule.Risk{Level: "high", Addresses: []string{"a.b"}}}, false},
		"low":           {capsule.Manifest{Risk: capsule.Risk{Level: "low", Addresses: []string{"a.b"}}}, false},
		"destructive":   {capsule.Manifest{Risk: capsule.Risk{Level: "destructive", Addresses: []string{"a.b"}}}, true},
		"unknown":       {capsule.Manifest{Risk: capsule.Risk{Level: "", Addresses: []string{"a.b"}}}, true},
		"a whole unit":  {capsule.Manifest{Destroy: true, Risk: capsule.Risk{Level: "low", Addresses: []string{"a.b"}}}, true},
		"planned again": {capsule.Manifest{Risk: capsule.Risk{Level: "low", Addresses: []string{"live/app", "a.b"}}}, true},
	} {
		if why := byName(target, &capsule.Capsule{Manifest: row.m}); (why != "") != row.name {
			t.Errorf("%s: %q", name, why)
		}
	}
}
