package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// objects renders a chart with values beside the least that it needs.
func objects(t *testing.T, chart, values string) map[string]Object {
	t.Helper()
	out, err := with(t, chart, values)
	if err != nil {
		t.Fatal(out)
	}
	all := map[string]Object{}
	for _, o := range judge(t, out, Options{}).Objects {
		if _, twice := all[o.Address()]; twice {
			t.Errorf("%s is there twice", o.Address())
		}
		all[o.Address()] = o
	}
	return all
}

// get is what stands at a path: "spec.template.spec.containers.0.image".
func get(v any, at string) any {
	for _, name := range strings.Split(at, "/") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

const image = "image: {repository: r.example.com/orders, digest: \"" + digest + "\"}\n"

// What values mean for the objects.
func TestValuesAndObjects(t *testing.T) {
	const pod = "spec/template/spec/"
	for name, c := range map[string]struct {
		chart, values, object string
		want                  map[string]any // nil is absent
	}{
		"digest beats tag": {"http-service", "image: {repository: localhost:5000/a, tag: \"1\", digest: \"" + digest + "\"}", "Deployment/orders",
			map[string]any{pod + "containers/0/image": "localhost:5000/a@" + digest}},
		"a tag alone": {"http-service", `image: {repository: r.example.com/a, tag: "1.0"}`, "Deployment/orders", map[string]any{pod + "containers/0/image": "r.example.com/a:1.0"}},
		"the restricted profile": {"daemon-service", image, "Deployment/orders", map[string]any{
			pod + "securityContext/runAsNonRoot": true, pod + "securityContext/seccompProfile/type": "RuntimeDefault",
			pod + "containers/0/securityContext/readOnlyRootFilesystem": true, pod + "containers/0/securityContext/allowPrivilegeEscalation": false,
			pod + "containers/0/securityContext/capabilities/drop/0": "ALL", pod + "automountServiceAccountToken": false, pod + "containers/0/ports": nil}},
		"autoscaled":         {"http-service", image + "autoscaling: {enabled: true}", "Deployment/orders", map[string]any{"spec/replicas": nil}},
		"not autoscaled":     {"http-service", image + "replicas: 4", "Deployment/orders", map[string]any{"spec/replicas": int64(4)}},
		"drained":            {"http-service", image + "drainSeconds: 7", "Deployment/orders", map[string]any{pod + "containers/0/lifecycle/preStop/sleep/seconds": int64(7)}},
		"not drained":        {"http-service", image + "drainSeconds: 0", "Deployment/orders", map[string]any{pod + "containers/0/lifecycle": nil}},
		"no writable folder": {"http-service", image + "volumes: {tmp: null}", "Deployment/orders", map[string]any{pod + "volumes": nil, pod + "containers/0/volumeMounts": nil}},
		"another account":    {"http-service", image + "serviceAccount: {name: other}", "ServiceAccount/other", map[string]any{"automountServiceAccountToken": false}},
		"the role": {"http-service", image + `serviceAccount: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::0:role/a"}}`, "ServiceAccount/orders",
			map[string]any{"metadata/annotations/eks.amazonaws.com/role-arn": "arn:aws:iam::0:role/a"}},
		"configuration": {"http-service", image + `config: {A: "01", B: "true", "N": "{{ x }}"}`, "ConfigMap/orders", map[string]any{"data": map[string]any{"A": "01", "B": "true", "N": "{{ x }}"}}},
		"an external secret": {"daemon-service", image + "secrets: {P: {externalSecret: {store: {name: aws, kind: ClusterSecretStore}, key: a/b, property: c}}}",
			"ExternalSecret/orders-clustersecretstore-aws", map[string]any{"spec/data/0/secretKey": "P", "spec/data/0/remoteRef/key": "a/b",
				"spec/data/0/remoteRef/property": "c", "spec/target/name": "orders-clustersecretstore-aws"}},
		"a secret of the cluster": {"http-service", image + "secrets: {P: {secretKeyRef: {name: s, key: k}}}", "Deployment/orders", map[string]any{
			pod + "containers/0/env/0/name": "P", pod + "containers/0/env/0/valueFrom/secretKeyRef/name": "s", pod + "containers/0/env/0/valueFrom/secretKeyRef/key": "k"}},
		"denied by default": {"http-service", image, "NetworkPolicy/orders", map[string]any{"spec/ingress": nil, "spec/policyTypes/0": "Ingress", "spec/policyTypes/1": "Egress",
			"spec/egress/0/ports/0/port": int64(53), "spec/egress/1": nil}},
		"who may connect": {"http-service", image + "networkPolicy: {ingress: [{namespace: shop, service: cart}]}", "NetworkPolicy/orders", map[string]any{
			"spec/ingress/0/from/0/podSelector/matchLabels/app.kubernetes.io/name": "cart", "spec/ingress/0/from/1": nil, "spec/ingress/0/ports/0/port": int64(8080)}},
		"a worker lets nobody in": {"daemon-service", image, "NetworkPolicy/orders", map[string]any{"spec/ingress": nil, "spec/policyTypes/0": "Ingress"}},
		"a migration by itself": {"db-migration", image + "command: [m]", "Job/orders-migration", map[string]any{"spec/backoffLimit": int64(0), pod + "restartPolicy": "Never",
			"metadata/annotations/helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := objects(t, c.chart, c.values)
			o, ok := all[c.object]
			if !ok {
				t.Fatalf("there is no %s", c.object)
			}
			for at, want := range c.want {
				// Labels and annotations have slashes in their names.
				if got := getNamed(o.Value, at); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", at, got, want)
				}
			}
		})
	}
}

