package risk_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/risk"
)

// one is a plan with one resource; JSON of before and after, "" for none.
func one(kind, actions, before, after string, more ...string) string {
	list, _ := json.Marshal(strings.Split(actions, "+"))
	orNull := func(s string) string {
		if s == "" {
			return "null"
		}
		return s
	}
	extra, change, rest := "", "", ""
	for _, m := range more {
		switch {
		case strings.HasPrefix(m, "change:"):
			change += "," + m[7:]
		case strings.HasPrefix(m, "plan:"):
			rest += "," + m[5:]
		default:
			extra += "," + m
		}
	}
	return fmt.Sprintf(`{"format_version":"1.2","resource_changes":[{"address":"%s.x","mode":"managed","type":"%s","name":"x","provider_name":"p"%s,`+
		`"change":{"actions":%s,"before":%s,"after":%s%s}}]%s}`, kind, kind, extra, list, orNull(before), orNull(after), change, rest)
}

func policy(statements string) string {
	text, _ := json.Marshal(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
	return string(text)
}

const get = `{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}`

func TestLevels(t *testing.T) {
	ingress := func(port int, cidr string) string {
		return fmt.Sprintf(`{"ingress":[{"from_port":%d,"to_port":%d,"protocol":"tcp","cidr_blocks":["%s"]}]}`, port, port, cidr)
	}
	type row struct {
		name, plan string
		level      risk.Level
		rule       string // "" : none but create and update
	}
	rows := []row{
		{"nothing", `{"format_version":"1.2","resource_changes":[]}`, risk.None, ""},
		{"no-op", one("aws_db_instance", "no-op", `{"a":1}`, `{"a":1}`), risk.None, ""},
		{"create", one("aws_db_instance", "create", "", `{}`), risk.Low, ""},
		{"update", one("aws_db_instance", "update", `{"a":1}`, `{"a":2}`), risk.Low, ""},
		{"delete stateful", one("aws_db_instance", "delete", `{}`, ""), risk.Destructive, "delete-stateful"},
		{"delete other", one("aws_lambda_alias", "delete", `{}`, ""), risk.High, "delete"},
		{"replace stateful", one("aws_s3_bucket", "delete+create", `{}`, `{}`), risk.Destructive, "replace-stateful"},
		{"replace stateful, created first", one("google_sql_database_instance", "create+delete", `{}`, `{}`), risk.Destructive, "replace-stateful"},
		{"replace other", one("aws_lb", "delete+create", `{}`, `{}`), risk.High, "replace"},
		{"replace disposable", one("aws_ecs_task_definition", "delete+create", `{}`, `{}`), risk.Low, "replace"},
		{"deposed stateful", one("aws_ebs_volume", "delete", `{}`, "", `"deposed":"abc"`), risk.Destructive, "delete-stateful"},
		{"forget", one("aws_lb", "forget", `{}`, ""), risk.High, "forget"},
		{"create then forget", one("aws_lb", "create+forget", `{}`, `{}`), risk.High, "forget"},
		{"unknown action", one("aws_lb", "explode", `{}`, `{}`), risk.Destructive, "unknown-action"},
		{"unknown pair", one("aws_lb", "update+delete", `{}`, `{}`), risk.Destructive, "unknown-action"},
		{"no action", `{"format_version":"1.2","resource_changes":[{"address":"a.x","mode":"managed","type":"a"}]}`, risk.Destructive, "unknown-action"},
		{"null change", `{"format_version":"1.2","resource_changes":[null]}`, risk.Destructive, "unknown-action"},
		{"unknown mode", `{"format_version":"1.2","resource_changes":[{"address":"a.x","mode":"list","type":"a","change":{"actions":["no-op"]}}]}`, risk.Destructive, "unknown-action"},
		{"data read", `{"format_version":"1.2","resource_changes":[{"address":"data.a.x","mode":"data","type":"a","change":{"actions":["read"]}}]}`, risk.Low, "read"},
		{"data deleted", `{"format_version":"1.2","resource_changes":[{"address":"data.a.x","mode":"data","type":"a","change":{"actions":["delete"]}}]}`, risk.Destructive, "unknown-action"},
		{"moved", one("aws_lb", "no-op", `{}`, `{}`, `"previous_address":"aws_lb.old[\"a.b\"]"`), risk.Low, "moved"},
		{"moved to another type", one("terraform_data", "no-op", `{}`, `{}`, `"previous_address":"module.m[\"a.b\"].null_resource.x"`), risk.High, "type-changed"},
		{"import", one("aws_lb", "no-op", `{}`, `{}`, `change:"importing":{"id":"x"}`), risk.Low, "import"},
		{"another provider", one("aws_lb", "no-op", `{}`, `{}`, `plan:"prior_state":{"values":{"root_module":{"resources":[{"address":"aws_lb.x","mode":"managed","provider_name":"other"}]}}}`), risk.High, "provider-changed"},
		{"drift", `{"format_version":"1.2","resource_changes":[],"resource_drift":[{"address":"a.x","change":{"actions":["update"]}}]}`, risk.Low, "drift"},
		{"deferred", `{"format_version":"1.2","resource_changes":[],"deferred_changes":[{"reason":"x"}]}`, risk.High, "deferred"},
		{"action", `{"format_version":"1.2","resource_changes":[],"action_invocations":[{"address":"action.a.b"}]}`, risk.High, "action"},
		{"targeted", `{"format_version":"1.2","resource_changes":[],"complete":false}`, risk.High, "incomplete"},
		{"unknown part", `{"format_version":"1.2","resource_changes":[],"more":1}`, risk.High, "unknown-part"},
		{"state only", `{"format_version":"1.2","resource_changes":[],"applyable":true}`, risk.Low, "applyable"},
		{"output removed", `{"format_version":"1.2","resource_changes":[],"output_changes":{"o":{"actions":["delete"],"before":1}}}`, risk.High, "output-removed"},
		{"output exposed", `{"format_version":"1.2","resource_changes":[],"output_changes":{"o":{"actions":["update"],"before_sensitive":true,"after_sensitive":false}}}`, risk.High, "output-exposed"},
		{"output exposed only", `{"format_version":"1.2","resource_changes":[],"output_changes":{"o":{"actions":["no-op"],"before_sensitive":{"a":true},"after_sensitive":{}}}}`, risk.High, "output-exposed"},
		{"output changed", `{"format_version":"1.2","resource_changes":[],"output_changes":{"o":{"actions":["update"],"before":1,"after":2}}}`, risk.Low, "output-changed"},
		{"output gone mad", `{"format_version":"1.2","resource_changes":[],"output_changes":{"o":{"actions":["melt"]}}}`, risk.Destructive, "unknown-action"},

		{"deletion protection off", one("aws_rds_cluster", "update", `{"deletion_protection":true}`, `{"deletion_protection":false}`), risk.High, "protection-off"},
		{"deletion protection unset", one("aws_lb", "update", `{"enable_deletion_protection":true}`, `{}`), risk.High, "protection-off"},
		{"deletion protection on", one("aws_lb", "update", `{"enable_deletion_protection":false}`, `{"enable_deletion_protection":true}`), risk.Low, ""},
		{"skip_final_snapshot", one("aws_db_instance", "update", `{"skip_final_snapshot":false}`, `{"skip_final_snapshot":true}`), risk.High, "protection-off"},
		{"force_destroy", one("aws_s3_bucket", "update", `{}`, `{"force_destroy":true}`), risk.High, "protection-off"},
		{"termination protection", one("aws_instance", "update", `{"disable_api_termination":true}`, `{"disable_api_termination":null}`), risk.High, "protection-off"},
		{"versioning off", one("aws_s3_bucket_versioning", "update", `{"versioning_configuration":[{"status":"Enabled"}]}`, `{"versioning_configuration":[{"status":"Suspended"}]}`), risk.High, "protection-off"},
		{"PITR off", one("aws_dynamodb_table", "update", `{"point_in_time_recovery":[{"enabled":true}]}`, `{"point_in_time_recovery":[]}`), risk.High, "protection-off"},
		{"retention lowered", one("aws_db_instance", "update", `{"backup_retention_period":7}`, `{"backup_retention_period":1}`), risk.High, "retention-lowered"},
		{"retention raised", one("aws_db_instance", "update", `{"backup_retention_period":7}`, `{"backup_retention_period":8}`), risk.Low, ""},
		{"logs kept for a while", one("aws_cloudwatch_log_group", "update", `{"retention_in_days":0}`, `{"retention_in_days":30}`), risk.High, "retention-lowered"},
		{"logs kept for ever", one("aws_cloudwatch_log_group", "update", `{"retention_in_days":30}`, `{"retention_in_days":0}`), risk.Low, ""},

		{"encryption off", one("aws_efs_file_system", "update", `{"encrypted":true}`, `{"encrypted":false}`), risk.High, "encryption-off"},
		{"key changed", one("aws_sqs_queue", "update", `{"kms_master_key_id":"a"}`, `{"kms_master_key_id":"b"}`), risk.High, "key-changed"},
		{"key removed", one("aws_sqs_queue", "update", `{"kms_master_key_id":"a"}`, `{"kms_master_key_id":""}`), risk.High, "encryption-off"},
		{"key set", one("aws_sqs_queue", "update", `{"kms_master_key_id":""}`, `{"kms_master_key_id":"b"}`), risk.Low, ""},
		{"encryption block removed", one("aws_s3_bucket", "update", `{"server_side_encryption_configuration":[{"rule":[]}]}`, `{"server_side_encryption_configuration":[]}`), risk.High, "encryption-off"},

		{"ingress from the world", one("aws_security_group", "create", "", ingress(22, "0.0.0.0/0")), risk.High, "network-opened"},
		{"ingress from inside", one("aws_security_group", "create", "", ingress(22, "10.0.0.0/8")), risk.Low, ""},
		{"ingress wider", one("aws_security_group", "update", ingress(22, "10.0.0.0/16"), ingress(22, "10.0.0.0/8")), risk.High, "network-opened"},
		{"ingress narrower", one("aws_security_group", "update", ingress(22, "10.0.0.0/8"), ingress(22, "10.0.1.0/24")), risk.Low, ""},
		{"ingress to another port", one("aws_security_group", "update", ingress(443, "10.0.0.0/8"), ingress(22, "10.0.0.0/8")), risk.High, "network-opened"},
		{"ingress to the world as before", one("aws_security_group", "update", ingress(443, "0.0.0.0/0"), ingress(443, "0.0.0.0/0")[:len(ingress(443, "0.0.0.0/0"))-1]+`,"x":1}`), risk.Low, ""},
		{"egress to the world", one("aws_security_group", "update", `{"egress":[]}`, `{"egress":[{"cidr_blocks":["0.0.0.0/0"],"from_port":0,"to_port":0,"protocol":"-1"}]}`), risk.Low, ""},
		{"rule for the world", one("aws_vpc_security_group_ingress_rule", "create", "", `{"cidr_ipv6":"::/0","ip_protocol":"tcp","from_port":22,"to_port":22}`), risk.High, "network-opened"},
		{"rule with more ports", one("aws_vpc_security_group_ingress_rule", "update", `{"cidr_ipv4":"10.0.0.0/8","ip_protocol":"tcp","from_port":443,"to_port":443}`, `{"cidr_ipv4":"10.0.0.0/8","ip_protocol":"-1"}`), risk.High, "network-opened"},
		{"outgoing rule", one("aws_security_group_rule", "create", "", `{"type":"egress","cidr_blocks":["0.0.0.0/0"],"protocol":"-1","from_port":0,"to_port":0}`), risk.Low, ""},
		{"google firewall", one("google_compute_firewall", "update", `{"source_ranges":["10.0.0.0/8"],"direction":"INGRESS"}`, `{"source_ranges":["0.0.0.0/0"],"direction":"INGRESS"}`), risk.High, "network-opened"},
		{"azure rule", one("azurerm_network_security_rule", "create", "", `{"direction":"Inbound","access":"Allow","source_address_prefix":"*"}`), risk.High, "network-opened"},
		{"azure group, another port", one("azurerm_network_security_group", "update", `{"security_rule":[{"direction":"Inbound","access":"Allow","protocol":"Tcp","source_address_prefix":"10.0.0.0/8","destination_port_range":"443"}]}`,
			`{"security_rule":[{"direction":"Inbound","access":"Allow","protocol":"Tcp","source_address_prefix":"10.0.0.0/8","destination_port_range":"22"}]}`), risk.High, "network-opened"},
		{"public database", one("aws_db_instance", "update", `{"publicly_accessible":false}`, `{"publicly_accessible":true}`), risk.High, "network-opened"},
		{"public access block off", one("aws_s3_bucket_public_access_block", "update", `{"block_public_acls":true}`, `{"block_public_acls":false}`), risk.High, "network-opened"},
		{"public access block removed", one("aws_s3_bucket_public_access_block", "delete", `{"block_public_acls":true}`, ""), risk.High, "delete"},
		{"public acl", one("aws_s3_bucket_acl", "create", "", `{"acl":"public-read"}`), risk.High, "network-opened"},
		{"function for everybody", one("aws_lambda_function_url", "create", "", `{"authorization_type":"NONE"}`), risk.High, "network-opened"},

		{"policy with a wildcard", one("aws_iam_policy", "create", "", `{"policy":`+policy(`{"Effect":"Allow","Action":"*","Resource":"*"}`)+`}`), risk.High, "policy-wildcard"},
		{"policy to read", one("aws_iam_policy", "create", "", `{"policy":`+policy(get)+`}`), risk.Low, ""},
		{"policy gains an action", one("aws_iam_policy", "update", `{"policy":`+policy(get)+`}`, `{"policy":`+policy(strings.Replace(get, `["s3:GetObject"]`, `["s3:GetObject","s3:PutObject"]`, 1))+`}`), risk.High, "policy-widened"},
		{"policy gains a resource", one("aws_iam_policy", "update", `{"policy":`+policy(get)+`}`, `{"policy":`+policy(strings.Replace(get, `b/*`, `*`, 1))+`}`), risk.High, "policy-widened"},
		{"policy loses an action", one("aws_iam_policy", "update", `{"policy":`+policy(strings.Replace(get, `["s3:GetObject"]`, `["s3:GetObject","s3:PutObject"]`, 1))+`}`, `{"policy":`+policy(get)+`}`), risk.Low, ""},
		{"policy says it otherwise", one("aws_iam_policy", "update", `{"policy":`+policy(strings.Replace(get, `["s3:GetObject"]`, `"s3:Get*"`, 1))+`}`, `{"policy":`+policy(get)+`}`), risk.Low, ""},
		{"policy loses its condition", one("aws_iam_policy", "update", `{"policy":`+policy(strings.TrimSuffix(get, "}")+`,"Condition":{"Bool":{"a":"true"}}}`)+`}`, `{"policy":`+policy(get)+`}`), risk.High, "policy-widened"},
		{"policy loses a denial", one("aws_iam_policy", "update", `{"policy":`+policy(get+`,{"Effect":"Deny","Action":"s3:*","Resource":"*"}`)+`}`, `{"policy":`+policy(get)+`}`), risk.High, "policy-widened"},
		{"policy by NotAction", one("aws_iam_policy", "create", "", `{"policy":`+policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)+`}`), risk.High, "policy-wildcard"},
		{"inline policy added", one("aws_iam_role", "update", `{"inline_policy":[]}`, `{"inline_policy":[{"name":"a","policy":`+policy(get)+`}]}`), risk.High, "policy-widened"},
		{"vault access added", one("azurerm_key_vault", "update", `{"access_policy":[]}`, `{"access_policy":[{"object_id":"a","secret_permissions":["Get"]}]}`), risk.High, "policy-widened"},
		{"vault access widened", one("azurerm_key_vault_access_policy", "update", `{"secret_permissions":["Get"]}`, `{"secret_permissions":["Get","List"]}`), risk.High, "policy-widened"},
		{"backup policy", one("aws_efs_backup_policy", "update", `{"backup_policy":[{"status":"ENABLED"}]}`, `{"backup_policy":[{"status":"DISABLED"}]}`), risk.High, "protection-off"},
		{"policy nobody can read", one("aws_iam_policy", "update", `{"policy":"{}"}`, `{"policy":"nonsense"}`), risk.High, "policy-unreadable"},
		{"policy gains a principal", one("aws_s3_bucket_policy", "update", `{"policy":`+policy(strings.TrimSuffix(get, "}")+`,"Principal":{"AWS":"arn:aws:iam::1:root"}}`)+`}`,
			`{"policy":`+policy(strings.TrimSuffix(get, "}")+`,"Principal":"*"}`)+`}`), risk.High, "policy-widened"},
		{"trust changed", one("aws_iam_role", "update", `{"assume_role_policy":`+policy(get)+`}`, `{"assume_role_policy":`+policy("")+`}`), risk.High, "trust-changed"},
		{"trust of a service", one("aws_iam_role", "create", "", `{"assume_role_policy":`+policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}`)+`}`), risk.Low, ""},
		{"trust of a stranger", one("aws_iam_role", "create", "", `{"assume_role_policy":`+policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}`)+`}`), risk.High, "trust-new"},
		{"administrator", one("aws_iam_role_policy_attachment", "create", "", `{"policy_arn":"arn:aws:iam::aws:policy/AdministratorAccess"}`), risk.High, "admin-granted"},
		{"reader", one("aws_iam_role_policy_attachment", "create", "", `{"policy_arn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`), risk.Low, ""},
		{"boundary removed", one("aws_iam_role", "update", `{"permissions_boundary":"a"}`, `{"permissions_boundary":null}`), risk.High, "boundary-changed"},
		{"google owner", one("google_project_iam_member", "create", "", `{"role":"roles/owner","member":"user:a"}`), risk.High, "admin-granted"},
		{"google everybody", one("google_storage_bucket_iam_member", "create", "", `{"role":"roles/storage.objectViewer","member":"allUsers"}`), risk.High, "admin-granted"},
		{"azure owner", one("azurerm_role_assignment", "create", "", `{"role_definition_name":"Owner"}`), risk.High, "admin-granted"},
		{"cluster admin", one("kubernetes_cluster_role_binding", "create", "", `{"role_ref":[{"name":"cluster-admin"}]}`), risk.High, "admin-granted"},

		{"unknown policy", one("aws_iam_policy", "create", "", `{}`, `change:"after_unknown":{"policy":true}`), risk.High, "unknown-value"},
		{"unknown range in a block", one("aws_security_group", "create", "", ingress(22, "x"), `change:"after_unknown":{"ingress":[{"cidr_blocks":[true]}]}`), risk.High, "unknown-value"},
		{"all unknown", one("aws_lb", "update", `{}`, `null`, `change:"after_unknown":true`), risk.High, "unknown-value"},
		{"sensitive policy", one("aws_iam_policy", "update", `{"policy":"a"}`, `{"policy":"b"}`, `change:"before_sensitive":{"policy":true},"after_sensitive":{"policy":true}`), risk.High, "sensitive-change"},
		{"sensitive as before", one("aws_iam_policy", "update", `{"policy":"a","n":1}`, `{"policy":"a"}`, `change:"before_sensitive":{"policy":true},"after_sensitive":{"policy":true}`), risk.Low, ""},
		{"manifest of a volume", one("kubernetes_manifest", "delete", `{"manifest":{"kind":"PersistentVolumeClaim"}}`, ""), risk.Destructive, "delete-stateful"},
		{"manifest of a service", one("kubernetes_manifest", "delete", `{"manifest":{"kind":"Service"}}`, ""), risk.High, "delete"},
	}
	for _, r := range rows {
		a, err := risk.Assess(strings.NewReader(r.plan), risk.Options{})
		if err != nil {
			t.Errorf("%s: %v\n%s", r.name, err, r.plan)
			continue
		}
		has := slices.ContainsFunc(a.Reasons, func(x risk.Reason) bool { return x.Rule == r.rule && (x.Level == r.level || x.Level == risk.Low) })
		only := !slices.ContainsFunc(a.Reasons, func(x risk.Reason) bool { return x.Rule != "create" && x.Rule != "update" })
		if a.Level != r.level || r.rule != "" && !has || r.rule == "" && !only {
			t.Errorf("%s: %s %v, want %s by %q", r.name, a.Level, a.Reasons, r.level, r.rule)
		}
	}
	t.Logf("%d rows", len(rows))
}

