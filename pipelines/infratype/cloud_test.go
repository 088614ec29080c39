package infratype

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// cloud is moto, which stands in for AWS, and a terraform that has the real provider.
type cloud struct {
	*tool
	endpoint string
	// network is what moto has from the start.
	vpc     string
	subnets []string
}

const account = "123456789012" // moto's

// newCloud skips the test where the AWS provider is in no filesystem mirror on this
// machine, and where go test would end in the middle of it: on two busy cores these
// tests take a quarter of an hour.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	if os.Getenv("PENSTOCK_LONG") == "" {
		t.Skip("SKIPPED: the modules of the bundle were NOT planned: it takes long; make provider-test")
	}
	mirror := os.Getenv("PENSTOCK_TEST_AWS_PROVIDER")
	if home, err := os.UserHomeDir(); err == nil && mirror == "" {
		mirror = filepath.Join(home, ".cache", "lab", "providers")
	}
	found, err := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*"))
	if err != nil || len(found) == 0 {
		t.Skipf("SKIPPED: the modules of the bundle were NOT planned: no AWS provider in the mirror %q (PENSTOCK_TEST_AWS_PROVIDER)", mirror)
	}
	server := storetest.NewS3(t)
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(backups(httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(proxy.Close)
	// An override is run as it is; from a mirror, terraform would hash the provider's
	// hundreds of megabytes before each of the dozens of commands.
	settings := filepath.Join(t.TempDir(), "terraformrc")
	if err := os.WriteFile(settings, fmt.Appendf(nil, "provider_installation {\n  dev_overrides { \"hashicorp/aws\" = %q }\n}\n", filepath.Dir(found[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	// S3 Control is asked at ACCOUNT.127.0.0.1, which no name server knows: through a proxy nobody asks one.
	c := &cloud{endpoint: proxy.URL, tool: newTool(t, append(server.Env(), "TF_CLI_CONFIG_FILE="+settings, "AWS_ENDPOINT_URL="+proxy.URL, "HTTP_PROXY="+proxy.URL)...)}
	text := c.call(t, "ec2", "", "Action=DescribeSubnets&Version=2016-11-15")
	c.vpc = regexp.MustCompile(`vpc-[0-9a-f]+`).FindString(text)
	c.subnets = slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`subnet-[0-9a-f]+`).FindAllString(text, -1))))
	if c.vpc == "" || len(c.subnets) < 2 {
		t.Fatalf("moto has no network: %s", text)
	}
	c.subnets = c.subnets[:2]
	return c
}

// backups answers for the backup policy of file systems, of which moto knows only
// how it was created.
func backups(next http.Handler) http.Handler {
	var mu sync.Mutex
	kept := map[string]string{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/backup-policy") {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPut {
			text, _ := io.ReadAll(r.Body)
			kept[r.URL.Path] = string(text)
		}
		w.Header().Set("Content-Type", "application/json")
		if kept[r.URL.Path] == "" {
			kept[r.URL.Path] = `{"BackupPolicy":{"Status":"DISABLED"}}`
		}
		_, _ = io.WriteString(w, kept[r.URL.Path])
	})
}

// call asks moto itself.
func (c *cloud) call(t *testing.T, service, target, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.endpoint+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if target != "" {
		request.Header.Set("Content-Type", "application/x-amz-json-1.1")
		request.Header.Set("X-Amz-Target", target)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("asking moto: %d, %v: %s", answer.StatusCode, err, text)
	}
	return string(text)
}

// parameters are the SSM parameters beneath a path, by the rest of their names.
func (c *cloud) parameters(t *testing.T, under string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for token := ""; ; {
		query := map[string]any{"Path": under, "Recursive": true}
		if token != "" {
			query["NextToken"] = token
		}
		body, _ := json.Marshal(query) // of texts
		var page struct {
			Parameters []struct{ Name, Type, Value string }
			NextToken  string
		}
		if err := json.Unmarshal([]byte(c.call(t, "ssm", "AmazonSSM.GetParametersByPath", string(body))), &page); err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parameters {
			found[strings.TrimPrefix(p.Name, under)] = p.Value
		}
		if token = page.NextToken; token == "" {
			return found
		}
	}
}
