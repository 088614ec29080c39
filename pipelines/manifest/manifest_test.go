package manifest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/resource"
	"github.com/penstock-dev/penstock/policies"
)

// sound is a configuration map that nothing is said of.
const sound = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  K: v\n"

func judge(t *testing.T, stream string, o Options) *Judgement {
	t.Helper()
	o.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	j, err := Judge(t.Context(), []byte(stream), o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// lines prints findings for comparison.
func lines(findings []pipelines.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s:%d %s %s %s: %s\n", f.Path, f.Line, f.Verdict, f.Rule, f.Resource, f.Message)
	}
	return b.String()
}

func TestSoundObjectsPass(t *testing.T) {
	j := judge(t, sound+"---\n# only a comment\n---\n", Options{})
	if j.Verdict != pipelines.Pass || len(j.Findings) != 0 || j.Judged["objects"] != 1 || j.Judged["versions"] != 3 {
		t.Errorf("%+v", j.Result)
	}
}

// What cannot be read in one way only is not run, and says where.
func TestUnreadable(t *testing.T) {
	object := func(data string) string { return strings.Replace(sound, "K: v", data, 1) }
	for name, c := range map[string]struct {
		stream, want string
		line         int
	}{
		"empty":              {"", "there is no object in it", 0},
		"only comments":      {"# nothing\n---\n# Source: a/b.yaml\n---\n", "there is no object in it", 0},
		"not UTF-8":          {sound + "  X: \xff\n", "is not UTF-8", 7},
		"too large":          {strings.Repeat("#", Limit+1), "over 16777216 bytes", 0},
		"a key twice":        {object("K: v\n  K: w"), `the key "K" stands there twice`, 7},
		"alias":              {object("K: &a v\n  L: *a"), "anchors and aliases", 6},
		"bomb":               {"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n", "anchors and aliases", 1},
		"merge":              {object("<<: {A: b}"), "merges and keys", 6},
		"tag":                {object("K: !!binary aGk="), "the tag", 6},
		"tag of a map":       {object("K: !own {}"), "the tag !own", 6},
		"yes":                {object("K: yes"), "is a text to some and a boolean", 6},
		"on as a key":        {object("on: v"), "is a text to some and a boolean", 6},
		"an octal number":    {object("K: 0777"), "another number", 6},
		"an underscore":      {object("K: 1_000"), "another number", 6},
		"sexagesimal":        {object("K: 12:30"), "another number", 6},
		"hexadecimal":        {object("K: 0x1F"), "another number", 6},
		"not a number":       {object("K: .nan"), "not a number that JSON has", 6},
		"a number as key":    {object("1: v"), "is not a text", 6},
		"a list as key":      {object("[a]: v"), "not texts", 6},
		"no YAML":            {object("K: {"), "it is not YAML", 0},
		"a list":             {"- a\n", "it is not an object", 1},
		"a text":             {"hello\n", "it is not an object", 1},
		"no kind":            {"apiVersion: v1\nmetadata: {name: a}\n", "no kind that is a text", 1},
		"kind is a number":   {"apiVersion: v1\nkind: 1\nmetadata: {name: a}\n", "no kind that is a text", 1},
		"no name":            {"apiVersion: v1\nkind: ConfigMap\n", "has no metadata.name", 1},
		"text on the cut":    {sound + "---foo\n", "text stands on the line", 7},
		"ends before":        {sound + "...\nkind: X\n", "helm does not see what follows", 1},
		"nested":             {object("K: " + strings.Repeat("[", 101) + strings.Repeat("]", 101)), "nested more than 100", 6},
		"nested beyond YAML": {object("K: " + strings.Repeat("[", 200_000)), "not YAML", 0},
		"in a list":          {"apiVersion: v1\nkind: List\nitems:\n- 1\n", "it is not an object", 4},
	} {
		t.Run(name, func(t *testing.T) {
			j := judge(t, c.stream, Options{})
			if j.Verdict != pipelines.NotRun {
				t.Errorf("the verdict is %q", j.Verdict)
			}
			if len(j.Findings) == 0 && c.line == 0 && strings.Contains(j.Reason, c.want) {
				return
			}
			if len(j.Findings) == 0 || !strings.Contains(j.Findings[0].Message, c.want) || c.line > 0 && j.Findings[0].Line != c.line {
				t.Errorf("got %s (%s), want %q in line %d", lines(j.Findings), j.Reason, c.want, c.line)
			}
		})
	}
}

// One broken document hides no other.
func TestTheRestIsJudgedToo(t *testing.T) {
	j := judge(t, "a: [\n---\n"+strings.Replace(sound, "\ndata", "\ndate", 1), Options{})
	if j.Verdict != pipelines.NotRun || !strings.Contains(lines(j.Findings), `the object has no field "date"`) {
		t.Errorf("%s", lines(j.Findings))
	}
}

func TestSchemas(t *testing.T) {
	for name, c := range map[string]struct {
		stream, want string
		verdict      pipelines.Verdict
	}{
		"a number for a text":  {strings.Replace(sound, "K: v", "K: 1", 1), "manifest.yaml:6 fail kubernetes-schema ConfigMap/a: data.K is of the type number, allowed is string (Kubernetes 1.34, 1.35, 1.36)\n", pipelines.Fail},
		"a field that is not":  {strings.Replace(sound, "\ndata", "\ndada", 1), "manifest.yaml:5 fail kubernetes-schema ConfigMap/a: the object has no field \"dada\" (Kubernetes 1.34, 1.35, 1.36)\n", pipelines.Fail},
		"null is absent":       {strings.Replace(sound, "data:\n  K: v", "data:\n", 1), "", pipelines.Pass},
		"null in a list":       {strings.Replace(sound, "name: a", "name: a\n  finalizers: [null]", 1), "manifest.yaml:5 fail kubernetes-schema ConfigMap/a: metadata.finalizers.0 is of the type null, allowed is string (Kubernetes 1.34, 1.35, 1.36)\n", pipelines.Fail},
		"required":             {"apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: a}\nspec: {parameters: {kind: a}}\n", "manifest.yaml:4 fail kubernetes-schema IngressClass/a: spec.parameters lacks name (Kubernetes 1.34, 1.35, 1.36)\n", pipelines.Fail},
		"a removed version":    {"apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n", "manifest.yaml:2 fail kubernetes-schema Ingress/a: there is no extensions/v1beta1/Ingress in Kubernetes 1.34, 1.35, 1.36\n", pipelines.Fail},
		"a misspelt kind":      {"apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: a}\n", "manifest.yaml:2 fail kubernetes-schema Deploymnet/a: there is no apps/v1/Deploymnet in Kubernetes 1.34, 1.35, 1.36\n", pipelines.Fail},
		"of one version only":  {"apiVersion: scheduling.k8s.io/v1alpha2\nkind: Workload\nmetadata: {name: a}\nspec: {podGroupTemplates: []}\n", "manifest.yaml:2 fail kubernetes-schema Workload/a: there is no scheduling.k8s.io/v1alpha2/Workload in Kubernetes 1.34, 1.35\n", pipelines.Fail},
		"an unknown kind":      {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n", "manifest.yaml:2 unknown kubernetes-kind Thing/a: the kind example.com/v1/Thing is not known, so it is not judged\n", pipelines.Unknown},
		"a secret in no words": {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {K: hunter2!}\n", "data.K is not of the format byte", pipelines.Fail},
		"twice":                {sound + "---\n" + strings.Replace(sound, "name: a", "name: a\n  namespace: default", 1), "manifest.yaml:9 fail kubernetes-schema ConfigMap/default/a: the object is there twice: one replaces the other\n", pipelines.Fail},
		"in a list":            {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data: {K: 1}\n", "manifest.yaml:7 fail kubernetes-schema ConfigMap/a: data.K is of the type number, allowed is string (Kubernetes 1.34, 1.35, 1.36)\n", pipelines.Fail},
		"from a template":      {"---\n# Source: c/templates/a.yaml\n" + strings.Replace(sound, "K: v", "K: 1", 1), "c/templates/a.yaml:0 fail kubernetes-schema ConfigMap/a: data.K is of the type number, allowed is string (Kubernetes 1.34, 1.35, 1.36) (line 8 of manifest.yaml)\n", pipelines.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			j := judge(t, c.stream, Options{})
			got := lines(j.Findings)
			if j.Verdict != c.verdict || got != c.want && (c.want == "" || !strings.Contains(got, c.want)) || strings.Contains(got, "hunter2") {
				t.Errorf("%s\n got %s want %s", j.Verdict, got, c.want)
			}
		})
	}
}

// A schema that is given makes a kind known, and it is strict.
func TestFurtherSchemas(t *testing.T) {
	thing := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
	schemas := map[string][]byte{"example.com/v1/Thing": []byte(`{"type":"object","additionalProperties":false,"properties":{"apiVersion":{},"kind":{},
		"metadata":{"$ref":"kubernetes.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}}}`)}
	if j := judge(t, thing, Options{Schemas: schemas}); j.Verdict != pipelines.Pass || len(j.Findings) > 0 {
		t.Errorf("%s %s", j.Verdict, lines(j.Findings))
	}
	if j := judge(t, thing+"spec: {}\n", Options{Schemas: schemas}); j.Verdict != pipelines.Fail {
		t.Errorf("%s %s", j.Verdict, lines(j.Findings))
	}
	for name, o := range map[string]Options{
		"no schema":         {Schemas: map[string][]byte{"a/v1/B": []byte("{")}},
		"refers elsewhere":  {Schemas: map[string][]byte{"a/v1/B": []byte(`{"$ref":"https://example.com/x.json"}`)}},
		"a version unknown": {Versions: []string{"1.12"}},
	} {
		if j, err := Judge(t.Context(), []byte(sound), o); err == nil {
			t.Errorf("%s: %+v", name, j.Result)
		}
	}
}

// Waivers and switches of penstock.yaml hold here as they do for resources.
func TestWaivers(t *testing.T) {
	thing := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
	configure := func(text string) *config.Config {
		c, err := config.Read("penstock.yaml", []byte("version: 1\ncompliance:\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	waiver := func(rule, resource, expires string) string {
		return fmt.Sprintf("  waivers:\n  - {rule: %s, resource: %q, owner: o, reason: r, expires: %q}\n", rule, resource, expires)
	}
	for name, c := range map[string]struct {
		config  string
		verdict pipelines.Verdict
		notices int
	}{
		"waived":                             {waiver("kubernetes-kind", "Thing/*", "2026-12-31"), pipelines.Waived, 0},
		"ends soon":                          {waiver("kubernetes-kind", "Thing/*", "2026-01-02"), pipelines.Waived, 1},
		"expired":                            {waiver("kubernetes-kind", "Thing/*", "2025-12-31"), pipelines.Unknown, 0},
		"of another":                         {waiver("kubernetes-kind", "Other/*", "2026-12-31"), pipelines.Unknown, 1},
		"of another rule, which is not ours": {waiver("s3-encrypted", "*", "2026-12-31"), pipelines.Unknown, 0},
		"let pass":                           {"  rules: {kubernetes-kind: {unknown: pass}}\n", pipelines.Pass, 0},
	} {
		j := judge(t, thing, Options{Config: configure(c.config)})
		if j.Verdict != c.verdict || len(j.Notices) != c.notices {
			t.Errorf("%s: %s, %v", name, j.Verdict, j.Notices)
		}
	}
	broken := judge(t, "a: [\n", Options{Config: configure(waiver(YAMLRule, "*", "2026-12-31"))})
	if broken.Verdict != pipelines.NotRun {
		t.Errorf("what cannot be read was waived: %s", broken.Verdict)
	}
}

// A rule on an object that is not of its kind's form is not decided: it must not
// pass for want of what it looks for, nor end with an error.
func TestShapeless(t *testing.T) {
	for name, stream := range map[string]string{
		"a text for containers": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: hello}\n",
		"a list for a context":  "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {securityContext: [], containers: [{name: a}]}\n",
		"of another kind":       "apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: a}\nspec: {template: {spec: {containers: {a: b}}}}\n",
		"no pod":                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {selector: {}, template: {}}\n",
	} {
		j := judge(t, stream, Options{Schemas: map[string][]byte{"example.com/v1/Rollout": []byte("{}")}})
		unknown := 0
		for _, f := range j.Findings {
			if f.Verdict == pipelines.Unknown {
				unknown++
			}
			if strings.HasPrefix(f.Rule, "container-") && f.Verdict != pipelines.Unknown {
				t.Errorf("%s: %s is %s", name, f.Rule, f.Verdict)
			}
		}
		if unknown < 11 {
			t.Errorf("%s: %d rules are not decided:\n%s", name, unknown, lines(j.Findings))
		}
	}
}

// The pod of a kind that is not of Kubernetes is judged too.
func TestPodsOfOtherKinds(t *testing.T) {
	j := judge(t, "apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n", Options{})
	if !strings.Contains(lines(j.Findings), "manifest.yaml:4 fail image-by-digest Rollout/a: the image is not named by digest\n") {
		t.Error(lines(j.Findings))
	}
}

// Each field that a rule reads, made unknown, keeps the rule from passing.
func TestUnknownFieldsDoNotPass(t *testing.T) {
	rules, err := compliance.Load(t.Context(), compliance.Source{Name: "policies", FS: policies.Kubernetes})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, rule := range rules {
		for typ, paths := range rule.Resources {
			for _, at := range paths {
				first, _, _ := strings.Cut(at, ".")
				values := map[string]any{"namespace": "a", first: map[string]any{resource.UnknownMarker: map[string]any{"message": "it is not known"}}}
				d := &resource.Document{Resources: []resource.Resource{{Address: "a", Type: typ, Mode: "managed", Values: values}}}
				decisions, err := compliance.Decide(t.Context(), []*compliance.Rule{rule}, d, nil, time.Minute)
				if err != nil || len(decisions) != 1 || decisions[0].Verdict != pipelines.Unknown {
					t.Errorf("%s: %s unknown is %v (%v)", rule.ID, at, decisions, err)
				}
				checked++
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d fields were made unknown", checked)
	}
}
