package image

import (
	"errors"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines/config"
)

// An environment that is switched off is no gap in the order: what it did not attest does
// not go past it, and what it attested while it was on does.
func TestNoEnvironmentIsPassedBy(t *testing.T) {
	load := func(service string) *config.Config {
		c, err := config.Load(fstest.MapFS{config.File: {Data: []byte("version: 1\nlive: {environments: [{name: dvlp}, {name: pprd}, {name: prod}]}\n" + service)}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	where := func(name, more string) string {
		return "    - {name: " + name + ", account: \"000000000000\", region: eu-west-1" + more + "}\n"
	}
	head := "service:\n  name: orders\n  owner: team-shop\n  environments:\n"
	off := load(head + where("dvlp", "") + where("pprd", ", enabled: false") + where("prod", ""))
	for name, c := range map[string]struct {
		config *config.Config
		want   []string
	}{
		"no service":    {load(""), []string{"dvlp", "pprd", "prod"}},
		"all":           {load(head + where("prod", "") + where("pprd", "") + where("dvlp", "")), []string{"dvlp", "pprd", "prod"}},
		"one is off":    {off, []string{"dvlp", "pprd", "prod"}},
		"one is absent": {load(head + where("dvlp", "") + where("prod", "")), []string{"dvlp", "prod"}},
	} {
		if got := Order(c.config); !slices.Equal(got, c.want) {
			t.Errorf("%s: the order is %v, want %v", name, got, c.want)
		}
	}

	r := serve(t, true)
	p := pushed(t, r)
	key, signers := keyed(t)
	attest := func(environment string) {
		if _, err := quick.Attest(t.Context(), p.Reference, environment, Facts{Service: "orders"}, key); err != nil {
			t.Fatal(err)
		}
	}
	attest("dvlp")
	if _, err := quick.Gate(t.Context(), p.Reference, "prod", Order(off), signers); !errors.Is(err, ErrNone) {
		t.Errorf("prod takes what pprd, which is off, did not attest: %v", err)
	}
	attest("pprd")
	if _, err := quick.Gate(t.Context(), p.Reference, "prod", Order(off), signers); err != nil {
		t.Errorf("what pprd attested while it was on: %v", err)
	}
}
