package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// The state of a service in S3, as moto has it, and the real bundle with the real
// provider of AWS against moto, where a mirror holds it.
func TestServiceInS3(t *testing.T) {
	server := storetest.NewS3(t)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	aws := os.Getenv("PENSTOCK_TEST_AWS_PROVIDER")
	if home, err := os.UserHomeDir(); err == nil && aws == "" {
		aws = filepath.Join(home, ".cache", "lab", "providers")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/service",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"setenv": setenv,
		},
		Condition: func(name string) (bool, error) {
			if name != "aws" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			found, err := filepath.Glob(filepath.Join(aws, "registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*"))
			return len(found) > 0, err
		},
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, server.Env()...)
			env.Vars = append(env.Vars, "CHECKOUT="+root+"/../../..", "HOME="+env.WorkDir, "AWS_PROVIDERS="+aws, "AWS_ENDPOINT_URL="+server.Endpoint,
				"BUCKET="+server.Bucket, "STORE="+strings.ReplaceAll(server.Address("store"), "&", `\&`), // for sed
				"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid",
				"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid", "GIT_CONFIG_NOSYSTEM=1")
			return nil
		},
	})
}
