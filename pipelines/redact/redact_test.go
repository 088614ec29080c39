package redact_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines/planjson/plangen"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func real(t *testing.T) ([]byte, redact.Literals) {
	t.Helper()
	plan, err := os.ReadFile("testdata/real/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	literals, err := redact.ReadLiterals(os.DirFS("testdata/real"), []string{"main.tf", "child/main.tf"})
	if err != nil {
		t.Fatal(err)
	}
	return plan, literals
}

// A plan that Terraform 1.11.4 made of testdata/real, with every kind of change.
func TestSummaryOfARealPlan(t *testing.T) {
	plan, literals := real(t)
	s, a, err := redact.Review(bytes.NewReader(plan), redact.Options{Literals: literals})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(struct {
		Summary redact.Summary
		Risk    risk.Assessment
	}{s, a}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/real/summary.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the summary differs from %s (%v): go test -update\n%s", golden, err, got)
	}
	for _, secret := range []string{"correct-horse-staple", "acct-5512345", "acct-9918273", "katydid"} {
		if strings.Contains(string(plan), secret) && strings.Contains(string(got), secret) {
			t.Errorf("it shows %q", secret)
		}
	}
}

// show is the one attribute of a plan with one resource.
func show(t *testing.T, o redact.Options, attribute, value, sensitive, rest string) string {
	t.Helper()
	plan := `{"format_version":"1.2"` + rest + `,"resource_changes":[{"address":"a.x","mode":"managed","type":"a","name":"x","change":{"actions":["create"],"before":null,` +
		`"after":{"` + attribute + `":` + value + `},"after_sensitive":` + sensitive + `}}]}`
	s, err := redact.Summarise(strings.NewReader(plan), o)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, a := range s.Root.Changes[0].Attributes {
		if a.After != nil {
			list = append(list, a.Path+"="+string(a.After.Shown)+string(a.After.Masked))
		}
	}
	return strings.Join(list, " ")
}

