package values

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/service"
)

// release is where a service is deployed.
type release struct{ name, namespace, context string }

func releaseOf(s *service.Service) release {
	r := release{name: s.Config.Service.Name, namespace: s.Config.Service.Namespace, context: s.Environment.Cluster.Context}
	if r.namespace == "" {
		r.namespace = r.name
	}
	return r
}

// flags name the place whole, so that no default of a kubeconfig decides.
func (r release) flags() []string {
	flags := []string{"--namespace", r.namespace, "--output", "json"}
	if r.context != "" {
		flags = append(flags, "--kube-context", r.context)
	}
	return flags
}

func historyArgv(r release) []string {
	return append([]string{"history", r.name, "--max", "256"}, r.flags()...)
}

func valuesArgv(r release, revision int) []string {
	return append([]string{"get", "values", r.name, "--revision", strconv.Itoa(revision)}, r.flags()...)
}

// lastDeployed is the revision that runs, of a history as helm prints it; 0 where none does.
func lastDeployed(history []byte) (int, error) {
	var revisions []struct {
		Revision int    `json:"revision"`
		Status   string `json:"status"`
	}
	if err := json.Unmarshal(history, &revisions); err != nil {
		return 0, fmt.Errorf("reading the history that helm printed: %w", err)
	}
	last := 0
	for _, r := range revisions {
		if r.Status == "deployed" {
			last = max(last, r.Revision)
		}
	}
	return last, nil
}

var errNoRelease = errors.New("there is no such release")

// helm runs it and returns what it printed.
func (d Diff) helm(ctx context.Context, argv []string) ([]byte, error) {
	program, err := exec.LookPath("helm")
	if err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("asking for the deployed values: %w", err), Hint: "install helm, or name a file of values with --against"}
	}
	env := d.Env
	if env == nil {
		env = os.Environ()
	}
	var kept []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, "HELM_") { // HELM_NAMESPACE, HELM_KUBE...: what decides stands in argv
			kept = append(kept, pair)
		}
	}
	out, err := process.Run(ctx, process.Command{Argv: append([]string{program}, argv...), Env: kept})
	if err != nil {
		return nil, fmt.Errorf("asking for the deployed values: %w", err)
	}
	if out.Exit == 0 {
		return out.Stdout, nil
	}
	if strings.Contains(string(out.Stderr), "release: not found") {
		return nil, errNoRelease
	}
	said := strings.TrimPrefix(printable.Text(lastLine(string(out.Stderr)), 400), "Error: ")
	return nil, &pipelines.Error{Err: fmt.Errorf("asking for the deployed values: helm %s: %s", argv[0], said),
		Hint: "penstock doctor says whether the cluster is reachable; --against FILE compares with a file"}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
