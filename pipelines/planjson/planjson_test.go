package planjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/planjson"
)

const small = `{"format_version":"1.2","terraform_version":"1.11.4",` +
	`"variables":{"v":{"value":"x"}},"planned_values":{"root_module":{"resources":[{"address":"a.b","values":{"deep":[[[{"a":[1]}]]]}}]}},` +
	`"resource_drift":[{"address":"a.d","change":{"actions":["update"]}}],` +
	`"resource_changes":[{"address":"a.b","mode":"managed","type":"a","name":"b","provider_name":"p","change":{"actions":["update"],"before":{"n":1.10},"after":{"n":2}}},{"address":"a.c","mode":"managed","type":"a","name":"c","change":{"actions":["no-op"],"before":{},"after":{}}}],` +
	`"output_changes":{"o":{"actions":["create"],"before":null,"after":"z"}},` +
	`"prior_state":{"format_version":"1.0","values":{"outputs":{},"root_module":{"resources":[{"address":"a.b","mode":"managed","provider_name":"p","values":{}}],` +
	`"child_modules":[{"address":"module.m","resources":[{"address":"module.m.data.x.y","mode":"data","provider_name":"q","values":{"r":"looked"}}]}]}}},` +
	`"configuration":{"provider_config":{"p":{"name":"p","expressions":{"region":{"constant_value":"eu"}}}},"root_module":{"outputs":{"o":{"sensitive":true,"expression":{}}},` +
	`"resources":[{"address":"a.b","mode":"managed","type":"a","name":"b","expressions":{"n":{"constant_value":2}}}],"variables":{"v":{"default":"x"}},` +
	`"module_calls":{"m":{"source":"./m","expressions":{"s":{"constant_value":"t"}},"module":{"resources":[{"address":"data.x.y","mode":"data","type":"x","name":"y"}],"variables":{"s":{"sensitive":true}},` +
	`"module_calls":{"n":{"module":{"variables":{"u":{}}}}}}}}}},` +
	`"relevant_attributes":[{"resource":"a.b","attribute":["n"]}],"checks":[],"timestamp":"2026-01-01T00:00:00Z","applyable":true,"complete":true,"errored":false}`

// heard lists what a visitor hears of a plan.
func heard(t *testing.T, plan io.Reader) ([]string, planjson.Header, error) {
	t.Helper()
	var list []string
	say := func(format string, args ...any) error {
		list = append(list, fmt.Sprintf(format, args...))
		return nil
	}
	v := planjson.Visitor{
		Change: func(r *tfjson.ResourceChange) error {
			return say("change %s %v %v", r.Address, r.Change.Actions, r.Change.Before)
		},
		Drift:    func(r *tfjson.ResourceChange) error { return say("drift %s", r.Address) },
		Output:   func(name string, c *tfjson.Change) error { return say("output %s %v", name, c.After) },
		Variable: func(name string, v *tfjson.PlanVariable) error { return say("variable %s %v", name, v.Value) },
		Prior:    func(address, provider string) error { return say("prior %s %s", address, provider) },
		Data:     func(r *tfjson.StateResource) error { return say("data %s %v", r.Address, r.AttributeValues) },
		Config: planjson.ConfigVisitor{
			Resource: func(module string, r *tfjson.ConfigResource) error { return say("config %q %s", module, r.Address) },
			Variable: func(module, name string, v *tfjson.ConfigVariable) error {
				return say("config variable %q %s %t", module, name, v.Sensitive)
			},
			Output: func(module, name string, o *tfjson.ConfigOutput) error {
				return say("config output %q %s %t", module, name, o.Sensitive)
			},
			Call: func(module, name string, a map[string]*tfjson.Expression) error {
				return say("call %q %s %v", module, name, a["s"].ConstantValue)
			},
			Provider: func(p *tfjson.ProviderConfig) error { return say("provider %s", p.Name) },
		},
	}
	h, err := planjson.Walk(plan, v)
	slices.Sort(list)
	return list, h, err
}