// getNamed is get where the last names of a path may hold slashes.
func getNamed(v any, at string) any {
	for _, key := range []string{"metadata/annotations/", "matchLabels/"} {
		if i := strings.Index(at, key); i >= 0 {
			m, _ := get(v, at[:i]+strings.TrimSuffix(key, "/")).(map[string]any)
			return m[at[i+len(key):]]
		}
	}
	return get(v, at)
}

// What is not made where it is not wanted.
func TestObjectsThatAreNotThere(t *testing.T) {
	for name, c := range map[string]struct{ chart, values, kind string }{
		"no budget for one pod":           {"http-service", image + "replicas: 1", "PodDisruptionBudget"},
		"no budget for one pod at least":  {"http-service", image + "autoscaling: {enabled: true, minReplicas: 1}", "PodDisruptionBudget"},
		"no budget":                       {"http-service", image + "disruptionBudget: {enabled: false}", "PodDisruptionBudget"},
		"no autoscaler":                   {"http-service", image, "HorizontalPodAutoscaler"},
		"no ingress":                      {"http-service", image, "Ingress"},
		"no policy":                       {"http-service", image + "networkPolicy: {enabled: false}", "NetworkPolicy"},
		"no account":                      {"http-service", image + "serviceAccount: {create: false, name: a}", "ServiceAccount"},
		"no account of a migration":       {"db-migration", image + "command: [m]\nserviceAccount: {create: false, name: a}", "ServiceAccount"},
		"no configuration":                {"http-service", image, "ConfigMap"},
		"no migration":                    {"http-service", image, "Job"},
		"no service of a worker":          {"daemon-service", image, "Service"},
		"no secret is made, only refered": {"http-service", image + "secrets: {P: {secretKeyRef: {name: s, key: k}}}", "ExternalSecret"},
	} {
		for address := range objects(t, c.chart, c.values) {
			if strings.HasPrefix(address, c.kind+"/") {
				t.Errorf("%s: there is %s", name, address)
			}
		}
	}
}

