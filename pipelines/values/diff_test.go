package values

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

func TestCompare(t *testing.T) {
	entries := []Entry{
		configured("SAME", "/a", "1", pipelines.Position{}), configured("OTHER", "/b", "new", pipelines.Position{}),
		configured("FRESH", "/c", "x", pipelines.Position{}), configured("TYPE", "/d", "1", pipelines.Position{}),
		secret("KEPT", "/e", Reference{SecretStore, "k", "p"}, pipelines.Position{}), secret("MOVED", "/f", Reference{SecretStore, "k2", ""}, pipelines.Position{}),
		secret("WAS_PLAIN", "/g", Reference{SecretStore, "k3", ""}, pipelines.Position{}),
	}
	deployed := map[string]any{
		"config":  map[string]any{"SAME": "1", "OTHER": "old", "TYPE": 1.0, "WAS_PLAIN": secretValue, "OWN": "squad's", "GONE": secretValue},
		"secrets": map[string]any{"KEPT": entries[4].reference(), "MOVED": map[string]any{"value": secretValue}},
	}
	now := merged([]layer{{Values: map[string]any{"config": map[string]any{"OWN": "x", "SAME": "1", "OTHER": "new", "FRESH": "x", "TYPE": "1"}}}})
	var got []string
	for _, c := range compare(deployed, entries, now) {
		got = append(got, c.Action+": "+c.String())
	}
	want := []string{
		`add: config.FRESH is new: "x" (/c)`,
		`remove: config.GONE is no longer there`,
		`change: config.OTHER changes: "old" -> "new" (/b)`,
		`change: config.TYPE changes:  -> "1" (/d)`,
		`remove: config.WAS_PLAIN is no longer there`,
		`remove: secrets.KEPT is no longer there`, // now does not hold them
		`change: secrets.MOVED changes (/f)`,
		`remove: secrets.MOVED is no longer there`,
		`add: secrets.WAS_PLAIN is new (/g)`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDiffAgainstAFile(t *testing.T) {
	g := orders(t, "dvlp", nil)
	g.Open = from(directory(t, dvlp(), "shop/orders/api", "shop/orders/db"))
	if o, text := do(t, g); o.Report.Verdict != pipelines.Pass {
		t.Fatal(text)
	}
	file := filepath.Join(g.Service.Root, Generated)
	o, err := Diff{Generate: g, Against: file}.Do(t.Context())
	if err != nil || o.Report.Verdict != pipelines.Pass || len(o.Changes) != 0 {
		t.Fatalf("nothing differs: %v, %s", err, said(o.Report))
	}
	put(t, file, strings.Replace(generated(t, g), "5432", "5433", 1))
	o, err = Diff{Generate: g, Against: file}.Do(t.Context())
	if err != nil || o.Report.Verdict != pipelines.Fail || len(o.Changes) != 1 || !strings.Contains(said(o.Report), `config.RDS_MAIN_PORT changes: "5433" -> "5432" (/dvlp/orders/rds_clusters/main/port)`) {
		t.Errorf("one port differs: %v, %s", err, said(o.Report))
	}
	o, err = Diff{Generate: g, Against: file + ".not"}.Do(t.Context())
	if err != nil || o.Report.Verdict != pipelines.NotRun {
		t.Errorf("without the file: %v, %s", err, said(o.Report))
	}
}

// withHelm puts the real helm on PATH, and skips where there is none.
func withHelm(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("helm"); err == nil {
		return
	}
	home, _ := os.UserHomeDir()
	bin := filepath.Join(home, ".cache", "penstock", "bin")
	if _, err := os.Stat(filepath.Join(bin, "helm")); err != nil {
		t.Skip("SKIPPED: no helm on this machine: the deployed values were NOT asked for")
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// cluster answers as the API server does for helm's own records, which are Secrets.
func cluster(t *testing.T, status int, revisions ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/version" {
			fmt.Fprint(w, `{"major":"1","minor":"36","gitVersion":"v1.36.3"}`)
			return
		}
		if status != http.StatusOK {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"secrets is forbidden","reason":"Forbidden","code":%d}`, status)
			return
		}
		var items []map[string]any
		for i, text := range revisions {
			items = append(items, record(i+1, text))
		}
		for _, item := range items {
			if strings.HasSuffix(r.URL.Path, "/"+item["metadata"].(map[string]any)["name"].(string)) {
				_ = json.NewEncoder(w).Encode(item)
				return
			}
		}
		if !strings.HasSuffix(r.URL.Path, "/namespaces/shop/secrets") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "SecretList", "apiVersion": "v1", "metadata": map[string]any{}, "items": items})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// record is a revision as helm keeps it: "STATUS VALUES".
func record(revision int, text string) map[string]any {
	status, values, _ := strings.Cut(text, " ")
	body := fmt.Sprintf(`{"name":"orders","namespace":"shop","version":%d,"info":{"status":%q,"first_deployed":"2026-01-01T00:00:00Z","last_deployed":"2026-01-01T00:00:00Z"},"chart":{"metadata":{"name":"http-service","version":"1.0.0","apiVersion":"v2"}},"config":%s}`, revision, status, values)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	inner := base64.StdEncoding.EncodeToString(zipped.Bytes())
	return map[string]any{"kind": "Secret", "apiVersion": "v1", "type": "helm.sh/release.v1", "data": map[string]any{"release": base64.StdEncoding.EncodeToString([]byte(inner))},
		"metadata": map[string]any{"name": fmt.Sprintf("sh.helm.release.v1.orders.v%d", revision), "namespace": "shop",
			"labels": map[string]any{"owner": "helm", "name": "orders", "status": status, "version": fmt.Sprint(revision)}}}
}

func kubeconfig(t *testing.T, server string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	put(t, file, fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: %q}}], contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: {}}]}`, server))
	return append(os.Environ(), "KUBECONFIG="+file, "HELM_NAMESPACE=elsewhere")
}

// The real helm is asked, of an API server that holds its records.
func TestDiffAgainstTheRelease(t *testing.T) {
	withHelm(t)
	g := orders(t, "test", nil)
	g.Open = from(directory(t, map[string]string{"/test/orders/iam/role/arn": "arn"}, "shop/orders/api", "shop/orders/db"))
	for name, test := range map[string]struct {
		server  string
		verdict pipelines.Verdict
		want    []string
	}{
		"deployed, then a failure": {cluster(t, 200, `superseded {"image":{"repository":"x"}}`, `deployed {"image":{"repository":"old"},"config":{"GONE":"`+secretValue+`"}}`, `failed {"image":{"repository":"broken"}}`), pipelines.Fail,
			[]string{`image.repository changes: "old" -> "registry.example.com/shop/orders"`, "config.GONE is no longer there", "secrets.API_TOKEN is new", "compared with revision 2"}},
		"never released": {cluster(t, 200), pipelines.Fail, []string{"compared with nothing", "image.repository is new"}},
		"none runs":      {cluster(t, 200, `failed {}`), pipelines.Fail, []string{"no revision of"}},
		"denied":         {cluster(t, 403), pipelines.NotRun, []string{"asking for the deployed values: helm history: ", "forbidden"}},
		"not reachable":  {"http://127.0.0.1:1", pipelines.NotRun, []string{"asking for the deployed values: helm history: ", "refused"}},
	} {
		o, err := Diff{Generate: g, Env: kubeconfig(t, test.server)}.Do(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := said(o.Report)
		if o.Report.Verdict != test.verdict || strings.Contains(text, "A SECRET IS SHOWN") {
			t.Errorf("%s: %s", name, text)
		}
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s\nis not said: %s", name, want, text)
			}
		}
	}
}