func literals(t *testing.T, code string) redact.Literals {
	t.Helper()
	l, err := redact.ReadLiterals(fstest.MapFS{"x.tf": {Data: []byte(code)}}, []string{"x.tf"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatIsShown(t *testing.T) {
	code := literals(t, `locals {
  a = "orders"
  b = "${var.env}-orders-db"
  c = "dvlp"
  k = "ab1cd"
  user_data = "#!/bin/sh"
  d = "password=hunter22"
  m = { team-name = 1 }
}
variable "token" { default = "tok-from-code" }
variable "hidden" {
  sensitive = true
  default   = "hid-from-code"
}
output "o" { value = sensitive("wrapped-secret") }`)
	sensitive := `,"resource_drift":[{"address":"a.y","change":{"actions":["update"],"before":{"v":"s3cretvalue","n":48151},"before_sensitive":{"v":true,"n":true}}}]`
	looked := `,"prior_state":{"values":{"root_module":{"resources":[{"address":"data.d.x","mode":"data","values":{"r":"orders","n":"123456789012"}}]}}}`
	for _, c := range []struct{ attribute, value, marks, rest, want string }{
		{"name", `"orders"`, `{}`, "", `name="orders"`},
		{"name", `"computed-9f"`, `{}`, "", `name=not_in_code`},
		{"name", `"dvlp-orders-db"`, `{}`, "", `name="dvlp-orders-db"`},
		{"name", `"dvlp-orders-7"`, `{}`, "", `name="dvlp-orders-7"`},
		{"name", `"dvlp-orders-4815162342"`, `{}`, "", `name=not_in_code`},
		{"name", `"ENABLED"`, `{}`, "", `name="ENABLED"`},
		{"size", `30`, `{}`, "", `size=30`},
		{"enabled", `false`, `{}`, "", `enabled=false`},
		{"name", `"orders"`, `{"name":true}`, "", `name=sensitive`},
		{"size", `30`, `{"size":true}`, "", `size=sensitive`},
		{"password", `"orders"`, `{}`, "", `password=sensitive`},
		{"pin", `48151`, `{}`, sensitive, `pin=sensitive`},
		{"password_length", `12`, `{}`, "", `password_length=12`},
		{"name", `"orders"`, `{}`, looked, `name=looked_up`},
		{"name", `"dvlp-orders-db"`, `{}`, looked, `name=not_in_code`}, // part of it came from elsewhere, or may have
		{"account", `123456789012`, `{}`, looked, `account=looked_up`},
		{"user_data", `"#!/bin/sh"`, `{}`, "", `user_data=not_in_code`},
		{"text", `"password=hunter22"`, `{}`, "", `text=sensitive`},
		{"auth_token", `{"kind":"orders","size":1}`, `{}`, "", `auth_token.kind=sensitive auth_token.size=sensitive`},
		{"env", `[{"name":"DB_PASSWORD","value":"orders"},{"name":"orders","value":"dvlp"}]`, `{}`, "", `env[0].name=not_in_code env[0].value=sensitive env[1].name=sensitive env[1].value="dvlp"`},
		{"text", `"ab1cd"`, `{}`, "", `text="ab1cd"`},
		{"text", `"ab1cd"`, `{}`, strings.Replace(sensitive, "s3cretvalue", `{\"k\":\"ab1cd\"}`, 1), `text=sensitive`},
		{"text", `"tok-from-code"`, `{}`, "", `text=sensitive`},
		{"text", `"hid-from-code"`, `{}`, "", `text=sensitive`},
		{"text", `"wrapped-secret"`, `{}`, "", `text=sensitive`},
		{"text", `"` + strings.Repeat("orders-", 60) + `"`, `{}`, "", `text=too_long`},
		{"text", `"two\nlines"`, `{}`, "", `text=too_long`},
		{"json", `"{\"team-name\":\"orders\",\"x9qq\":\"zzz\"}"`, `{}`, "", `json.team-name="orders" json.▒1=not_in_code`},
		{"list", `["orders","other-one"]`, `[]`, "", `list[0]="orders" list[1]=not_in_code`},
	} {
		if got := show(t, redact.Options{Literals: code}, c.attribute, c.value, c.marks, c.rest); got != c.want {
			t.Errorf("%s = %.60s with %s: %s, want %s", c.attribute, c.value, c.marks, got, c.want)
		}
	}
	if got := show(t, redact.Options{Literals: code, Secrets: []string{"orders"}}, "name", `"dvlp-orders-db"`, `{}`, ""); got != "name=sensitive" {
		t.Errorf("what the caller calls secret is shown: %s", got)
	}
}

func TestLiterals(t *testing.T) {
	files := fstest.MapFS{
		"main.tf":                  {Data: []byte("variable \"open\" {}\nvariable \"closed\" {\n sensitive = true\n}\nvariable \"maybe\" {\n sensitive = local.x\n}\nlocals {\n a = \"one ${var.open} two\"\n h = <<EOT\nline\nEOT\n}\n")},
		"a.tfvars":                 {Data: []byte("open = \"open-value\"\nclosed = \"closed-value\"\nmaybe = [\"maybe-value\"]\n")},
		"b.tfvars.json":            {Data: []byte(`{"open":"open-json","closed":{"a":"closed-json"}}`)},
		"more.tf.json":             {Data: []byte(`{"variable":{"jv":[{"sensitive":true,"default":"closed-default"}],"jo":{"default":"open-default"}},"locals":{"x":"json-local"}}`)},
		"broken.tf":                {Data: []byte(`a = {`)},
		"broken.tf.json":           {Data: []byte(`{`)},
		"deep.tf":                  {Data: []byte("a = " + strings.Repeat("[", 20_000))},
		"terraform.tfvars.tf.json": {Data: []byte(`{}`)},
	}
	l, err := redact.ReadLiterals(files, []string{"a.tfvars", "b.tfvars.json", "main.tf", "more.tf.json"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"one ": true, " two": true, "one": true, "open-value": true, "open-json": true, "open-default": true, "json-local": true,
		"closed-value": false, "maybe-value": false, "closed-json": false, "closed-default": false, "one  two": false} {
		if l.Has(text) != want {
			t.Errorf("%q is a literal: %t", text, !want)
		}
	}
	if both := l.With(literals(t, `locals { q = "quite" }`)); !both.Has("quite") || !both.Has("open-value") || l.Has("quite") {
		t.Error("both have not what each has")
	}
	for _, bad := range []string{"broken.tf", "broken.tf.json", "deep.tf", "missing.tf"} {
		if _, err := redact.ReadLiterals(files, []string{bad}); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// The digest is that of what is done: order, versions, timestamps, drift and what
// stays do not count; each value does.
func TestNormalise(t *testing.T) {
	a := `{"address":"a.x","mode":"managed","type":"a","name":"x","change":{"actions":["update"],"before":{"p":"old","n":1},"after":{"p":"new","n":1},"before_sensitive":{"p":true},"after_sensitive":{"p":true}}}`
	b := `{"address":"a.y","mode":"managed","type":"a","name":"y","change":{"actions":["create"],"before":null,"after":{"z":1},"after_unknown":{"id":true}}}`
	noop := `{"address":"a.z","mode":"managed","type":"a","name":"z","change":{"actions":["no-op"],"before":{"c":1},"after":{"c":1}}}`
	plan := func(rest string, changes ...string) string {
		return `{"format_version":"1.2"` + rest + `,"resource_changes":[` + strings.Join(changes, ",") + `]}`
	}
	digest := func(text string) string {
		sum, err := redact.Normalise(strings.NewReader(text))
		if err != nil || len(sum) != 32 {
			t.Fatalf("%x %v", sum, err)
		}
		return string(sum)
	}
	want := digest(plan("", a, b))
	for name, same := range map[string]string{
		"order": plan("", b, a), "no-op": plan("", a, noop, b), "time": plan(`,"timestamp":"x","terraform_version":"2"`, a, b),
		"drift": plan(`,"resource_drift":[{"address":"a.q","change":{"actions":["update"]}}]`, a, b), "unchanged output": plan(`,"output_changes":{"o":{"actions":["no-op"],"after":1}}`, a, b),
		"keys": plan("", strings.Replace(a, `"p":"new","n":1`, `"n":1,"p":"new"`, 1), b), "why": plan("", strings.TrimSuffix(a, "}")+`,"action_reason":"replace_by_request"}`, b),
	} {
		if digest(same) != want {
			t.Errorf("%s counts", name)
		}
	}
	for name, other := range map[string]string{
		"less": plan("", a), "more": plan("", a, b, b), "address": plan("", strings.ReplaceAll(a, "a.x", "a.w"), b), "action": plan("", strings.Replace(a, "update", "delete", 1), b),
		"before": plan("", strings.Replace(a, "old", "0ld", 1), b), "after": plan("", strings.Replace(a, "new", "mew", 1), b), "unknown": plan("", a, strings.Replace(b, `"id":true`, `"arn":true`, 1)),
		"marks": plan("", strings.Replace(a, `"after_sensitive":{"p":true}`, `"after_sensitive":{}`, 1), b), "output": plan(`,"output_changes":{"o":{"actions":["update"],"after":1}}`, a, b),
		"moved": plan("", a, b, strings.Replace(noop, `"mode"`, `"previous_address":"a.old","mode"`, 1)), "deposed": plan("", strings.Replace(a, `"mode"`, `"deposed":"1","mode"`, 1), b),
		"provider": plan("", strings.Replace(a, `"mode"`, `"provider_name":"q","mode"`, 1), b), "number": plan("", strings.Replace(a, `"n":1},"after"`, `"n":2},"after"`, 1), b),
		"deferred": plan(`,"deferred_changes":[{"reason":"x"}]`, a, b), "invoked": plan(`,"action_invocations":[{"address":"x"}]`, a, b),
	} {
		if digest(other) == want {
			t.Errorf("%s does not count", name)
		}
	}
	if _, err := redact.Normalise(strings.NewReader(plan("", a)[:50])); err == nil {
		t.Error("a cut plan has a digest")
	}
	key, otherKey := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	x, err := redact.Bind([]byte(want), key)
	y, _ := redact.Bind([]byte(want), otherKey)
	if err != nil || x == y || len(x) != 64 {
		t.Errorf("%s %s %v", x, y, err)
	}
	if _, err := redact.Bind([]byte(want), key[:31]); err == nil {
		t.Error("a short key binds")
	}
}

// What a summary says of itself is a function of what it shows.
func TestChangesBindsWhatIsShown(t *testing.T) {
	plan, l := real(t)
	sum := func(plan []byte) string {
		s, err := redact.Summarise(bytes.NewReader(plan), redact.Options{Literals: l})
		if err != nil {
			t.Fatal(err)
		}
		return s.Changes
	}
	if sum(plan) != sum(plan) {
		t.Error("twice the same plan, two digests")
	}
	if sum(plan) == sum(bytes.Replace(plan, []byte("dvlp-red"), []byte("dvlp-blue"), 1)) {
		t.Error("another value is shown, and the digest is the same")
	}
	if secret := bytes.ReplaceAll(plan, []byte("correct-horse-staple"), []byte("another-secret-value")); sum(plan) != sum(secret) {
		t.Error("the public digest depends on a secret")
	}
}

func TestDiagnostics(t *testing.T) {
	l := literals(t, `resource "acme_db" "orders" { name = "orders-db" }`)
	line := func(d string) string {
		return `{"@level":"error","@message":"x","type":"diagnostic","diagnostic":` + d + "}\n"
	}
	for _, c := range []struct{ log, want string }{
		{line(`{"severity":"error","summary":"Invalid value for variable","detail":"The value \"zq9\" is not valid for \"orders-db\".","address":"acme_db.orders[\"k9\"]","range":{"filename":"main.tf","start":{"line":7}}}`),
			`main.tf:7: error: Invalid value for variable (acme_db.orders["▒"]): The value "▒" is not valid for "orders-db".`},
		{line(`{"severity":"error","summary":"creating: https://h.example/?k=zq9zq9 denied (status 403, 4815)","range":{"filename":"/home/me/x/../zq9.sh","start":{"line":1}}}`),
			`▒.tf:1: error: creating: ▒ denied (status 403, ▒)`},
		{line(`{"severity":"warning","summary":"Deprecated"}`), ""},
		{`{"@level":"info","@message":"Plan: 1 to add"}` + "\n", ""},
		{`{"@level":"error","@message":"Error: backend zq9zq9"}` + "\n", "error: Error: backend ▒"},
		{"panic: zq9zq9 zq8\n", "error: panic: ▒"},
		{"╷\n", ""},
		{line(`{"severity":"error","summary":"the zz-secret zq password"}`), "error: the ▒ password"},
	} {
		got := strings.Join(redact.Diagnostics(strings.NewReader(c.log), redact.Options{Literals: l, Secrets: []string{"zz-secret zq"}}), "\n")
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.log, got, c.want)
		}
	}
}

// What is shown of a log is bounded, and its end is the end of the log.
func TestTheDiagnosticsAreBounded(t *testing.T) {
	log := strings.Repeat("error in resource\n", 5000) + strings.Repeat("x", 3<<20) + "\n" + `{"@level":"error","@message":"the last error"}`
	got := redact.Diagnostics(strings.NewReader(log), redact.Options{})
	if len(got) != 22 || got[21] != "error: the last error" || !strings.Contains(got[0], "left out") {
		t.Errorf("%d entries: %.100q", len(got), got)
	}
}

// What the plan marks is known to the diagnostics of its apply.
func TestDiagnosticsOfAnApply(t *testing.T) {
	plan, l := real(t)
	o, err := redact.WithPlan(redact.Options{Literals: l}, bytes.NewReader(plan))
	if err != nil {
		t.Fatal(err)
	}
	got := redact.Diagnostics(strings.NewReader(`{"@level":"error","@message":"password correct-horse-staple of \"orders\""}`), o)
	if !slices.Equal(got, []string{`error: password ▒ of "▒"`}) && !slices.Equal(got, []string{`error: password ▒ of "orders"`}) {
		t.Errorf("%q", got)
	}
}

// A plan of 20 MB is summarised in bounded room, and says what it leaves out.
func TestALargePlanIsSummarised(t *testing.T) {
	var plan bytes.Buffer
	n, err := plangen.Write(&plan, 20<<20)
	if err != nil {
		t.Fatal(err)
	}
	s, err := redact.Summarise(&plan, redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Counts
	if c.Create+c.Update+c.Delete+c.NoOp != n || c.Delete == 0 || len(s.Root.Changes)+s.Omitted.Changes != c.Create+c.Update+c.Delete {
		t.Errorf("%d resources, %+v, %d shown, %+v", n, c, len(s.Root.Changes), s.Omitted)
	}
	t.Logf("%d resources: %d changes shown, %+v", n, len(s.Root.Changes), s.Omitted)
}

// Creations without number do not push a deletion out.
func TestDeletionsAreNeverOmitted(t *testing.T) {
	var changes []string
	for i := range 5_000 {
		changes = append(changes, fmt.Sprintf(`{"address":"a.x[%d]","mode":"managed","type":"a","name":"x","change":{"actions":["create"],"before":null,"after":{"n":%d}}}`, i, i))
	}
	changes = append(changes, `{"address":"a.gone","mode":"managed","type":"a","name":"gone","change":{"actions":["delete"],"before":{"n":1},"after":null}}`)
	s, err := redact.Summarise(strings.NewReader(`{"format_version":"1.2","resource_changes":[`+strings.Join(changes, ",")+`]}`), redact.Options{})
	if err != nil || s.Counts.Create != 5_000 || s.Counts.Delete != 1 {
		t.Fatal(s.Counts, err)
	}
	gone := slices.ContainsFunc(s.Root.Changes, func(c redact.Change) bool { return c.Address == "a.gone" && c.Action == "delete" })
	if !gone || s.Omitted.Changes+len(s.Root.Changes) != 5_001 || s.Omitted.Changes == 0 {
		t.Errorf("the deletion is there: %t; %d changes, %+v", gone, len(s.Root.Changes), s.Omitted)
	}
}

func FuzzSummarise(f *testing.F) {
	plan, err := os.ReadFile("testdata/real/plan.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plan)
	f.Add(generate(1).plan())
	f.Add([]byte(`{"format_version":"1.2","resource_changes":[{"address":"module.a[\"x\\\"].b.c[\"","change":{"actions":["update"],"before":{"a":[1,{"b":null}]},"after":"x","after_unknown":[true],"before_sensitive":{"a":[true]},"replace_paths":[1,["a",0]]}}]}`))
	f.Fuzz(func(t *testing.T, plan []byte) {
		s, a, err := redact.Review(bytes.NewReader(plan), redact.Options{})
		if err == nil && (s.Schema != redact.Schema || a.Level == "") {
			t.Error("neither summary nor error")
		}
	})
}

func FuzzDiagnostics(f *testing.F) {
	f.Add(generate(2).log.String(), "secret-value")
	f.Add("{\"@level\":\"error\",\"@message\":\"\\\"\\\"`'\"}\n\xff\xfe\"x", "İstanbul")
	f.Fuzz(func(t *testing.T, log, secret string) {
		got := redact.Diagnostics(strings.NewReader(log), redact.Options{Secrets: []string{secret}})
		if len(got) > 42 {
			t.Errorf("%d entries", len(got))
		}
	})
}
