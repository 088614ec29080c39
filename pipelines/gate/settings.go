package gate

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// harmless are the arguments of providers, backends and encryption that neither
// run a program, nor name a host, a file or other credentials than those that the
// run was given. (skip_region_validation would let a region name a host.) It is a list of what is allowed, since every release of a
// provider may bring another way to do these things.
var harmless = slices.Concat(
	below("aws", "region", "default_tags", "ignore_tags", "allowed_account_ids", "forbidden_account_ids", "max_retries", "retry_mode",
		"skip_credentials_validation", "skip_requesting_account_id", "skip_metadata_api_check", "use_dualstack_endpoint", "use_fips_endpoint",
		"s3_use_path_style", "s3_us_east_1_regional_endpoint", "token_bucket_rate_limiter_capacity"),
	below("aws.assume_role", assumeRole...), below("aws.assume_role_with_web_identity", assumeRole...),
	below("awscc", "region", "max_retries", "skip_metadata_api_check"), below("awscc.assume_role", assumeRole...),
	google("google"), google("google-beta"),
	below("azurerm", "features", "subscription_id", "tenant_id", "client_id", "use_oidc", "use_msi", "use_cli", "storage_use_azuread",
		"resource_provider_registrations", "resource_providers_to_register", "skip_provider_registration"),
	below("azuread", "tenant_id", "client_id", "use_oidc", "use_msi", "use_cli"),
	below("kubernetes", "experiments", "ignore_annotations", "ignore_labels"), below("helm", "burst_limit", "experiments"),
	below("github", "owner", "read_delay_ms", "write_delay_ms"), below("datadog", "validate"),
	below("*", "alias", "version", "for_each"),

	below("backend.s3", "bucket", "key", "region", "encrypt", "dynamodb_table", "use_lockfile", "kms_key_id", "acl", "workspace_key_prefix",
		"skip_credentials_validation", "skip_requesting_account_id", "skip_metadata_api_check", "skip_s3_checksum", "max_retries", "retry_mode", "allowed_account_ids", "forbidden_account_ids", "use_dualstack_endpoint", "use_fips_endpoint",
		"use_path_style", "force_path_style", "role_arn", "session_name", "external_id"),
	below("backend.s3.assume_role", assumeRole...), below("backend.s3.assume_role_with_web_identity", assumeRole...),
	below("backend.gcs", "bucket", "prefix", "impersonate_service_account", "impersonate_service_account_delegates", "kms_encryption_key"),
	below("backend.azurerm", "resource_group_name", "storage_account_name", "container_name", "key", "snapshot", "use_oidc", "use_msi",
		"use_cli", "use_azuread_auth", "subscription_id", "tenant_id", "client_id", "lookup_blob_endpoint"),
	below("backend.cloud", "organization", "workspaces"), below("backend.remote", "organization", "workspaces"),

	below("encryption", "state", "plan", "remote_state_data_sources", "key_provider.pbkdf2", "method.aes_gcm", "method.unencrypted"),
	below("encryption.key_provider.aws_kms.*", "kms_key_id", "region", "key_spec"),
	below("encryption.key_provider.gcp_kms.*", "kms_encryption_key", "key_length"),
)

var assumeRole = []string{"role_arn", "session_name", "external_id", "duration", "policy", "policy_arns", "tags", "transitive_tag_keys", "source_identity"}

func google(name string) []string {
	return below(name, "project", "region", "zone", "default_labels", "add_terraform_attribution_label", "scopes", "batching",
		"terraform_attribution_label_addition_strategy", "user_project_override", "billing_project", "impersonate_service_account",
		"request_timeout", "request_reason")
}

func below(prefix string, names ...string) []string {
	var list []string
	for _, name := range names {
		list = append(list, prefix+"."+name)
	}
	return list
}

// members judges the arguments of a block, by their path: aws.region.
func (j *judge) members(prefix string, body hcl.Body, rule string) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		attrs, diags := body.JustAttributes()
		if diags.HasErrors() {
			j.broken("", diags)
		}
		for name, a := range attrs {
			j.setting(prefix+"."+undotted(name), a.Expr, a.NameRange, rule)
		}
		return
	}
	for name, a := range native.Attributes {
		j.setting(prefix+"."+name, a.Expr, a.SrcRange, rule)
	}
	for _, b := range native.Blocks {
		name := b.Type
		for _, label := range b.Labels {
			name += "." + undotted(label)
		}
		inner := []*hclsyntax.Body{b.Body}
		if b.Type == "dynamic" && len(b.Labels) == 1 {
			name, inner = undotted(b.Labels[0]), nil
			for _, content := range b.Body.Blocks {
				inner = append(inner, content.Body)
			}
		}
		if j.allowsSetting(prefix + "." + name) {
			continue
		}
		for _, body := range inner {
			j.members(prefix+"."+name, body, rule)
		}
	}
}

// setting judges an argument, or what is written out below it.
func (j *judge) setting(name string, e hcl.Expression, at hcl.Range, rule string) {
	if j.allowsSetting(name) {
		if host, ok := text(e); name == "backend.azurerm.storage_account_name" && (!ok || !hostLabel.MatchString(host)) {
			j.refuseSetting(name, at, rule) // the name becomes part of a host
		}
		return
	}
	if v, diags := e.Value(nil); !diags.HasErrors() && v.IsNull() {
		return
	}
	if name == "backend.local.path" || name == "backend.local.workspace_dir" {
		for _, f := range j.place(&module{dir: j.root}, nil, e, nil, at, "the argument "+name) {
			if _, err := j.resolve(f.name); f.whole && err == nil && name == "backend.local.path" && !j.reads {
				j.find(at, "state", "keep state in a backend", "%s would be taken for the state, which names providers to run", quoted(f.name))
			}
		}
		return
	}
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() && len(pairs) > 0 {
		for _, pair := range pairs {
			key, ok := keyOf(pair.Key)
			if !ok {
				j.refuseSetting(name, at, rule)
				continue
			}
			j.setting(name+"."+undotted(key), pair.Value, pair.Key.Range(), rule)
		}
		return
	}
	if items, diags := hcl.ExprList(e); !diags.HasErrors() && len(items) > 0 {
		for _, item := range items {
			j.setting(name, item, at, rule)
		}
		return
	}
	j.refuseSetting(name, at, rule)
}

// undotted keeps a name that somebody chose from reading like a path.
func undotted(name string) string { return strings.ReplaceAll(name, ".", "_") }

var hostLabel = regexp.MustCompile(`^[a-z0-9-]+$`)

// allowsSetting says whether an argument or one that it lies below is allowed.
func (j *judge) allowsSetting(name string) bool {
	for i := range len(name) {
		if name[i] == '.' && matches(j.allow.setting, name[:i]) {
			return true
		}
	}
	return matches(j.allow.setting, name)
}

func (j *judge) refuseSetting(name string, at hcl.Range, rule string) {
	j.find(at, rule, toAllow("settings", name),
		"%s is not allowed: it is not known to be harmless, and such arguments may run a program or name another host, file or credential", quoted(name))
}
