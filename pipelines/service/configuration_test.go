package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

const ordersYAML = `version: 1
live:
  environments: [{name: dvlp, gates: false}, {name: pprd}]
service:
  name: orders
  owner: team-shop
  environments:
    - name: dvlp
      account: "111111111111"
      region: eu-west-1
    - {name: pprd, account: "222222222222", region: eu-central-1, boundary: "arn:aws:iam::222222222222:policy/b"}
`

// configured is what the files of values come to with the bundle of the tests.
func configured(t *testing.T, environment string, files map[string]string) (*Configuration, error) {
	t.Helper()
	fsys := fstest.MapFS{config.File: {Data: []byte(ordersYAML)}}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	c, err := config.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return Configure(fsys, os.DirFS("testdata/bundle/terraform"), *c.Service, environment)
}

func TestEffectiveValuesAndWhoSetThem(t *testing.T) {
	c, err := configured(t, "pprd", map[string]string{
		"service.tfvars": `sqs_queues = {
  orders = {
    access = ["consume"]
    fifo   = true
  }
  "old.mail" = {}
  gone = { fifo = true }
}
tags = { squad = "shop", "1" = "one" }
`,
		"pprd-iac.tfvars": "\ufeff# more of it in pprd\r\nsqs_queues = {\r\n  orders = { retention = 3600 }\r\n  gone = null\r\n}\r\ntags = { squad = null }\r\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, s := range c.Settings {
		got.WriteString(s.Name + " = " + string(s.Value) + " " + s.Source.Path + ":" + strconv.Itoa(s.Source.Line) + " " + strings.Join(s.Stacks, ",") + "\n")
	}
	want := `account = "222222222222" penstock.yaml:11 service-iac
boundary = "arn:aws:iam::222222222222:policy/b" penstock.yaml:11 service-iam
engine = "16.10" bundle:terraform/service-iac/variables.tf:22 service-iac
environment = "pprd" penstock.yaml:11 service-iam,service-iac
region = "eu-central-1" penstock.yaml:11 service-iac
service = "orders" penstock.yaml:5 service-iam,service-iac
sqs_queues.orders.access = ["consume"] service.tfvars:3 service-iam,service-iac
sqs_queues.orders.alarms = [] bundle:terraform/service-iac/variables.tf:27 service-iac
sqs_queues.orders.fifo = true service.tfvars:4 service-iac
sqs_queues.orders.retention = 3600 pprd-iac.tfvars:3 service-iac
sqs_queues["old.mail"].access = [] bundle:terraform/service-iam/main.tf:15 service-iam,service-iac
sqs_queues["old.mail"].alarms = [] bundle:terraform/service-iac/variables.tf:27 service-iac
sqs_queues["old.mail"].fifo = false bundle:terraform/service-iac/variables.tf:27 service-iac
sqs_queues["old.mail"].retention = 60 bundle:terraform/service-iac/variables.tf:27 service-iac
tags["1"] = "one" service.tfvars:9 service-iac
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// What one stack does not read does not change its values: a role is not planned
// again for the size of a queue.
func TestValuesOfAStackAreItsOwn(t *testing.T) {
	small, err := configured(t, "dvlp", map[string]string{"service.tfvars": "sqs_queues = { b = {}, a = {} }\n"})
	if err != nil {
		t.Fatal(err)
	}
	large, err := configured(t, "dvlp", map[string]string{"service.tfvars": "sqs_queues = { a = {} }\n", "dvlp-iac.tfvars": "sqs_queues = { b = { retention = 9 } }\n"})
	if err != nil {
		t.Fatal(err)
	}
	text := func(c *Configuration, stack string) string {
		content, err := c.Tfvars(stack)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if text(small, IAM) != text(large, IAM) {
		t.Errorf("the role reads what is the infrastructure's:\n%s\n%s", text(small, IAM), text(large, IAM))
	}
	if text(small, IaC) == text(large, IaC) || !strings.Contains(text(large, IaC), `"retention": 9`) {
		t.Errorf("the infrastructure does not read its own:\n%s", text(large, IaC))
	}
	want := "{\n  \"boundary\": null,\n  \"environment\": \"dvlp\",\n  \"service\": \"orders\",\n  \"sqs_queues\": {\n    \"a\": {\n      \"access\": []\n    },\n    \"b\": {\n      \"access\": []\n    }\n  }\n}\n"
	if text(small, IAM) != want {
		t.Errorf("got %s", text(small, IAM))
	}
}

func TestRefusedValues(t *testing.T) {
	for name, test := range map[string]struct{ base, over, want, hint string }{
		"misspelt":            {"sqs_queus = {}", "", `service.tfvars:1:1: there is no "sqs_queus"`, `write "sqs_queues"; allowed here: engine, sqs_queues, tags`},
		"misspelt far":        {"database = {}", "", `there is no "database"`, `allowed here: engine, sqs_queues, tags`},
		"misspelt deep":       {"sqs_queues = {\n  a = {\n    fifoo = true\n  }\n}", "", `service.tfvars:3:5: sqs_queues.a has no key "fifoo"`, `write "fifo"`},
		"misspelt in overlay": {"", "\n\nsqs_queues = { a = { acces = [] } }", `dvlp-iac.tfvars:3:22: sqs_queues.a has no key "acces"`, `write "access"`},
		"set elsewhere":       {`region = "x"`, "", "service.tfvars:1:1: region is not set here", "take it out; it is said in penstock.yaml:10"},
		"unset elsewhere":     {`boundary = "x"`, "", "boundary is not set here", "said in penstock.yaml:8"},
		"number for text":     {"engine = 16.10", "", "service.tfvars:1:1: engine is a number, allowed is text", "write it in quotes"},
		"boolean for text":    {"tags = { a = true }", "", "tags.a is true or false, allowed is text", "write it in quotes"},
		"text for number":     {`sqs_queues = { a = { retention = "60" } }`, "", "sqs_queues.a.retention is text, allowed is a number", "write it without quotes"},
		"text for boolean":    {`sqs_queues = { a = { fifo = "true" } }`, "", "sqs_queues.a.fifo is text, allowed is true or false", "write it without quotes"},
		"text for list":       {`sqs_queues = { a = { access = "consume" } }`, "", "sqs_queues.a.access is text, allowed is a list, each item text", "put it into [ ]"},
		"list for mapping":    {`sqs_queues = ["a"]`, "", "sqs_queues is a list, allowed is a mapping by name, each value a mapping with access, alarms, fifo, retention", ""},
		"mapping for text":    {`engine = {}`, "", "engine is a mapping, allowed is text", ""},
		"null in a list":      {`sqs_queues = { a = { access = [null] } }`, "", "sqs_queues.a.access[0] is null, allowed is text", "take it out"},
		"needed key":          {`sqs_queues = { a = { alarms = [{}] } }`, "", "sqs_queues.a.alarms[0] has no over, which it needs", "add over: a number"},
		"function":            {`engine = upper("a")`, "", "service.tfvars:1:10: engine is worked out", "write the value out"},
		"reference":           {`engine = var.x`, "", "engine is worked out, allowed are values", ""},
		"arithmetic":          {`sqs_queues = { a = { retention = 60 * 60 } }`, "", "service.tfvars:1:34: sqs_queues.a.retention is worked out", ""},
		"template":            {`engine = "a-${b}"`, "", "service.tfvars:1:15: engine refers to something else", "$${ stands for"},
		"template whole":      {`engine = "${b}"`, "", "engine is worked out", ""},
		"loop":                {`tags = { for k in ["a"] : k => k }`, "", "tags is worked out", ""},
		"parentheses as key":  {`tags = { (x) = "a" }`, "", "a key of tags is neither a name nor text in quotes", ""},
		"number as key":       {`tags = { 1 = "a" }`, "", "service.tfvars:1:10: a key of tags is neither a name nor text in quotes", "write it in quotes"},
		"boolean as key":      {`tags = { true = "a" }`, "", "a key of tags is neither", ""},
		"duplicate":           {"engine = \"a\"\nengine = \"b\"", "", "service.tfvars:2:1: Attribute redefined", ""},
		"duplicate deep":      {"tags = {\n  a = \"1\"\n  \"a\" = \"2\"\n}", "", "service.tfvars:3:3: tags.a is there twice, first on line 2", "take one out"},
		"block":               {"sqs_queues {\n}", "", "service.tfvars:1:1: there is a block, allowed are values", "write sqs_queues = { ... }"},
		"syntax":              {"engine = [", "", "service.tfvars:1:", ""},
		"not UTF-8":           {"engine = \"ä\"\ntags = { a = \"\xff\" }", "", "service.tfvars:2:15: it is not UTF-8", "save it as UTF-8"},
		"UTF-16":              {"\xff\xfee\x00n\x00", "", "service.tfvars:1:1: it is not UTF-8", ""},
		"huge number":         {"sqs_queues = { a = { retention = 1e999999999 } }", "", "service.tfvars:1:", ""},
		"too large":           {"# " + strings.Repeat("x", limit), "", "service.tfvars: it is over 1048576 bytes", ""},
		"too deep":            {"tags = " + strings.Repeat("[", 100_000), "", "brackets are nested more than 10000 deep", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"service.tfvars": test.base}
			if test.over != "" {
				files["dvlp-iac.tfvars"] = test.over
			}
			_, err := configured(t, "dvlp", files)
			var known *Error
			if !errors.As(err, &known) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if !strings.Contains(known.Cause.Hint, test.hint) {
				t.Errorf("the hint is %q, want %q", known.Cause.Hint, test.hint)
			}
		})
	}
}

func TestRefusedFiles(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		env   string
		want  string
		hint  string
	}{
		"no values":      {nil, "dvlp", "service.tfvars: there is no such file", "it may be empty"},
		"stray overlay":  {map[string]string{"service.tfvars": "", "pprod-iac.tfvars": ""}, "dvlp", `pprod-iac.tfvars: there is no environment "pprod"`, `write "pprd"; allowed here: dvlp, pprd`},
		"no environment": {map[string]string{"service.tfvars": ""}, "prod", `penstock.yaml:4:1: the service has no environment "prod"`, `there are "dvlp", "pprd"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := configured(t, test.env, test.files)
			var known *pipelines.Error
			if !errors.As(err, &known) || !strings.Contains(err.Error(), test.want) || !strings.Contains(known.Hint, test.hint) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := configured(t, "dvlp", map[string]string{"service.tfvars": "engine = <<-A\n  one\n  two\nA\nsqs_queues = { a = { retention = -1 } }\n"}); err != nil {
		t.Errorf("a heredoc and a negative number are values: %v", err)
	}
}

// An optional attribute without a default may be left out, beside one that has a default.
func TestOptionalAttributesWithoutADefault(t *testing.T) {
	terraform := fstest.MapFS{"service-iam/x.tf": {Data: []byte(`variable "service" {}`)}, "service-iac/x.tf": {Data: []byte(
		"variable \"buckets\" {\n  type = map(object({ days = optional(number), kept = optional(number, 90), of = optional(list(object({ by = optional(string) }))) }))\n}\n")}}
	repository := fstest.MapFS{config.File: {Data: []byte(ordersYAML)}, Values: {Data: []byte("buckets = { a = {}, b = { days = 3, of = [{}] } }")}}
	c, err := config.Load(repository)
	if err != nil {
		t.Fatal(err)
	}
	made, err := Configure(repository, terraform, *c.Service, "dvlp")
	if err != nil {
		t.Fatal(err)
	}
	got, err := made.Tfvars(IaC)
	var compact bytes.Buffer
	if err == nil {
		err = json.Compact(&compact, got)
	}
	const want = `{"buckets":{"a":{"days":null,"kept":90,"of":null},"b":{"days":3,"kept":90,"of":[{"by":null}]}}}`
	if err != nil || compact.String() != want {
		t.Errorf("got %v\n%s, want\n%s", err, compact.String(), want)
	}
}

// A bundle whose roots would read values past what is explained is refused.
func TestRefusedBundles(t *testing.T) {
	good := map[string]string{"service-iam/main.tf": `variable "service" {}`, "service-iac/main.tf": `variable "service" {}`}
	for name, test := range map[string]struct{ file, content, want string }{
		"automatic":   {"service-iac/x.auto.tfvars", "", "bundle:terraform/service-iac/x.auto.tfvars: it would count beside"},
		"of dvlp":     {"service-iac/dvlp.tfvars.json", "", "it would count beside"},
		"override":    {"service-iac/override.tf", "", "it would count beside"},
		"JSON":        {"service-iac/x.tf.json", "{}", "it would count beside"},
		"two types":   {"service-iac/x.tf", `variable "queues" { type = list(string) }`, `the variable "queues" has two types`},
		"needs more":  {"service-iac/x.tf", `variable "vpc" { type = string }`, `bundle:terraform/service-iac/x.tf:1:1: service-iac needs "vpc", and nothing sets it`},
		"broken":      {"service-iac/x.tf", `variable "vpc" {`, "bundle:terraform/service-iac/x.tf:1:"},
		"bad default": {"service-iac/x.tf", "variable \"vpc\" {\n type = number\n default = \"a\"\n}", "the default of vpc does not have its type"},
	} {
		t.Run(name, func(t *testing.T) {
			terraform := fstest.MapFS{"service-iam/x.tf": {Data: []byte(`variable "queues" { type = map(string) }`)}}
			if name != "two types" {
				delete(terraform, "service-iam/x.tf")
			}
			for file, content := range good {
				terraform[file] = &fstest.MapFile{Data: []byte(content)}
			}
			terraform[test.file] = &fstest.MapFile{Data: []byte(test.content)}
			repository := fstest.MapFS{config.File: {Data: []byte(ordersYAML)}, Values: {Data: []byte("")}}
			if name == "two types" {
				repository[Values] = &fstest.MapFile{Data: []byte("queues = {}")}
			}
			c, err := config.Load(repository)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Configure(repository, terraform, *c.Service, "dvlp"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
