package infratype

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// judged are the decisions of the built-in rules on a plan, by rule: all of them,
// and nothing may be denied or left unknown.
func judged(t *testing.T, plan []byte, unknown ...string) map[string]int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(file, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	passed := map[string]int{}
	_, err := compliance.Compliance{Scope: pipelines.Scope{Root: filepath.Dir(file)}, Plans: []compliance.PlanOf{{File: file}},
		Decided: func(_ string, d compliance.Decision) {
			switch {
			case d.Verdict == pipelines.Pass:
				passed[d.Rule.ID]++
			case d.Verdict == pipelines.Unknown && slices.Contains(unknown, d.Rule.ID):
				passed[d.Rule.ID]++
			default:
				t.Errorf("%s: %s is %s: %v", d.Rule.ID, d.Resource.Address, d.Verdict, d.Notes)
			}
		}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return passed
}

// changed are the resources of a plan of one type.
func changed(plan *tfjson.Plan, kind string) (list []map[string]any) {
	for _, r := range plan.ResourceChanges {
		if values, ok := r.Change.After.(map[string]any); ok && r.Type == kind {
			list = append(list, values)
		}
	}
	return list
}

// Each type: its example plans with the real provider, writes the parameters of the
// contract, is what our own rules want, and its tests pass.
func TestExamplesHoldTheContract(t *testing.T) {
	c := newCloud(t)
	for _, contract := range contracts(t) {
		t.Run(contract.Type, func(t *testing.T) {
			module := path.Join(Modules, contract.Module)
			example := path.Join(module, contract.Example)
			c.must(t, example, "get")
			if out := c.must(t, example, "validate"); strings.Count(out, "Warning") > 1 { // one is of the override of the provider
				t.Errorf("terraform validate warns:\n%s", out)
			}
			plan, text := c.plan(t, example)
			want := map[string]bool{}
			for _, p := range contract.Parameters {
				want[p.Name] = true
			}
			got := map[string]bool{}
			for _, p := range changed(plan, "aws_ssm_parameter") {
				parts := strings.Split(p["name"].(string), "/")
				if len(parts) != 6 || parts[1] != "pprd" || parts[2] != "shop" || parts[3] != contract.Type || p["type"] != "String" {
					t.Errorf("the parameter %v is not /ENVIRONMENT/SERVICE/%s/NAME/PARAMETER", p["name"], contract.Type)
				}
				got[path.Base(p["name"].(string))] = true
			}
			if !maps.Equal(got, want) {
				t.Errorf("parameters: the plan writes %v, the contract says %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			passed := judged(t, text)
			for _, id := range contract.Policies {
				if passed[id] == 0 {
					t.Errorf("the rule %q judged nothing in the example", id)
				}
			}
			for _, r := range plan.ResourceChanges {
				values, _ := r.Change.After.(map[string]any)
				if tags, has := values["tags"].(map[string]any); has && tags["owner"] != "team-shop" {
					t.Errorf("%s has the tags %v", r.Address, tags)
				}
			}
			c.must(t, module, "get")
			out := c.must(t, module, "test")
			t.Logf("%d resources planned, rules that passed: %v; terraform test: %s", len(plan.ResourceChanges), passed,
				regexp.MustCompile(`Success! .*`).FindString(out))
		})
	}
}

// everything is a service with one of each type, and two grants.
func (c *cloud) everything() variables {
	soon := time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly)
	grant := variables{"service": "billing", "cidr": "10.1.2.0/24", "reason": "until it has a copy", "expires": soon}
	opened := maps.Clone(grant)
	opened["port"] = 8080
	one := func(v variables) variables { return variables{"main": v} }
	return variables{
		"environment": "dvlp", "service": "shop", "owner": "team-shop", "account": account, "region": "eu-west-1", "vpc_id": c.vpc, "subnet_ids": c.subnets,
		"sqs_queues":      one(variables{"access": []string{"consume", "publish"}}),
		"s3_buckets":      one(variables{"access": []string{"read", "write"}, "expire_days": 30}),
		"dynamodb_tables": one(variables{"access": []string{"read"}, "hash_key": "customer", "indexes": variables{"by-product": variables{"hash_key": "product"}}}),
		"efs_volumes":     one(variables{"access": []string{"write"}}),
		"rds_clusters":    one(variables{"access": []string{"connect"}, "engine_version": "16.6", "instances": 1, "grants": variables{"billing": grant}}),
		"security_groups": one(variables{"ingress": variables{"billing": opened}, "egress": variables{"https": variables{"cidr": "0.0.0.0/0", "port": 443, "reason": "APIs"}}}),
	}
}

// role is the same service for service-iam.
func (c *cloud) role() variables {
	v := c.everything()
	for _, name := range []string{"vpc_id", "subnet_ids"} {
		delete(v, name)
	}
	v["namespace"], v["oidc_provider"], v["boundary"] = "shop", "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF", "arn:aws:iam::"+account+":policy/boundary"
	return v
}

// Both roots with one of each type: planned, judged, applied, looked up and destroyed.
func TestRootsAreApplied(t *testing.T) {
	c := newCloud(t)
	list := contracts(t)
	c.must(t, IAM, "get")
	c.must(t, IAC, "get")

	c.write(t, IAM+"/given.auto.tfvars.json", c.role())
	plan, text := c.plan(t, IAM)
	passed := judged(t, text)
	for _, id := range []string{"iam-bounded-actions", "iam-bounded-resources", "iam-bounded-trust"} {
		if passed[id] == 0 {
			t.Errorf("the rule %q judged nothing", id)
		}
	}
	for _, role := range changed(plan, "aws_iam_role") {
		if role["name"] != "dvlp-shop" || role["path"] != "/penstock/" || role["permissions_boundary"] != "arn:aws:iam::"+account+":policy/boundary" {
			t.Errorf("the role is %v", role)
		}
	}
	c.must(t, IAM, "apply", "-input=false", "plan.tfplan")
	if got := c.parameters(t, "/dvlp/shop/iam/")["role/arn"]; got != "arn:aws:iam::"+account+":role/penstock/dvlp-shop" {
		t.Errorf("the role in SSM is %q", got)
	}

	c.write(t, IAC+"/given.auto.tfvars.json", c.everything())
	c.plan(t, IAC)
	c.must(t, IAC, "apply", "-input=false", "plan.tfplan")
	for _, contract := range list {
		t.Run(contract.Type, func(t *testing.T) {
			written := c.parameters(t, "/dvlp/shop/"+contract.Type+"/main/")
			if len(written) != len(contract.Parameters) {
				t.Errorf("written are %v, the contract has %d parameters", written, len(contract.Parameters))
			}
			for _, p := range contract.Parameters {
				if written[p.Name] == "" {
					t.Errorf("%s was not written", p.Name)
				}
				if p.Secret && !strings.HasPrefix(written[p.Name], "arn:aws:secretsmanager:eu-west-1:"+account+":secret:") {
					t.Errorf("%s is no ARN of a secret", p.Name)
				}
			}
		})
	}
	state := c.must(t, IAC, "show", "-json")
	resourcePolicies(t, list, []byte(state))
	if again, _ := c.run(t, IAC, "plan", "-input=false", "-detailed-exitcode"); !strings.Contains(again, "No changes") {
		t.Logf("a second plan has changes, on moto: %s", regexp.MustCompile(`(?m)^  # .*`).FindAllString(again, -1))
	}
	// moto answers for an access point that was deleted in a way that the provider waits on forever.
	volume := `module.efs_volumes["main"].aws_efs_`
	c.must(t, IAC, "state", "rm", volume+"access_point.this", volume+"file_system_policy.this", volume+"file_system.this")
	c.must(t, IAC, "destroy", "-input=false", "-auto-approve")
	c.must(t, IAM, "destroy", "-input=false", "-auto-approve")
	if left := c.parameters(t, "/dvlp/"); len(left) != 0 {
		t.Errorf("destroyed, and there is still %v", left)
	}
}

// resourcePolicies says whether what is granted by the policy of a resource is what
// the contract says, to the one role, and whether the state holds no password.
func resourcePolicies(t *testing.T, list []Contract, text []byte) {
	t.Helper()
	var state tfjson.State
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	policies := map[string]string{}
	for _, m := range state.Values.RootModule.ChildModules {
		for _, r := range m.Resources {
			if r.Type == "aws_secretsmanager_secret_policy" || r.Type == "aws_efs_file_system_policy" {
				policies[strings.TrimPrefix(strings.SplitN(m.Address, "[", 2)[0], "module.")] = r.AttributeValues["policy"].(string)
			}
			if password, has := r.AttributeValues["master_password"]; has && password != nil {
				t.Errorf("%s: the state holds a password", r.Address)
			}
		}
	}
	checked := 0
	for _, contract := range list {
		for word, statements := range contract.Access {
			if !slices.ContainsFunc(statements, func(s Statement) bool { return s.Through == ResourcePolicy }) || word == "read" {
				continue // everything asks for the strongest word of each type
			}
			var document struct {
				Statement []struct {
					Effect    string
					Principal any
					Action    any
					Resource  string
				}
			}
			if err := json.Unmarshal([]byte(policies[contract.Type]), &document); err != nil {
				t.Fatalf("%s has no policy: %v", contract.Type, err)
			}
			for _, s := range document.Statement {
				if s.Effect != "Allow" {
					continue
				}
				checked++
				role := map[string]any{"AWS": "arn:aws:iam::" + account + ":role/penstock/dvlp-shop"}
				if fmt.Sprint(s.Principal) != fmt.Sprint(role) || fmt.Sprint(s.Action) != fmt.Sprint(statements[0].Actions) || !strings.HasPrefix(s.Resource, "arn:aws:") {
					t.Errorf("%s: %v may %v on %v, the contract says %v", contract.Type, s.Principal, s.Action, s.Resource, statements[0].Actions)
				}
			}
		}
	}
	if checked != 2 {
		t.Errorf("%d policies of resources were looked at, want those of a database and a volume", checked)
	}
}

// Who may take the role, as golden files; and what service-iam and service-iac refuse.
func TestTrustAndRefusals(t *testing.T) {
	c := newCloud(t)
	c.must(t, IAM, "get")
	c.must(t, IAC, "get")
	for _, identity := range []string{"irsa", "pod-identity"} {
		v := c.role()
		v["identity"] = identity
		if identity == "pod-identity" {
			delete(v, "oidc_provider")
			v["cluster"] = "platform"
		}
		c.write(t, IAM+"/given.auto.tfvars.json", v)
		plan, text := c.plan(t, IAM)
		judged(t, text)
		golden(t, "testdata/trust/"+identity+".json", indented(t, changed(plan, "aws_iam_role")[0]["assume_role_policy"].(string)))
		if got, want := len(changed(plan, "aws_eks_pod_identity_association")), map[string]int{"pod-identity": 2}[identity]; got != want {
			t.Errorf("%s: %d associations, want %d", identity, got, want)
		}
	}
	if err := os.Remove(filepath.Join(c.dir, IAM, "given.auto.tfvars.json")); err != nil {
		t.Fatal(err)
	}
	t.Log(regexp.MustCompile(`Success! .*`).FindString(c.must(t, IAM, "test")))
	queue := func(word string) variables { return variables{"orders": variables{"access": []string{word}}} }
	database := func(expires string) variables {
		return variables{"main": variables{"engine_version": "16.6", "grants": variables{"billing": variables{"service": "billing", "cidr": "10.1.2.0/24", "reason": "reads", "expires": expires}}}}
	}
	for name, test := range map[string]struct {
		root  string
		given variables
		says  string
	}{
		"unknown word":          {IAM, variables{"sqs_queues": queue("admin")}, `sqs_queues.orders: there is no access "admin", allowed are consume, inspect-dead, publish.`},
		"word of a group":       {IAM, variables{"security_groups": queue("read")}, "this type has none"},
		"namespace with a star": {IAM, variables{"namespace": "*"}, "without wildcards"},
		"account with a star":   {IAM, variables{"service_account": "shop*"}, "without wildcards"},
		"irsa without issuer":   {IAM, variables{"oidc_provider": nil}, "irsa needs oidc_provider"},
		"issuer with https":     {IAM, variables{"oidc_provider": "https://oidc.example.com/id/1"}, "without https://"},
		"identity":              {IAM, variables{"identity": "kiam"}, "identity is irsa or pod-identity"},
		"no cluster":            {IAM, variables{"identity": "pod-identity"}, "pod-identity needs cluster"},
		"boundary":              {IAM, variables{"boundary": "*"}, "boundary is the ARN of a policy"},
		"other account":         {IAM, variables{"account": "999999999999"}, "not allowed"},
		"expired grant":         {IAC, variables{"rds_clusters": database("2020-02-01")}, "Take out or renew: billing (billing, 2020-02-01)"},
		"grant that never ends": {IAC, variables{"rds_clusters": database("2999-02-01")}, "within a year"},
		"grant without a date":  {IAC, variables{"rds_clusters": database("soon")}, "YYYY-MM-DD"},
		"database, no network":  {IAC, variables{"vpc_id": nil}, "needs a network: set vpc_id"},
		"database, no subnets":  {IAC, variables{"subnet_ids": []string{}}, "needs subnets"},
		"word of a volume":      {IAC, variables{"efs_volumes": variables{"main": variables{"access": []string{"root"}}}}, "allowed words of access are read, write"},
	} {
		t.Run(name, func(t *testing.T) {
			v := c.role()
			if test.root == IAC {
				v = c.everything()
			}
			maps.Copy(v, test.given)
			c.write(t, test.root+"/given.auto.tfvars.json", v)
			out, err := c.run(t, test.root, "plan", "-input=false")
			plain := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
			if err == nil || !strings.Contains(plain, test.says) {
				t.Errorf("want %q, got %v:\n%s", test.says, err, out)
			}
		})
	}
}

// The roots and the rule agree on where a database may be deleted: by the settings of the
// bundle, and by the tag that the root itself sets.
func TestDeletionIsJudgedByEnvironment(t *testing.T) {
	c := newCloud(t)
	c.must(t, IAC, "get")
	settings, err := config.Load(os.DirFS(c.dir))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		environment string
		protection  any
		want        pipelines.Verdict
	}{
		"dvlp":                {"dvlp", nil, pipelines.Pass},
		"dvlp, protected":     {"dvlp", true, pipelines.Pass},
		"elsewhere":           {"pprd", nil, pipelines.Pass},
		"elsewhere, switched": {"pprd", false, pipelines.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			v := c.everything()
			v["environment"], v["tags"] = test.environment, variables{"environment": "dvlp"} // which the root overrules
			for _, kind := range []string{"rds_clusters", "dynamodb_tables"} {
				v[kind].(variables)["main"].(variables)["deletion_protection"] = test.protection
			}
			c.write(t, IAC+"/given.auto.tfvars.json", v)
			_, text := c.plan(t, IAC)
			file := filepath.Join(t.TempDir(), "plan.json")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			seen := 0
			_, err := compliance.Compliance{Scope: pipelines.Scope{Root: filepath.Dir(file)}, Config: settings, Plans: []compliance.PlanOf{{File: file}},
				Decided: func(_ string, d compliance.Decision) {
					if d.Rule.ID != "deletion-protection" {
						return
					}
					seen++
					if d.Verdict != test.want {
						t.Errorf("%s is %s, want %s: %v", d.Resource.Address, d.Verdict, test.want, d.Notes)
					}
				}}.Run(t.Context())
			if err != nil || seen != 2 {
				t.Errorf("%d were judged: %v", seen, err)
			}
		})
	}
}
