package risk

import (
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// change judges one resource: what is done to it, then what becomes of what
// protects, opens, encrypts or grants.
func (j *Judge) change(r *tfjson.ResourceChange) error {
	if r.Change == nil || len(r.Change.Actions) == 0 {
		j.add(Destructive, r.Address, "unknown-action", "the plan does not say what it does to it")
		return nil
	}
	if r.Mode != tfjson.ManagedResourceMode && r.Mode != tfjson.DataResourceMode {
		j.add(Destructive, r.Address, "unknown-action", "it is of a kind that nobody here knows")
		return nil
	}
	j.done(r)
	if r.PreviousAddress != "" && r.PreviousAddress != r.Address {
		j.add(Low, r.Address, "moved", "it has another address than before")
		if typeOf(r.PreviousAddress) != r.Type {
			j.add(High, r.Address, "type-changed", "it was a resource of another type")
		}
	}
	if r.Change.Importing != nil {
		j.add(Low, r.Address, "import", "it exists already and is taken over")
	}
	if r.ProviderName != "" && r.Mode == tfjson.ManagedResourceMode && !r.Change.Actions.Create() && r.DeposedKey == "" {
		j.providers[r.Address] = r.ProviderName
	}
	return nil
}

// done judges the actions.
func (j *Judge) done(r *tfjson.ResourceChange) {
	actions, stateful := r.Change.Actions, j.isStateful(r)
	switch {
	case actions.NoOp():
	case actions.Read() && r.Mode == tfjson.DataResourceMode:
		j.add(Low, r.Address, "read", "it is looked up during the apply: nobody sees the result before")
	case r.Mode == tfjson.DataResourceMode:
		j.add(Destructive, r.Address, "unknown-action", "the plan does to a data source what nobody here knows")
	case actions.Create():
		j.add(Low, r.Address, "create", "it is created"+because(r))
		j.attributes(r)
	case actions.Update():
		j.add(Low, r.Address, "update", "it is changed in place"+because(r))
		j.attributes(r)
	case actions.Delete():
		j.deleted(r, stateful)
	case actions.Replace():
		j.replaced(r, stateful)
		j.attributes(r)
	case actions.Forget():
		j.add(High, r.Address, "forget", "it stays, but nobody manages it any more")
	case len(actions) == 2 && actions[0] == tfjson.ActionCreate && actions[1] == tfjson.ActionForget:
		j.add(High, r.Address, "forget", "another is created; the one that is there stays, but nobody manages it any more")
		j.attributes(r)
	default:
		j.add(Destructive, r.Address, "unknown-action", "the plan does to it what nobody here knows")
	}
}

func (j *Judge) deleted(r *tfjson.ResourceChange, stateful bool) {
	what := "it is deleted"
	if r.DeposedKey != "" {
		what = "what an earlier replacement left of it is deleted"
	}
	switch {
	case stateful:
		j.add(Destructive, r.Address, "delete-stateful", what+", and with it what it holds"+because(r))
	default:
		j.add(High, r.Address, "delete", what+because(r))
	}
}

func (j *Judge) replaced(r *tfjson.ResourceChange, stateful bool) {
	switch {
	case stateful:
		j.add(Destructive, r.Address, "replace-stateful", "it is deleted and made anew, without what it holds"+because(r))
	case disposable[r.Type]:
		j.add(Low, r.Address, "replace", "it is made anew"+because(r))
	default:
		j.add(High, r.Address, "replace", "it is deleted and made anew"+because(r))
	}
}

// disposable are types that exist to be replaced: nothing runs on them meanwhile
// and nothing refers to their identity.
var disposable = map[string]bool{"null_resource": true, "terraform_data": true, "time_rotating": true, "time_sleep": true,
	"time_static": true, "local_file": true, "aws_api_gateway_deployment": true, "aws_ecs_task_definition": true,
	"aws_lambda_layer_version": true, "aws_launch_configuration": true, "aws_launch_template": true,
	"kubernetes_job": true, "kubernetes_job_v1": true}

// isStateful tells whether the loss of a resource is a loss of data.
func (j *Judge) isStateful(r *tfjson.ResourceChange) bool {
	if j.stateful.has(r.Type) {
		return true
	}
	if r.Type != "kubernetes_manifest" && r.Type != "kubectl_manifest" {
		return false
	}
	// A manifest may be of any kind: only one that is known is harmless.
	switch manifestKind(r.Change.Before) {
	case "ConfigMap", "Deployment", "DaemonSet", "ReplicaSet", "Service", "Ingress", "NetworkPolicy", "HorizontalPodAutoscaler",
		"PodDisruptionBudget", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Job", "CronJob":
		return false
	}
	return true
}

func manifestKind(value any) string {
	resource, _ := value.(map[string]any)
	manifest, _ := resource["manifest"].(map[string]any)
	kind, _ := manifest["kind"].(string)
	return kind
}

// because says why, where Terraform gave one of the reasons that it is known for.
func because(r *tfjson.ResourceChange) string {
	if why := reasons[r.ActionReason]; why != "" {
		return fmt.Sprintf(" (%s)", why)
	}
	return ""
}

var reasons = map[tfjson.ActionReason]string{
	tfjson.ActionReasonReplaceBecauseCannotUpdate:    "it cannot be changed in place",
	tfjson.ActionReasonReplaceBecauseTainted:         "it is tainted",
	tfjson.ActionReasonReplaceByRequest:              "somebody asked for it with -replace",
	tfjson.ActionReasonReplaceByTriggers:             "replace_triggered_by says so",
	tfjson.ActionReasonDeleteBecauseNoResourceConfig: "it is no longer in the code",
	tfjson.ActionReasonDeleteBecauseWrongRepetition:  "count or for_each came or went",
	tfjson.ActionReasonDeleteBecauseCountIndex:       "count is lower than before",
	tfjson.ActionReasonDeleteBecauseEachKey:          "for_each no longer has its key",
	tfjson.ActionReasonDeleteBecauseNoModule:         "its module is no longer in the code",
	tfjson.ActionReasonDeleteBecauseNoMoveTarget:     "it was moved to where nothing is",
	tfjson.ActionReasonReadBecauseConfigUnknown:      "what it looks for is known after the apply",
	tfjson.ActionReasonReadBecauseDependencyPending:  "it depends on what changes",
	tfjson.ActionReasonReadBecauseCheckNested:        "it belongs to a check",
}

// typeOf is the resource type in an address: "module.a[0].aws_x.y" has "aws_x".
func typeOf(address string) string {
	parts := strings.Split(unindexed(address), ".")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

// unindexed takes the instance keys out of an address, whatever they hold.
func unindexed(address string) string {
	var b strings.Builder
	inside, quoted := false, false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case inside && c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			b.WriteByte(c)
		}
	}
	return b.String()
}
