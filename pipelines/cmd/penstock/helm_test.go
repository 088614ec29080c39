package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/helm"
	"github.com/penstock-dev/penstock/pipelines/internal/kubetest"
)

// The commands of docs/helm-deploy.md do what it says, with its penstock.yaml, the charts
// of the bundle and a real API server.
func TestDocumentedReleases(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short: no cluster is started")
	}
	_, _, missing := kubetest.Programs()
	if missing != "" {
		t.Skip("SKIPPED: " + missing + ": the commands of docs/helm-deploy.md were not run")
	}
	for _, name := range []string{"helm", "kubectl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("SKIPPED: " + name + " is absent: the commands of docs/helm-deploy.md were not run")
		}
	}
	doc, err := os.ReadFile("../../../docs/helm-deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := filepath.Abs("../../../bundle")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	c, err := kubetest.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	go c.Ready(t.Context(), nil)
	if err := c.Namespace("shop"); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(root, "kubeconfig")
	if err := c.Kubeconfig(kubeconfig, "", kubetest.Admin); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("kubeconfig", strings.ReplaceAll(string(text), "test", "dvlp"))
	t.Setenv("KUBECONFIG", kubeconfig)
	example := fenced(t, string(doc), "yaml")
	if _, err := config.Read(config.File, []byte(example)); err != nil {
		t.Errorf("the example of docs/helm-deploy.md: %v", err)
	}
	// Nothing runs in the cluster of the test that could answer.
	write(config.File, regexp.MustCompile(`(?m)^  smoke:.*$`).ReplaceAllString(example, ""))
	write(helm.OwnValues, "image: {repository: registry.invalid/shop/orders, digest: \"sha256:"+strings.Repeat("0", 64)+"\"}\n")
	t.Chdir(root)
	for i, line := range strings.Split(strings.TrimSpace(fenced(t, string(doc), "sh")), "\n") {
		line, _, _ = strings.Cut(line, "#")
		argv := strings.Fields(line)[1:]
		if argv[0] == "helm-deploy" {
			argv = append(argv, "--bundle", bundle)
		}
		if i == 3 { // there is something to go back to by then
			write("dvlp-"+helm.OwnValues, "replicas: 3\n")
			documented(t, "helm-deploy", "--env", "dvlp", "--bundle", bundle)
		}
		out := documented(t, argv...)
		for _, want := range [][]string{{"create Deployment/orders", "resources change"}, {"replicas: ", "http-service/values.yaml:"}, {"orders is deployed at revision 1 in shop"},
			{"-  replicas: 3", "+  replicas: 2"}, {"orders is deployed at revision 3 in shop"}}[i] {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not say %q:\n%s", line, want, out)
			}
		}
	}
	var outcome helm.Outcome
	text, err = os.ReadFile("release/release.json")
	if err == nil {
		err = json.Unmarshal(text, &outcome)
	}
	if err != nil || outcome.Revision != 1 || outcome.Schema != helm.OutcomeSchema || outcome.Report == nil {
		t.Errorf("release.json: %v, %+v", err, outcome)
	}
}

// documented runs a command that has to succeed.
func documented(t *testing.T, argv ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	p := program{in: strings.NewReader(""), out: &out, err: &complaints}
	if code := p.run(context.Background(), argv); code != 0 {
		t.Fatalf("penstock %v: exit %d\n%s%s", argv, code, out.String(), complaints.String())
	}
	return out.String()
}

// fenced is the first block of a language.
func fenced(t *testing.T, doc, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(doc, "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("there is no block of %s", language)
	}
	return block
}

func TestPartOfAStore(t *testing.T) {
	for address, want := range map[string]string{
		"s3://plans":                                "s3://plans/helm",
		"s3://plans/orders/":                        "s3://plans/orders/helm",
		"s3://plans/orders?region=eu-west-1":        "s3://plans/orders/helm?region=eu-west-1",
		"s3://plans/orders/?region=eu-west-1&x=y?z": "s3://plans/orders/helm?region=eu-west-1&x=y?z",
	} {
		if got := beneath(address, "helm"); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
