package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/service"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// ordersYAML has the places for the role, the bucket, the image and the context.
const ordersYAML = `version: 1
live:
  environments:
    - name: dvlp
      roles: {plan: "%s"}
      backend: {type: s3, config: {bucket: "%s", region: eu-west-1, key: "{env}/{unit}/terraform.tfstate"}}
service:
  name: orders
  owner: team-shop
  image: %s
  environments:
    - {name: dvlp, account: "123456789012", region: eu-west-1, cluster: {oidc_provider: oidc.example.com/id/1, context: nowhere}}
`

func doctorOf(t *testing.T, role, bucket, image string) Doctor {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "penstock.yaml"), fmt.Appendf(nil, ordersYAML, role, bucket, image), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := service.Open(t.Context(), root, "dvlp", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return Doctor{Service: s,
		Bundle: func(ctx context.Context) (*bundle.Bundle, error) { return bundle.Open(ctx, "../../bundle") },
		Login:  func() (store.Profile, error) { return live.Login(t.TempDir(), role, "ines", "") }}
}

// line is what a report says of one check.
func line(r *pipelines.Report, name string) string {
	for _, result := range r.Results {
		if result.Stage != name {
			continue
		}
		text := string(result.Verdict) + " " + result.Reason + " | " + result.Hint
		for _, f := range result.Findings {
			text = string(f.Verdict) + " " + f.Message + " | " + f.Hint
		}
		return text
	}
	return "there is no check " + name
}

func want(t *testing.T, r *pipelines.Report, name, begins string) {
	t.Helper()
	if got := line(r, name); !strings.HasPrefix(got, begins) {
		t.Errorf("%s: got %q, want %q", name, got, begins)
	}
}

func images(t *testing.T) string {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://") + "/shop/orders"
}

const role = "arn:aws:iam::123456789012:role/plan"

func TestWhatAnEnvironmentNeeds(t *testing.T) {
	moto := storetest.NewS3(t)
	t.Setenv("AWS_ENDPOINT_URL", moto.Endpoint)
	t.Setenv("AWS_ENDPOINT_URL_STS", moto.Endpoint)
	t.Setenv("KUBECONFIG", "/dev/null")
	image := images(t)
	r := doctorOf(t, role, moto.Bucket, image).Run(t.Context())
	want(t, r, "bundle", "pass dev sha256:")
	want(t, r, "credentials", "pass arn:aws:")
	want(t, r, "role", "pass arn:aws:sts::123456789012:assumed-role/plan/penstock-ines")
	want(t, r, "state", fmt.Sprintf("pass the bucket %q is reachable", moto.Bucket))
	want(t, r, "registry", "pass "+strings.Split(image, "/")[0]+" answers")
	want(t, r, "cluster", `fail the context "nowhere": `)
	if r.Verdict == pipelines.Pass || len(r.Results) != len(r.Stages) || len(r.Stages) != 11 {
		t.Errorf("%s, %d results for %v", r.Verdict, len(r.Results), r.Stages)
	}

	r = doctorOf(t, strings.Replace(role, "123456789012", "999999999999", 1), "no-such-bucket-here", "127.0.0.1:1/shop/orders").Run(t.Context())
	want(t, r, "role", "fail arn:aws:sts::999999999999:assumed-role/plan/penstock-ines is not in the account 123456789012")
	want(t, r, "state", `fail there is no bucket "no-such-bucket-here"`)
	want(t, r, "registry", "fail 127.0.0.1:1: ")

	d := doctorOf(t, role, moto.Bucket, image)
	d.Bundle = func(context.Context) (*bundle.Bundle, error) {
		return nil, &pipelines.Error{Err: errors.New("the digest is another"), Hint: "correct it"}
	}
	moto.Down.Store(true)
	r = d.Run(t.Context())
	want(t, r, "bundle", "fail the digest is another | correct it")
	want(t, r, "role", "not_run it needs credentials")
	want(t, r, "state", "not_run it needs credentials")
	if r.Verdict != pipelines.NotRun {
		t.Errorf("got %s", r.Verdict)
	}
}

func TestCredentialsThatCannotBeAskedFor(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_PROFILE": "", "KUBECONFIG": "/dev/null"} {
		t.Setenv(name, value)
	}
	d := doctorOf(t, role, "b", "127.0.0.1:1/shop/orders")
	want(t, d.Run(t.Context()), "credentials", "not_run asking AWS who this is: the service cannot be reached | look at the network")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	want(t, d.Run(t.Context()), "credentials", "fail asking AWS who this is: there are no credentials | log in")
}

// A check that never answers keeps neither the others nor the person waiting.
func TestNoAnswer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "y")
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	d := doctorOf(t, role, "b", images(t))
	d.Deadline = 2 * time.Second
	d.Bundle = func(context.Context) (*bundle.Bundle, error) { <-release; return nil, nil } // heeds no context
	r := d.Run(t.Context())
	for _, name := range []string{"bundle", "credentials", "role", "state"} {
		if got := line(r, name); !strings.HasPrefix(got, "not_run ") {
			t.Errorf("%s: %s", name, got)
		}
	}
	want(t, r, "bundle", "not_run no answer within 2s")
	want(t, r, "credentials", "not_run no answer within 2s")
	d.Deadline = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, d.Run(ctx), "bundle", "not_run interrupted")
}

func TestVersions(t *testing.T) {
	terraform, helm := tool{name: "terraform", pin: "terraform"}, tool{name: "helm", like: "4."}
	for _, test := range []struct {
		tool             tool
		have, want, says string
	}{
		{terraform, "1.11.4", "1.11.4", "pass 1.11.4"},
		{terraform, "1.9.0", "1.11.4", "fail it is 1.9.0, tools.json pins 1.11.4"},
		{helm, "4.3.1+gabc", "", "pass 4.3.1"},
		{helm, "3.19.0", "", "fail it is 3.19.0, needed is 4.x"},
		{tofu, "1.12.6", "1.12.6", "pass tofu 1.12.6 stands in for it"},
	} {
		result := test.tool.judge(test.have, test.want, "install it")
		text := string(result.Verdict) + " " + result.Reason
		for _, f := range result.Findings {
			text += f.Message
		}
		if text != test.says {
			t.Errorf("%s %s: got %q, want %q", test.tool.name, test.have, text, test.says)
		}
	}
}

func TestTools(t *testing.T) {
	bin := t.TempDir()
	for name, script := range map[string]string{"git": "echo git version 2.39.5", "tflint": "exit 1", "helm": "echo nothing", "tofu": "echo OpenTofu v0.0.1"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	r := Doctor{}.Run(t.Context())
	want(t, r, "git", "pass 2.39.5")
	want(t, r, "terraform", "fail it is 0.0.1, tools.json pins ")
	want(t, r, "tflint", `not_run "tflint --version" ended with 1 and told no version`)
	want(t, r, "helm", `not_run "helm version --short" ended with 0`)
	want(t, r, "kubectl", "fail it is not on PATH | install kubectl")
	if r.Verdict != pipelines.NotRun || len(r.Results) != 5 {
		t.Errorf("%s, %d results", r.Verdict, len(r.Results))
	}
}