// Whether the code sets an unknown value decides how much it counts.
func TestUnknownValuesOfTheProvider(t *testing.T) {
	config := func(expressions string) string {
		return `plan:"configuration":{"root_module":{"resources":[{"address":"aws_x.x","mode":"managed","type":"aws_x","name":"x","expressions":{` + expressions + `}}]}}`
	}
	for _, c := range []struct {
		name, actions, before, after, unknown, expressions string
		level                                              risk.Level
	}{
		{"set", "create", "", `{}`, `{"policy":true}`, `"policy":{"references":["a.b"]}`, risk.High},
		{"not set", "create", "", `{}`, `{"policy":true}`, `"name":{}`, risk.Low},
		{"not set, but known before", "update", `{"policy":"x"}`, `{}`, `{"policy":true}`, `"name":{}`, risk.Low},
		{"in a block that sets it", "create", "", `{"b":[{}]}`, `{"b":[{"policy":true}]}`, `"b":[{"policy":{"references":["a.b"]}}]`, risk.High},
		{"in a block that does not", "create", "", `{"b":[{}]}`, `{"b":[{"policy":true}]}`, `"b":[{"name":{}}]`, risk.Low},
		{"in a dynamic block", "create", "", `{"b":[{}]}`, `{"b":[{"policy":true}]}`, `"name":{}`, risk.High},
	} {
		plan := one("aws_x", c.actions, c.before, c.after, `change:"after_unknown":`+c.unknown, config(c.expressions))
		a, err := risk.Assess(strings.NewReader(plan), risk.Options{})
		if err != nil || a.Level != c.level {
			t.Errorf("%s: %v %v, want %s", c.name, a, err, c.level)
		}
	}
}

