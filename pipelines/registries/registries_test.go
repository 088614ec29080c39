package registries

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func resolved(t *testing.T, host string) (*authn.AuthConfig, error) {
	t.Helper()
	registry, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := authn.Resolve(t.Context(), Keychain, registry)
	if err != nil {
		return nil, err
	}
	config, err := authn.Authorization(t.Context(), auth)
	if err != nil {
		t.Fatal(err)
	}
	return config, nil
}

// alone leaves the test without logins of the machine, and without a session.
func alone(t *testing.T) (docker string) {
	t.Helper()
	docker = t.TempDir()
	for name, value := range map[string]string{"DOCKER_CONFIG": docker, "HOME": t.TempDir(), "XDG_RUNTIME_DIR": t.TempDir(), "REGISTRY_AUTH_FILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_ROLE_ARN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": ""} {
		t.Setenv(name, value)
	}
	fetched = logins{held: map[string]login{}}
	return docker
}

const private = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

func TestHostsOfECR(t *testing.T) {
	for host1, region := range map[string]string{
		private: "eu-west-1", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com": "us-gov-west-1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": "cn-north-1",
		"123456789012.dkr-ecr.eu-west-1.on.aws": "eu-west-1",
		"public.ecr.aws":                        "", "registry.example.com": "", private + ".example.com": "", "x" + private: "", "evil.example.com.dkr.ecr.eu-west-1.amazonaws.com": "",
	} {
		got := ""
		if parts := host.FindStringSubmatch(host1); parts != nil {
			got = parts[3]
		}
		if got != region {
			t.Errorf("%s is in %q, want %q", host1, got, region)
		}
	}
}

// moto hands out a login to ECR; docker login wins over it, and other registries get none.
func TestLoginToECR(t *testing.T) {
	server := storetest.NewS3(t)
	docker := alone(t)
	for _, pair := range server.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_ENDPOINT_URL", server.Endpoint)
	got, err := resolved(t, private)
	if err != nil || got.Username != "AWS" || got.Password == "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, host := range []string{"registry.example.com", private + ".example.com"} {
		if got, err := resolved(t, host); err != nil || got.Username+got.Password+got.Auth != "" {
			t.Errorf("%s gets %+v, %v", host, got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(docker, "config.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, private, base64.StdEncoding.EncodeToString([]byte("ines:own"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := resolved(t, private); err != nil || got.Username != "ines" || got.Password != "own" {
		t.Errorf("docker login: %+v, %v", got, err)
	}
}

// A login is asked for once, and anew before it is too old.
func TestLoginIsKept(t *testing.T) {
	alone(t)
	asked, lives := 0, 12*time.Hour
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.WriteHeader(answer)
		if answer != http.StatusOK {
			fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"ecr:GetAuthorizationToken"}`)
			return
		}
		fmt.Fprintf(w, `{"authorizationData":[{"authorizationToken":%q,"expiresAt":%d}]}`, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AWS:token-%d", asked)), time.Now().Add(lives).Unix())
	}))
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL_ECR", server.URL)

	if _, err := resolved(t, private); err == nil || !strings.Contains(err.Error(), "asking ECR for a login to") || asked != 0 {
		t.Errorf("without a session: %v, asked %d times", err, asked)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	answer = http.StatusBadRequest
	if _, err := resolved(t, private); err == nil || !strings.Contains(err.Error(), "AccessDeniedException") {
		t.Errorf("denied: %v", err)
	}
	answer, asked = http.StatusOK, 0
	for _, want := range []string{"token-1", "token-1"} {
		if got, err := resolved(t, private); err != nil || got.Password != want {
			t.Errorf("got %+v, %v, want %s", got, err, want)
		}
	}
	fetched, lives = logins{held: map[string]login{}}, 30*time.Minute
	for _, want := range []string{"token-2", "token-3"} {
		if got, err := resolved(t, private); err != nil || got.Password != want {
			t.Errorf("a short one: got %+v, %v, want %s", got, err, want)
		}
	}
}
