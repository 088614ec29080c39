package service

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines/config"
)

// A state has a key that no other service, stack or environment has.
func TestWhereStateIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		kind, argument, said, want string // "" is refused
	}{
		"nothing said":       {"", "path", "", "/repo/.penstock/state/{env}/{unit}/terraform.tfstate"},
		"s3":                 {"s3", "key", "", "{env}/{unit}/terraform.tfstate"},
		"azurerm":            {"azurerm", "key", "", "{env}/{unit}/terraform.tfstate"},
		"gcs":                {"gcs", "prefix", "", "{env}/{unit}"},
		"local":              {"local", "path", "states/{env}/{unit}.tfstate", "/repo/states/{env}/{unit}.tfstate"},
		"local elsewhere":    {"local", "path", "/var/{env}/{unit}.tfstate", "/var/{env}/{unit}.tfstate"},
		"a key of its own":   {"s3", "key", "team/pprd/{unit}/state", "team/pprd/{unit}/state"},
		"http":               {"http", "address", "https://state.example.com/{env}/{unit}", "https://state.example.com/{env}/{unit}"},
		"no stack":           {"s3", "key", "{env}/orders/terraform.tfstate", ""},
		"no environment":     {"s3", "key", "{unit}/terraform.tfstate", ""},
		"as part of a name":  {"s3", "key", "x{env}x/{unit}", ""},
		"nothing at http":    {"http", "address", "https://state.example.com/orders", ""},
		"other than the key": {"s3", "bucket", "{env}/{unit}", "{env}/{unit}"},
	} {
		t.Run(name, func(t *testing.T) {
			e := config.Environment{Name: "pprd", Backend: config.Backend{Type: test.kind, Config: map[string]any{}}}
			if test.said != "" {
				e.Backend.Config[test.argument] = test.said
			}
			b, err := backend("/repo", "orders", e)
			var known *config.Error
			if test.want == "" {
				if !errors.As(err, &known) || !strings.Contains(known.Cause.Hint, "{env}/{unit}") {
					t.Fatalf("got %+v, %v", b, err)
				}
				return
			}
			if err != nil || b.Config[test.argument] != test.want {
				t.Errorf("got %+v, %v", b, err)
			}
			if name == "other than the key" && b.Config["key"] != "{env}/{unit}/terraform.tfstate" {
				t.Errorf("the key is %v", b.Config["key"])
			}
		})
	}
}

// What may run and by which rules a plan is judged is the bundle's; who may what is the service's.
func TestWhoseWordCounts(t *testing.T) {
	own, err := config.Read(config.File, []byte(`version: 1
compliance:
  rules: {sqs-encrypted: {enabled: false}}
  settings: {allowed_ports: [22]}
  waivers: [{rule: a, unit: "orders/*", owner: o, reason: r, expires: 2999-01-31}]
live:
  environments: [{name: dvlp, gates: false, roles: {plan: arn:p}}, {name: pprd}]
  allow: {providers: ["evil.example.com/*/*"], provisioners: [local-exec]}
  stateful: [own]
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := bundleConfig(fstest.MapFS{config.File: {Data: []byte("version: 1\nlive: {allow: {providers: ['registry.terraform.io/hashicorp/aws']}, stateful: [theirs]}\ncompliance: {policies: [rules]}\n")}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := liveConfig("/repo", "orders", own, rules, "dvlp")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Live.Allow.Providers, []string{"registry.terraform.io/hashicorp/aws"}) || len(c.Live.Allow.Provisioners) > 0 {
		t.Errorf("the service allows itself %+v", c.Live.Allow)
	}
	if len(c.Compliance.Rules) > 0 || len(c.Compliance.Settings.AllowedPorts) > 0 || len(c.Compliance.Waivers) != 1 || !slices.Equal(c.Compliance.Policies, []string{"orders/rules"}) {
		t.Errorf("it is judged by %+v", c.Compliance)
	}
	if len(c.Live.Environments) != 1 || c.Live.Environments[0].Gated() || c.Live.Environments[0].Roles.Plan != "arn:p" || !slices.Equal(c.Live.Stateful, []string{"theirs", "own"}) {
		t.Errorf("it is applied by %+v", c.Live)
	}
	for _, text := range []string{"version: 1\nlive: {signers: {x: 'ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='}}\n", "version: 1\nlive: {environments: [{name: a}]}\n", "version: 1\nservice: {name: orders, owner: o}\n"} {
		if _, err := bundleConfig(fstest.MapFS{config.File: {Data: []byte(text)}}); err == nil || !strings.Contains(err.Error(), "bundle:terraform/penstock.yaml: it says what is the service's to say") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := bundleConfig(fstest.MapFS{}); err != nil {
		t.Errorf("a bundle without one: %v", err)
	}
}
