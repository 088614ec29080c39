package live

import (
	"maps"
	"slices"
	"testing"

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
