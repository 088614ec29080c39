package risk

import (
	"maps"
	"slices"
	"strings"
)

// check judges one attribute that changes, or that a new resource has.
type check func(a attributeJudge, n node)

// checkOf finds what judges an attribute, or nil.
func checkOf(kind string, n node) check {
	if c := iamCheck(kind, n); c != nil {
		return c
	}
	if c := networkCheck(kind, n); c != nil {
		return c
	}
	if c, ok := byName[n.name]; ok {
		return c
	}
	if (n.name == "enabled" || n.name == "status" || n.name == "days") && guards[n.parent] {
		if n.name == "days" {
			return lowered
		}
		return kept
	}
	return nil
}

// guards are blocks whose "enabled" or "status" protects data.
var guards = map[string]bool{"versioning": true, "versioning_configuration": true, "point_in_time_recovery": true,
	"backup_configuration": true, "backup_policy": true, "soft_delete_policy": true, "automated_backup_policy": true,
	"continuous_backup_config": true, "delete_retention_policy": true, "container_delete_retention_policy": true,
	"object_lock_configuration": true, "encrypt_at_rest": true, "node_to_node_encryption": true}

// keyNames are attributes that name the key which encrypts.
var keyNames = map[string]bool{"kms_key_id": true, "kms_key_arn": true, "kms_key": true, "kms_key_name": true, "kms_master_key_id": true, "kms_key_self_link": true, "default_kms_key_name": true, "kms_data_key_reuse_period_seconds": true, "encryption_key": true, "disk_encryption_set_id": true, "customer_managed_key_id": true, "key_vault_key_id": true, "key_vault_uri": true, "kms_crypto_key_name": true, "master_password_kms": true}

var byName = map[string]check{}

func init() {
	for name := range keyNames {
		byName[name] = rekeyed
	}
	for c, names := range map[*check][]string{
		&keptCheck: {"deletion_protection", "deletion_protection_enabled", "enable_deletion_protection", "delete_protection",
			"delete_protection_enabled", "disable_api_termination", "disable_api_stop", "termination_protection",
			"enable_termination_protection", "prevent_destroy", "prevent_deletion", "purge_protection_enabled", "soft_delete_enabled",
			"point_in_time_recovery_enabled", "pitr_enabled", "versioning_enabled", "object_lock_enabled", "mfa_delete",
			"enable_key_rotation", "skip_destroy", "final_snapshot", "backup_enabled", "geo_redundant_backup_enabled",
			"automatic_backups_enabled", "copy_tags_to_snapshot_protection", "is_enabled", "log_file_validation_enabled",
			"enable_log_file_validation", "enable_logging"},
		&giveUpCheck: {"skip_final_snapshot", "skip_final_backup", "force_destroy", "force_delete", "force_destroy_deletion",
			"delete_automated_backups", "delete_on_termination", "bypass_policy_lockout_safety_check", "allow_major_version_upgrade"},
		&loweredCheck: {"backup_retention_period", "backup_retention_days", "backup_retention", "snapshot_retention_limit",
			"automatic_backup_retention_days", "automated_snapshot_retention_period", "retention_in_days", "retention_period",
			"retention_period_hours", "deletion_window_in_days", "recovery_window_in_days", "soft_delete_retention_days",
			"transaction_log_retention_days", "message_retention_seconds", "message_retention_duration", "data_retention_in_hours",
			"recovery_period_in_days", "point_in_time_recovery_retention_days"},
		&encryptedCheck: {"encrypted", "storage_encrypted", "at_rest_encryption_enabled", "transit_encryption_enabled",
			"encryption_at_rest_enabled", "encrypt_at_rest_enabled", "sqs_managed_sse_enabled", "infrastructure_encryption_enabled",
			"https_traffic_only_enabled", "enable_https_traffic_only", "encryption_at_host_enabled", "require_ssl",
			"ssl_enforcement_enabled", "enforce_ssl", "enforce_https", "host_encryption", "root_volume_encryption_enabled",
			"user_volume_encryption_enabled", "tls_enabled"},
		&encryptionBlockCheck: {"server_side_encryption_configuration", "server_side_encryption", "sse_algorithm", "encryption_config",
			"encryption_configuration", "encryption_info", "encryption_options", "encryption", "sse_specification", "encryption_type",
			"ssl_policy", "minimum_protocol_version", "min_tls_version", "minimum_tls_version", "viewer_protocol_policy",
			"security_policy", "tls_security_policy", "ssl_mode", "customer_managed_key", "disk_encryption_key",
			"transit_encryption_mode", "parameter_tls"},
	} {
		for _, name := range names {
			byName[name] = *c
		}
	}
}

// A map cannot have functions as keys, but their addresses.
var keptCheck, giveUpCheck, loweredCheck, encryptedCheck, encryptionBlockCheck check = kept, givenUp, lowered, encrypted, reencrypted

// on tells whether a switch is on: true, "Enabled", "ON"...
func on(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "true", "enabled", "enable", "on", "active", "required":
			return true
		}
	case []any: // a block that is there
		return len(v) > 0
	}
	return false
}

// kept judges what protects and must stay on.
func kept(a attributeJudge, n node) {
	if on(n.before) && !on(n.after) {
		a.add(High, "protection-off", quoted(n)+" is switched off")
	}
}

// givenUp judges what gives up protection and must stay off.
func givenUp(a attributeJudge, n node) {
	switch {
	case on(n.before) || !on(n.after):
	case a.create:
		a.add(Low, "protection-off", quoted(n)+" is on from the beginning")
	default:
		a.add(High, "protection-off", quoted(n)+" is switched on")
	}
}

// lowered judges how long something is kept.
func lowered(a attributeJudge, n node) {
	if n.before == nil {
		return
	}
	before, known := number(n.before)
	after, readable := number(n.after)
	if n.name == "retention_in_days" && known && readable { // 0 is for ever
		if after == 0 || before != 0 && after >= before {
			return
		}
	} else if known && readable && after >= before {
		return
	}
	a.add(High, "retention-lowered", quoted(n)+" is lower than before, or not set")
}

// encrypted judges switches of encryption.
func encrypted(a attributeJudge, n node) {
	if on(n.before) && !on(n.after) {
		a.add(High, "encryption-off", quoted(n)+" is switched off")
	}
}

// rekeyed judges which key encrypts.
func rekeyed(a attributeJudge, n node) {
	switch {
	case a.create || len(texts(n.before)) == 0 && !nested(n.before):
	case n.after == nil || n.after == "":
		a.add(High, "encryption-off", quoted(n)+" is removed: what its key encrypts is encrypted otherwise, or not at all")
	default:
		a.add(High, "key-changed", quoted(n)+" changes: another key encrypts")
	}
}

// reencrypted judges how something is encrypted.
func reencrypted(a attributeJudge, n node) {
	empty := func(v any) bool {
		list, isList := v.([]any)
		return v == nil || v == "" || isList && len(list) == 0
	}
	switch {
	case a.create || empty(n.before):
	case empty(n.after):
		a.add(High, "encryption-off", quoted(n)+" is removed")
	default:
		a.add(High, "encryption-changed", quoted(n)+" changes")
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