func TestATeamAddsItsTypes(t *testing.T) {
	plan := one("acme_ledger", "delete", `{}`, "")
	for _, c := range []struct {
		types []string
		want  risk.Level
	}{{nil, risk.High}, {[]string{"acme_ledger"}, risk.Destructive}, {[]string{"acme_*"}, risk.Destructive}, {[]string{"other_*"}, risk.High}} {
		a, err := risk.Assess(strings.NewReader(plan), risk.Options{Stateful: c.types})
		if err != nil || a.Level != c.want {
			t.Errorf("%v: %v %v", c.types, a.Level, err)
		}
	}
	for _, bad := range []string{"", " ", "a[", `a\`} {
		if _, err := risk.Assess(strings.NewReader(plan), risk.Options{Stateful: []string{bad}}); err == nil {
			t.Errorf("%q is taken for a type", bad)
		}
	}
}

// Messages never hold values: a plan full of one mark does not show it.
func TestReasonsHoldNoValues(t *testing.T) {
	const mark = "VALUEMARK"
	values := func(n int) string {
		return fmt.Sprintf(`{"policy":"%[1]s%[2]d","assume_role_policy":"%[1]s%[2]d","kms_key_id":"%[1]s%[2]d","policy_arn":"%[1]s%[2]d/AdministratorAccess","cidr_blocks":["%[1]s%[2]d"],`+
			`"ingress":[{"cidr_blocks":["%[1]s%[2]d"]}],"acl":"public-%[1]s%[2]d","map":{"%[1]s%[2]d":{"policy":"x%[2]d"}},"encryption_type":"%[1]s%[2]d"}`, mark, n)
	}
	a, err := risk.Assess(strings.NewReader(one("aws_x", "update", values(1), values(2))), risk.Options{})
	if err != nil || len(a.Reasons) < 7 {
		t.Fatalf("%d reasons, %v", len(a.Reasons), err)
	}
	for _, r := range a.Reasons {
		if strings.Contains(r.Message+r.Rule+r.Address, mark) {
			t.Errorf("%v shows a value", r)
		}
	}
}

func TestWorse(t *testing.T) {
	for i, level := range risk.Levels {
		for j, other := range risk.Levels {
			if got := level.Worse(other); got != risk.Levels[max(i, j)] {
				t.Errorf("the worse of %s and %s is %s", level, other, got)
			}
		}
	}
	if risk.Level("").Rank() != risk.Destructive.Rank() || risk.Level("odd").Rank() != risk.Destructive.Rank() {
		t.Error("a level that nobody knows is not the worst")
	}
}

func FuzzAssess(f *testing.F) {
	f.Add([]byte(one("aws_iam_policy", "update", `{"policy":`+policy(get)+`}`, `{"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":1}]}"}`)))
	f.Add([]byte(one("aws_security_group", "update", `{"ingress":[{"cidr_blocks":["10.0.0.0/8"],"from_port":1}]}`, `{"ingress":[null,1,{"cidr_blocks":"x"}]}`, `change:"after_unknown":{"ingress":[true]}`)))
	f.Fuzz(func(t *testing.T, plan []byte) {
		a, err := risk.Assess(strings.NewReader(string(plan)), risk.Options{})
		if err == nil && !slices.Contains(risk.Levels, a.Level) {
			t.Errorf("the level is %q", a.Level)
		}
	})
}
