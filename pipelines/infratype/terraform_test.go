package infratype

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
)

var update = flag.Bool("update", false, "rewrite the golden files, the schema and the tables of docs/infra-types.md")

// tool is a copy of the bundle's Terraform with a terraform to run in it.
type tool struct {
	dir, program string
	env          []string
}

func newTool(t *testing.T, env ...string) *tool {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skipf("SKIPPED: no terraform on PATH: %v", err)
	}
	f := &tool{dir: t.TempDir(), program: program}
	if err := os.CopyFS(f.dir, copied(t)); err != nil {
		t.Fatal(err)
	}
	f.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TF_CLI_CONFIG_FILE=" + os.DevNull, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"TF_CLI_ARGS=-no-color", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}, env...)
	return f
}

// run runs terraform in a directory of the copy and returns what it says.
func (f *tool) run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), f.program, args...)
	cmd.Dir, cmd.Env = filepath.Join(f.dir, dir), f.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	return out.String() + errs.String(), err
}

func (f *tool) must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := f.run(t, dir, args...)
	if err != nil {
		t.Fatalf("terraform %s in %s: %v\n%s", strings.Join(args, " "), dir, err, out)
	}
	return out
}

// plan plans and returns the plan, read and as JSON.
func (f *tool) plan(t *testing.T, dir string, args ...string) (*tfjson.Plan, []byte) {
	t.Helper()
	f.must(t, dir, append([]string{"plan", "-input=false", "-out=plan.tfplan"}, args...)...)
	text := []byte(f.must(t, dir, "show", "-json", "plan.tfplan"))
	var plan tfjson.Plan
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatal(err)
	}
	return &plan, text
}

func (f *tool) write(t *testing.T, name string, content any) {
	t.Helper()
	text, ok := content.(string)
	if !ok {
		encoded, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// asked is what access-policy is given for one word of one type.
type (
	asked  map[string]map[string]access
	access struct {
		Access []string `json:"access"`
	}
	variables map[string]any
)

func given(resources asked, contracts any) variables {
	return variables{"contracts": contracts, "resources": resources, "partition": "aws", "region": "eu-west-1", "account": "123456789012",
		"environment": "pprd", "service": "shop"}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: go test ./pipelines/infratype -update, then read the diff (%v); got\n%s", file, err, got)
	}
}

// indented is a policy as it stands in a golden file.
func indented(t *testing.T, policy string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(policy), "", "  "); err != nil {
		t.Fatalf("%v: %q", err, policy)
	}
	return append(b.Bytes(), '\n')
}