func TestWalkTellsOfEveryPart(t *testing.T) {
	got, h, err := heard(t, strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`call "" m t`, `change a.b [update] map[n:1.10]`, `change a.c [no-op] map[]`, `config "" a.b`, `config "module.m" data.x.y`, `config output "" o true`,
		`config variable "" v false`, `config variable "module.m" s true`, `config variable "module.m.module.n" u false`, `data module.m.data.x.y map[r:looked]`, `drift a.d`,
		`output o z`, `prior a.b p`, `prior module.m.data.x.y q`, `provider p`, `variable v x`}
	if !slices.Equal(got, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h.FormatVersion != "1.2" || h.TerraformVersion != "1.11.4" || h.Applyable == nil || !*h.Applyable || !*h.Complete || h.Unread != nil {
		t.Errorf("the header is %+v", h)
	}
	var document any // the members in another order: sorted
	if err := json.Unmarshal([]byte(strings.ReplaceAll(small, "1.10", "1.1")), &document); err != nil {
		t.Fatal(err)
	}
	sorted, _ := json.MarshalIndent(document, "", " ")
	again, _, err := heard(t, bytes.NewReader(sorted))
	if err != nil || !slices.Equal(again[4:], want[4:]) {
		t.Errorf("sorted, it is another plan: %v %v", err, again)
	}
}

// Whatever prefix of a plan is read, it is refused.
func TestEveryTruncationIsRefused(t *testing.T) {
	for n := range len(small) {
		if _, _, err := heard(t, strings.NewReader(small[:n])); err == nil {
			t.Fatalf("a plan cut at byte %d of %d is read", n, len(small))
		}
	}
	t.Logf("%d truncations refused", len(small))
}

func TestWhatIsNoWholePlanIsRefused(t *testing.T) {
	const ok = `"format_version":"1.2","resource_changes":[]`
	deep := strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)
	for _, c := range []struct{ plan, want string }{
		{"", "empty or truncated"}, {"null", ""}, {"[]", "has to be"}, {`"x"`, "has to be"}, {"{}", "no format_version"}, {small + "x", "not JSON|follows"},
		{small + small, "follows the plan"}, {small + "\n{}", "follows the plan"}, {"\x00" + small, "not JSON"},
		{`{"format_version":"2.0","resource_changes":[]}`, `"2.0"`}, {`{"format_version":"0.1","resource_changes":[]}`, `"0.1"`}, {`{"format_version":1,"resource_changes":[]}`, "wrong type"},
		{`{` + ok + `,"errored":true}`, "ended with errors"}, {`{` + ok + `,"errored":"yes"}`, "wrong type"},
		{`{"format_version":"1.2"}`, "neither resource_changes nor"}, {`{"format_version":"1.0","values":{}}`, "neither"},
		{`{"format_version":"1.2","planned_values":{}}`, "nor a configuration"}, {`{"format_version":"1.2","planned_values":{},"applyable":true}`, "can be applied"},
		{`{` + ok + `,"resource_changes":[]}`, "twice"}, {`{"format_version":"1.2","resource_changes":{}}`, "has to be"}, {`{"format_version":"1.2","resource_changes":[1]}`, "wrong type"},
		{`{` + ok + `,"planned_values":` + deep + `}`, "nested"}, {`{"format_version":"1.2","resource_changes":[{"change":{"before":` + deep + `}}]}`, "nested"},
		{`{` + ok + `,"prior_state":{"values":{"root_module":` + strings.Repeat(`{"child_modules":[`, 300) + strings.Repeat("]}", 300) + `}}}`, "nested"},
		{`{` + ok + `,"new":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, "nested"},
		{`{` + ok + `,"new":"` + strings.Repeat("x", 17<<20) + `"}`, "larger than"},
	} {
		_, _, err := heard(t, strings.NewReader(c.plan))
		var known *pipelines.Error
		if !errors.As(err, &known) || known.Hint == "" {
			t.Errorf("%.60q: %v", c.plan, err)
			continue
		}
		if !slices.ContainsFunc(strings.Split(c.want, "|"), func(want string) bool { return strings.Contains(err.Error(), want) }) {
			t.Errorf("%.60q: %v, want %q", c.plan, err, c.want)
		}
	}
}

// Rightly without resource_changes: nothing to do, or only outputs.
func TestAPlanWithoutResourcesIsAPlan(t *testing.T) {
	for _, plan := range []string{
		`{"format_version":"1.2","planned_values":{"root_module":{}},"configuration":{},"applyable":false,"complete":true,"errored":false}`,
		`{"format_version":"1.2","planned_values":{},"output_changes":{"o":{"actions":["create"]}},"applyable":true}`,
		`{"format_version":"1.2","planned_values":{},"configuration":{}}`, // OpenTofu does not say whether it can be applied
	} {
		if _, _, err := heard(t, strings.NewReader(plan)); err != nil {
			t.Errorf("%s: %v", plan, err)
		}
	}
}

func TestUnknownPartsAreSaid(t *testing.T) {
	_, h, err := heard(t, strings.NewReader(`{"format_version":"1.9","resource_changes":[],"surprises":[{"a":1}]}`))
	if err != nil || !slices.Equal(h.Unread, []string{"surprises"}) {
		t.Errorf("%v %v", h, err)
	}
}

func TestAVisitorEndsTheWalk(t *testing.T) {
	stop := errors.New("stop")
	_, err := planjson.Walk(strings.NewReader(small), planjson.Visitor{Change: func(*tfjson.ResourceChange) error { return stop }})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
}

// Tee tells each visitor of everything that it would hear alone.
func TestTee(t *testing.T) {
	counts := [2]int{}
	visitor := func(i int) planjson.Visitor {
		return planjson.Visitor{Change: func(*tfjson.ResourceChange) error { counts[i]++; return nil },
			Config: planjson.ConfigVisitor{Call: func(string, string, map[string]*tfjson.Expression) error { counts[i] += 10; return nil }}}
	}
	if _, err := planjson.Walk(strings.NewReader(small), planjson.Tee(visitor(0), planjson.Visitor{}, visitor(1))); err != nil || counts != [2]int{12, 12} {
		t.Error(counts, err)
	}
}

// What Terraform and OpenTofu really write is read.
func TestRealPlans(t *testing.T) {
	home, _ := os.UserHomeDir()
	programs := map[string]string{"terraform": "terraform", "tofu": "tofu"}
	if _, err := exec.LookPath("tofu"); err != nil {
		programs["tofu"] = filepath.Join(home, ".cache", "penstock", "bin", "tofu")
	}
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("NOT RUN: %s is not here: %v", name, err)
			}
			for _, c := range []struct {
				code, want string
			}{
				{`resource "terraform_data" "a" { input = "x" }`, "change terraform_data.a [create] <nil>"},
				{`output "o" { value = "x" }`, "output o x"},
				{``, ""},
			} {
				plan := realPlan(t, program, c.code)
				got, h, err := heard(t, bytes.NewReader(plan))
				if err != nil {
					t.Fatalf("%s: %v\n%s", c.code, err, plan)
				}
				if c.want != "" && !slices.Contains(got, c.want) || h.TerraformVersion == "" || len(h.Unread) > 0 {
					t.Errorf("%s: %+v heard %q", c.code, h, got)
				}
			}
		})
	}
}

func realPlan(t *testing.T, program, code string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(t.TempDir(), "settings.tfrc")
	if err := os.WriteFile(settings, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		command := exec.CommandContext(t.Context(), program, args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1")
		var errs bytes.Buffer
		command.Stderr = &errs
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s%s", program, args, err, out, errs.String())
		}
		return out
	}
	run("init", "-input=false", "-no-color")
	run("plan", "-input=false", "-no-color", "-out=plan.tfplan")
	return run("show", "-json", "plan.tfplan")
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(small[:700]))
	f.Add([]byte(`{"format_version":"1.2","resource_changes":[null,{"change":null}],"output_changes":{"o":null}}`))
	f.Fuzz(func(t *testing.T, plan []byte) {
		_, err := planjson.Walk(bytes.NewReader(plan), planjson.Visitor{Change: func(*tfjson.ResourceChange) error { return nil },
			Output: func(string, *tfjson.Change) error { return nil }, Data: func(*tfjson.StateResource) error { return nil },
			Config: planjson.ConfigVisitor{Resource: func(string, *tfjson.ConfigResource) error { return nil }, Call: func(string, string, map[string]*tfjson.Expression) error { return nil }}})
		if err == nil && !json.Valid(plan) {
			t.Error("what is not JSON is read as a plan")
		}
	})
}
