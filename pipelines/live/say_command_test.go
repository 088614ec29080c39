package live

import (
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// What is printed to be typed again is of the same base and mirror, and one word stays one.
func TestCommand(t *testing.T) {
	for _, row := range []struct {
		base, mirror, unit string
		want               string
	}{
		{"", "", "live/app", "penstock plan --only live/app --out DIR"},
		{"0123abc", "", "live/app", "penstock plan --base 0123abc --only live/app --out DIR"},
		{"0123abc", "/my providers", "live/it's", `penstock plan --base 0123abc --provider-mirror '/my providers' --only 'live/it'\''s' --out DIR`},
	} {
		one := Target{Unit: pipelines.Unit{Path: row.unit}}
		if got := planCommand(one, row.base, row.mirror, "", false, "DIR"); got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
	shared := Target{Unit: pipelines.Unit{Path: "live/app"}, Environment: config.Environment{Name: "dvlp"}, shared: true}
	if got, want := planCommand(shared, "", "", "tofu", true, "DIR"), "penstock plan --only live/app@dvlp --terraform tofu --destroy --out DIR"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := shared.command("unlock", "", ""), "penstock unlock dvlp/live/app"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A stack of a service has commands of its own, which choose no unit.
func TestCommandOfAStack(t *testing.T) {
	stack := Target{Unit: pipelines.Unit{Path: "orders/service-iac", Command: []string{"penstock", "service-iac", pipelines.Verb, "--env", "dvlp"}},
		Environment: config.Environment{Name: "dvlp"}}
	for got, want := range map[string]string{
		planCommand(stack, "0123abc", "/m", "", false, "plans"): "penstock service-iac plan --env dvlp --provider-mirror /m --out plans",
		stack.command("unlock", "", ""):                         "penstock service-iac unlock --env dvlp",
		recoverHint(stack, "/m", "it says so"):                  "run penstock service-iac recover --env dvlp --provider-mirror /m: it says so",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