// Each word of each type, through terraform and without any provider.
func TestGrantsAreTheGoldenOnes(t *testing.T) {
	list := contracts(t)
	f := newTool(t)
	cases, words := map[string]asked{}, 0
	for _, c := range list {
		for word := range c.Access {
			cases[c.Type+"."+word] = asked{c.Type: {"main": access{[]string{word}}, "second": access{[]string{}}}}
			words++
		}
	}
	if words < 10 {
		t.Fatalf("only %d words", words)
	}
	cases["everything"] = asked{}
	for _, c := range list {
		a := access{[]string{}}
		for word := range c.Access {
			a.Access = append(a.Access, word)
		}
		cases["everything"][c.Type] = map[string]access{"main": a, "second": a}
	}
	if err := os.MkdirAll(filepath.Join(f.dir, "all"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.write(t, "all/cases.auto.tfvars.json", map[string]any{"cases": cases})
	f.write(t, "all/main.tf", `
variable "cases" { type = any }
locals {
  contracts = { for file in fileset("${path.module}/../modules", "*/contract.yaml") :
    yamldecode(file("${path.module}/../modules/${file}")).type => yamldecode(file("${path.module}/../modules/${file}")) }
}
module "case" {
  for_each    = toset(keys(var.cases))
  source      = "../modules/access-policy"
  contracts   = local.contracts
  resources   = { for type, resources in var.cases[each.key] : type => { for name, r in resources : name => { access = r.access } } }
  partition   = "aws"
  region      = "eu-west-1"
  account     = "123456789012"
  environment = "pprd"
  service     = "shop"
}
output "policies" { value = { for name, m in module.case : name => m.policies } }
`)
	f.must(t, "all", "init", "-input=false")
	plan, _ := f.plan(t, "all")
	all := plan.PlannedValues.Outputs["policies"].Value.(map[string]any)
	if len(all) != words+1 {
		t.Fatalf("%d cases, want %d", len(all), words+1)
	}
	for name, policies := range all {
		var b bytes.Buffer
		for _, c := range list {
			if policy, ok := policies.(map[string]any)[c.Type]; ok {
				text := indented(t, policy.(string))
				allowed(t, name, text)
				b.Write(text)
			}
		}
		if b.Len() == 0 {
			b.WriteString("nothing: the policy of the resource grants it\n")
		}
		golden(t, "testdata/policies/"+name+".json", b.Bytes())
	}
	t.Logf("%d words of %d types", words, len(list))
}

// allowed says whether a policy allows nothing but named actions on resources of
// the service, whatever the contracts are.
func allowed(t *testing.T, name string, policy []byte) {
	t.Helper()
	var document struct {
		Version   string
		Statement []struct {
			Sid, Effect      string
			Action, Resource []string
		}
	}
	if err := json.Unmarshal(policy, &document); err != nil || document.Version != "2012-10-17" || len(document.Statement) == 0 {
		t.Fatalf("%s: no policy: %v", name, err)
	}
	for _, s := range document.Statement {
		if s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 || strings.ContainsFunc(s.Sid, func(r rune) bool { return !strings.ContainsRune(alphanumeric, r) }) {
			t.Errorf("%s: an odd statement: %+v", name, s)
		}
		for _, action := range s.Action {
			if !spelled(action) {
				t.Errorf("%s: %q is no action of AWS", name, action)
			}
		}
		for _, arn := range s.Resource {
			if strings.ContainsAny(strings.TrimSuffix(arn, "/*"), "*?{}") || !strings.Contains(arn, "pprd-shop-main") && !strings.Contains(arn, "pprd-shop-second") {
				t.Errorf("%s: %q is not of the service alone", name, arn)
			}
		}
	}
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// actions are those that contracts may name, as the Service Authorization Reference
// of AWS spells them: a new one is added here by hand, from there.
var actions = map[string]string{
	"dynamodb":          "BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem DescribeTable GetItem PutItem Query Scan UpdateItem",
	"elasticfilesystem": "ClientMount ClientWrite",
	"s3":                "AbortMultipartUpload DeleteObject GetBucketLocation GetObject ListBucket ListBucketMultipartUploads ListMultipartUploadParts PutObject",
	"secretsmanager":    "DescribeSecret GetSecretValue",
	"sqs":               "ChangeMessageVisibility DeleteMessage GetQueueAttributes GetQueueUrl ReceiveMessage SendMessage",
}

func spelled(action string) bool {
	service, name, _ := strings.Cut(action, ":")
	return slices.Contains(strings.Fields(actions[service]), name)
}

func TestActionsAreSpelledAsAWSDoes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range contracts(t) {
		for word, statements := range c.Access {
			for _, s := range statements {
				for _, action := range s.Actions {
					seen[action] = true
					if !spelled(action) || strings.ContainsAny(action, "*?") {
						t.Errorf("%s, %s: %q is no action of AWS", c.Type, word, action)
					}
					service, _, _ := strings.Cut(action, ":")
					for _, arn := range s.Resources {
						if strings.Split(arn, ":")[2] != service {
							t.Errorf("%s, %s: %q is not of the service of %q", c.Type, word, arn, action)
						}
					}
				}
			}
		}
	}
	for service, names := range actions {
		for _, name := range strings.Fields(names) {
			if !seen[service+":"+name] {
				t.Errorf("%s:%s is in the list and in no contract", service, name)
			}
		}
	}
}

func TestWhatIsNotGranted(t *testing.T) {
	f := newTool(t)
	f.must(t, "modules/access-policy", "init", "-input=false")
	contract := func(action, resource string) any {
		return variables{"boxes": variables{"access": variables{"open": []any{variables{"actions": []string{action}, "resources": []string{resource}}}}}}
	}
	good, arn := "sqs:SendMessage", "arn:{partition}:sqs:{region}:{account}:{environment}-{service}-{name}"
	open := asked{"boxes": {"main": {[]string{"open"}}}}
	for name, test := range map[string]struct {
		resources asked
		contract  any
		says      string
	}{
		"nothing wrong":       {open, contract(good, arn), ""},
		"unknown word":        {asked{"boxes": {"main": {[]string{"shut"}}}}, contract(good, arn), `boxes.main: there is no access "shut", allowed are open`},
		"unknown type":        {asked{"crates": {"main": {[]string{"open"}}}}, contract(good, arn), "There is no infrastructure type crates. Types: boxes."},
		"wildcard action":     {open, contract("sqs:*", arn), "no wildcards"},
		"part of an action":   {open, contract("sqs:Get*", arn), "no wildcards"},
		"everything":          {open, contract("*", arn), "no wildcards"},
		"unknown placeholder": {open, contract(good, "arn:{partition}:sqs:{region}:{account}:{squad}"), "has a placeholder that is not one of"},
		"no ARN":              {open, contract(good, "*"), "no ARN"},
		"name with a star":    {asked{"boxes": {"*": {[]string{"open"}}}}, contract(good, arn), "becomes a part of an ARN"},
		"name that escapes":   {asked{"boxes": {"a:b": {[]string{"open"}}}}, contract(good, arn), "becomes a part of an ARN"},
	} {
		t.Run(name, func(t *testing.T) {
			f.write(t, "modules/access-policy/given.auto.tfvars.json", given(test.resources, test.contract))
			out, err := f.run(t, "modules/access-policy", "plan", "-input=false")
			plain := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
			if (err == nil) != (test.says == "") || !strings.Contains(plain, test.says) {
				t.Errorf("want %q, got %v:\n%s", test.says, err, out)
			}
		})
	}
}