// A migration runs before anything of the release, with all it needs, once; what
// failed is kept; no service and no budget takes its pod for one of its own.
func TestMigration(t *testing.T) {
	for _, chart := range []string{"http-service", "daemon-service"} {
		all := objects(t, chart, image+`migration: {enabled: true, command: [/app, migrate]}
serviceAccount: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::000000000000:role/penstock/dvlp-orders"}}
config: {A: b}
secrets: {P: {externalSecret: {store: {name: aws, kind: ClusterSecretStore}, key: a}}}
`)
		job := all["Job/orders-migration"]
		if get(job.Value, "spec/template/spec/containers/0/image") != get(all["Deployment/orders"].Value, "spec/template/spec/containers/0/image") {
			t.Errorf("%s: it is of another image", chart)
		}
		// The role's trust names this account (service-iam), and the account the role.
		if account := get(job.Value, "spec/template/spec/serviceAccountName"); account != "orders-migration" {
			t.Errorf("%s: it runs as %v", chart, account)
		}
		if role := getNamed(all["ServiceAccount/orders-migration"].Value, "metadata/annotations/eks.amazonaws.com/role-arn"); role != "arn:aws:iam::000000000000:role/penstock/dvlp-orders" {
			t.Errorf("%s: its account has the role %v", chart, role)
		}
		labels := get(job.Value, "spec/template/metadata/labels").(map[string]any)
		hooks := 0
		for address, o := range all {
			hook := getNamed(o.Value, "metadata/annotations/helm.sh/hook")
			if strings.Contains(o.Name, "migration") != (hook == "pre-install,pre-upgrade") {
				t.Errorf("%s: %s is a hook: %v", chart, address, hook)
			}
			if hook != nil {
				hooks++
				weight, _ := getNamed(o.Value, "metadata/annotations/helm.sh/hook-weight").(string)
				if (o.Kind == "Job") != (weight == "0") || o.Kind != "Job" && !strings.HasPrefix(weight, "-") {
					t.Errorf("%s: %s has the weight %q", chart, address, weight)
				}
				continue
			}
			selector, _ := get(o.Value, "spec/selector").(map[string]any)
			if inner, ok := selector["matchLabels"].(map[string]any); ok {
				selector = inner
			}
			selects := len(selector) > 0
			for key, value := range selector {
				selects = selects && labels[key] == value
			}
			if selects {
				t.Errorf("%s: %s selects the pod of the migration", chart, address)
			}
		}
		if hooks != 5 {
			t.Errorf("%s: %d objects are hooks", chart, hooks)
		}
	}
}

// A change of the configuration is a rollout; one of the chart's version is none.
func TestRollout(t *testing.T) {
	template := func(values string) string {
		return fmt.Sprint(get(objects(t, "http-service", image+values)["Deployment/orders"].Value, "spec/template"))
	}
	if template(`config: {A: "1"}`) == template(`config: {A: "2"}`) {
		t.Error("another configuration is no rollout")
	}
	if strings.Contains(template(""), "helm.sh/chart") {
		t.Error("the chart's version is a label of pods")
	}
}

