package kubetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// object is what of a workload counts here.
type object struct {
	Metadata struct {
		Namespace, Name   string
		Generation        int64
		CreationTimestamp time.Time
	}
	Spec   struct{ Replicas *int }
	Status struct {
		ObservedGeneration int64
		ReadyReplicas      int
		Conditions         []struct{ Type, Status string }
	}
}

// Ready reports every workload as ready, as its controllers would, until ctx ends. Those
// for which unready is true stay as they are; nil: none.
func (c *Cluster) Ready(ctx context.Context, unready func(kind, namespace, name string) bool) {
	for ctx.Err() == nil {
		for _, kind := range []string{"deployments", "statefulsets", "daemonsets"} {
			c.each("/apis/apps/v1/"+kind, kind, unready, func(o object) string {
				replicas := 1
				if o.Spec.Replicas != nil {
					replicas = *o.Spec.Replicas
				}
				if o.Status.ObservedGeneration == o.Metadata.Generation && (o.Status.ReadyReplicas == replicas || kind == "daemonsets") {
					return ""
				}
				return workload(kind, o.Metadata.Generation, replicas)
			})
		}
		c.each("/apis/batch/v1/jobs", "jobs", unready, func(o object) string {
			if len(o.Status.Conditions) > 0 {
				return ""
			}
			now := time.Now().UTC().Format(time.RFC3339)
			return fmt.Sprintf(`{"status":{"startTime":%q,"completionTime":%q,"succeeded":1,"ready":0,"uncountedTerminatedPods":{},"conditions":[
				{"type":"SuccessCriteriaMet","status":"True","reason":"CompletionsReached","lastTransitionTime":%q},
				{"type":"Complete","status":"True","reason":"CompletionsReached","lastTransitionTime":%q}]}}`, now, now, now, now)
		})
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func workload(kind string, generation int64, replicas int) string {
	if kind == "daemonsets" {
		return fmt.Sprintf(`{"status":{"observedGeneration":%d,"desiredNumberScheduled":1,"currentNumberScheduled":1,"numberReady":1,"updatedNumberScheduled":1,"numberAvailable":1,"numberMisscheduled":0}}`, generation)
	}
	now := time.Now().UTC().Format(time.RFC3339)
	return fmt.Sprintf(`{"status":{"observedGeneration":%d,"replicas":%d,"readyReplicas":%d,"updatedReplicas":%d,"availableReplicas":%d,"currentReplicas":%d,"conditions":[
		{"type":"Available","status":"True","reason":"MinimumReplicasAvailable","lastTransitionTime":%q},
		{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable","lastTransitionTime":%q}]}}`, generation, replicas, replicas, replicas, replicas, replicas, now, now)
}

// each patches the status of each object of a kind; "" leaves it.
func (c *Cluster) each(path, kind string, unready func(kind, namespace, name string) bool, status func(object) string) {
	code, text, err := c.Do(http.MethodGet, path, nil)
	var list struct{ Items []object }
	if err != nil || code != http.StatusOK || json.Unmarshal(text, &list) != nil {
		return // the next round asks again
	}
	group := path[:len(path)-len(kind)]
	for _, o := range list.Items {
		if unready != nil && unready(kind, o.Metadata.Namespace, o.Metadata.Name) {
			continue
		}
		if patch := status(o); patch != "" {
			_, _, _ = c.Do(http.MethodPatch, group+"namespaces/"+o.Metadata.Namespace+"/"+kind+"/"+o.Metadata.Name+"/status", []byte(patch))
		}
	}
}
