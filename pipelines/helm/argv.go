package helm

import (
	"path/filepath"
	"strconv"
	"time"
)

// place is where a release is: each command names it whole, so that no default of
// a kubeconfig or of the environment decides where something is changed.
type place struct {
	// Context of the kubeconfig; empty for its current one.
	Context string
	// Namespace and Release are names of Kubernetes.
	Namespace, Release string
}

func (p place) flags() []string {
	flags := []string{"--namespace", p.Namespace}
	if p.Context != "" {
		flags = append(flags, "--kube-context", p.Context)
	}
	return flags
}

func (p place) kubectl(args ...string) []string {
	argv := append([]string{}, args...)
	if p.Context != "" {
		argv = append(argv, "--context", p.Context)
	}
	return append(argv, "--namespace", p.Namespace)
}

// bounds are those of one deploy.
type bounds struct {
	Timeout time.Duration
	History int
}

// source is what is rendered: a chart on disk, and values files, the last of which counts.
type source struct {
	Chart  string
	Values []string
}

func (s source) flags() []string {
	var flags []string
	for _, file := range s.Values {
		flags = append(flags, "--values", file)
	}
	return flags
}

func templateArgv(p place, s source, upgrade bool) []string {
	argv := []string{"template", p.Release, s.Chart, "--namespace", p.Namespace, "--include-crds"}
	if upgrade {
		argv = append(argv, "--is-upgrade")
	}
	return append(argv, s.flags()...)
}

// upgradeArgv is the deploy, or with dry what the server says of it.
func upgradeArgv(p place, s source, b bounds, m Metadata, dry bool) []string {
	argv := append([]string{"upgrade", p.Release, s.Chart, "--install"}, p.flags()...)
	argv = append(argv, s.flags()...)
	if dry {
		return append(argv, "--dry-run=server", "--output", "json")
	}
	argv = append(argv, "--wait=watcher", "--wait-for-jobs", "--rollback-on-failure", "--timeout", b.Timeout.String(),
		"--history-max", strconv.Itoa(b.History), "--description", m.Description())
	for _, label := range m.labels() {
		argv = append(argv, "--labels", label)
	}
	return append(argv, "--output", "json")
}

// rollbackArgv goes back to a revision. A repair does not wait: it brings back what
// ran before, and the deploy behind it waits for its own.
func rollbackArgv(p place, revision int, b bounds, description string, wait bool) []string {
	argv := append([]string{"rollback", p.Release, strconv.Itoa(revision)}, p.flags()...)
	argv = append(argv, "--timeout", b.Timeout.String(), "--history-max", strconv.Itoa(b.History), "--description", description)
	if wait {
		return append(argv, "--wait=watcher", "--wait-for-jobs")
	}
	return append(argv, "--no-hooks") // the hooks of the revision that was cut off are not those of this one
}

func uninstallArgv(p place, b bounds, description string) []string {
	return append([]string{"uninstall", p.Release, "--ignore-not-found", "--no-hooks", "--wait=watcher", "--timeout", b.Timeout.String(),
		"--description", description}, p.flags()...)
}

func historyArgv(p place) []string {
	return append([]string{"history", p.Release, "--max", "256", "--output", "json"}, p.flags()...)
}

// getArgv reads one thing of a revision: manifest, hooks, values or metadata.
func getArgv(p place, what string, revision int) []string {
	argv := append([]string{"get", what, p.Release, "--revision", strconv.Itoa(revision)}, p.flags()...)
	if what == "metadata" || what == "values" {
		argv = append(argv, "--output", "json")
	}
	return argv
}

// pullArgv fetches a third party's chart as an archive into a directory.
func pullArgv(repository, name, version, dir string) []string {
	if !isOCI(repository) {
		return []string{"pull", name, "--repo", repository, "--version", version, "--destination", dir}
	}
	return []string{"pull", repository + "/" + name, "--version", version, "--destination", dir}
}

func namespaceArgv(p place) []string {
	return p.kubectl("get", "namespace", p.Namespace, "--output", "name", "--request-timeout", "20s")
}

// admitArgv lets the API server judge the manifest of stdin as if it were applied:
// its schemas, quotas and admission, which helm's own dry run does not ask. output is
// name, or json for what it would come to.
func admitArgv(p place, output string) []string {
	return p.kubectl("apply", "--server-side", "--dry-run=server", "--field-manager", "helm", "--filename", "-", "--output", output)
}

// createArgv does the same for hooks, which are made anew each time.
func createArgv(p place) []string {
	return p.kubectl("create", "--dry-run=server", "--filename", "-", "--output", "name")
}

func proxyArgv(p place, service, path string) []string {
	return p.kubectl("get", "--raw", "/api/v1/namespaces/"+p.Namespace+"/services/"+service+"/proxy"+path, "--request-timeout", "10s")
}

// homes are the directories in which helm looks for plugins, repositories and caches:
// none of the person's, so that a deploy is the same everywhere.
func homes(dir string) []string {
	return []string{
		"HELM_CACHE_HOME=" + filepath.Join(dir, "cache"),
		"HELM_CONFIG_HOME=" + filepath.Join(dir, "config"),
		"HELM_DATA_HOME=" + filepath.Join(dir, "data"),
	}
}