// What is refused, by the schema or by the templates, and in which words.
func TestValuesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ chart, values, want string }{
		"nothing said":             {"http-service", "", "/image"},
		"neither tag nor digest":   {"http-service", "image: {repository: a}", "/image"},
		"latest":                   {"http-service", "image: {repository: a, tag: latest}", "/image/tag"},
		"Latest":                   {"daemon-service", "image: {repository: a, tag: Latest}", "/image/tag"},
		"latest in the repository": {"http-service", `image: {repository: "r.example.com/a:latest", tag: "1"}`, "/image/repository"},
		"digest in the repository": {"http-service", `image: {repository: "a@` + digest + `", tag: "1"}`, "/image/repository"},
		"half a digest":            {"http-service", `image: {repository: a, digest: "sha256:00"}`, "/image/digest"},
		"a tag that is a number":   {"http-service", "image: {repository: a, tag: 1.10}", "/image/tag"},
		"a number in config":       {"http-service", image + "config: {A: 1}", "/config/A"},
		"a boolean in config":      {"daemon-service", image + "config: {A: yes}", "/config/A"},
		"a name that is a boolean": {"http-service", image + `config: {y: "1"}`, "propertyName"},
		"a name with a dash":       {"http-service", image + `config: {A-B: "1"}`, "propertyName"},
		"a secret in plain":        {"http-service", image + "secrets: {A: hunter2}", "/secrets/A"},
		"a secret of both kinds":   {"http-service", image + "secrets: {A: {secretKeyRef: {name: a, key: b}, externalSecret: {store: {name: a, kind: SecretStore}, key: b}}}", "/secrets/A"},
		"a privileged port":        {"http-service", image + "port: 80", "/port"},
		"a port of a worker":       {"daemon-service", image + "port: 8080", "port"},
		"root":                     {"http-service", image + "podSecurity: {runAsUser: 0}", "/podSecurity/runAsUser"},
		"no limit of memory":       {"http-service", image + "resources: {limits: {memory: null}}", "/resources/limits"},
		"a quantity as a number":   {"http-service", image + "resources: {requests: {cpu: 1}}", "/resources/requests/cpu"},
		"no path of an ingress":    {"http-service", image + "ingress: {enabled: true}", "/ingress/hosts"},
		"no command of migration":  {"http-service", image + "migration: {enabled: true}", "/migration/command"},
		"no command":               {"db-migration", image, "/command"},
		"no account":               {"http-service", image + "serviceAccount: {create: false}", "/serviceAccount"},
		"a volume of both kinds":   {"http-service", image + "volumes: {a: {mountPath: /a, size: 1Gi, claim: b}}", "/volumes/a"},
		"labels that select":       {"http-service", image + "podLabels: {app.kubernetes.io/name: other}", "propertyName"},
		"values for the library":   {"http-service", image + "service-common: {a: b}", "/service-common"},
		"less than the least":      {"http-service", image + "autoscaling: {enabled: true, minReplicas: 9}", "autoscaling.minReplicas is above"},
		"drained beyond the end":   {"http-service", image + "drainSeconds: 30", "drainSeconds has to be less"},
		"config and secret":        {"http-service", image + "config: {A: b}\nsecrets: {A: {secretKeyRef: {name: a, key: b}}}", "A is in config and in secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := with(t, c.chart, c.values)
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("got %v, want %q in it:\n%s", err, c.want, out)
			}
		})
	}
}

// Names that look like numbers and booleans stay texts, and what a value holds
// stays in it.
func TestNamesThatLookLikeNumbers(t *testing.T) {
	for _, chart := range services {
		values := image + `command: ["1", "on"]
config: {A: "0755", "N": "null", T: "x\n---\nkind: Secret\n# Source: a", "true_": "\u00e9\u0007"}
secrets:
  P: {externalSecret: {store: {name: "0755", kind: SecretStore}, key: "1", property: "on"}}
  Q: {secretKeyRef: {name: "1e3", key: "2"}}
volumes: {"1": {mountPath: "/1", size: "1024"}, "2": {mountPath: "/2", claim: "0x10"}}
serviceAccount: {name: "123", annotations: {a: "1"}}
podAnnotations: {a: "true"}
podLabels: {a: "1.0"}
nodeSelector: {a: "null"}
networkPolicy: {egress: [{namespace: "1", service: "on", ports: [1]}]}
`
		if chart != "db-migration" {
			values += "migration: {enabled: true, command: [\"yes\"]}\ntopologySpread: {topologyKeys: [\"1\"]}\n"
		}
		if chart == "http-service" {
			values += `ingress: {enabled: true, className: "1", annotations: {a: "1"}, hosts: [{host: "1", paths: [{path: /, pathType: Exact}]}], tls: [{secretName: "1", hosts: ["1"]}]}` + "\n"
		}
		file := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
			t.Fatal(err)
		}
		out, text, err := helm(t, "template", "123", filepath.Join(charts, chart), "--namespace", "456", "--values", file)
		if err != nil {
			t.Fatal(text)
		}
		j := judge(t, out, Options{})
		if len(j.Findings) > 0 {
			t.Errorf("%s: %s\n%s", chart, lines(j.Findings), out)
		}
		seen := 0
		for _, o := range j.Objects {
			if o.Kind == "ConfigMap" {
				seen++
				if got := get(o.Value, "data/T"); got != "x\n---\nkind: Secret\n# Source: a" {
					t.Errorf("%s: T is %q", chart, got)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: there is no ConfigMap", chart)
		}
	}
}
