package bucket

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/penstock-dev/penstock/pipelines/terratest/harness"
)

// stand-ins for S3 know a bucket by the path only.
const standIn = "provider \"aws\" {\n  s3_use_path_style = true\n}\n"

func TestBucketIsMadeOnce(t *testing.T) {
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" && os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") == "" {
		t.Skip("there are no credentials of an AWS account: set AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_ENDPOINT_URL of a stand-in")
	}
	t.Parallel()
	box := harness.New(t, "../../modules/s3-bucket")
	if os.Getenv("AWS_ENDPOINT_URL") != "" {
		if err := os.WriteFile(filepath.Join(box.Dir, "provider.tf"), []byte(standIn), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := &terraform.Options{
		TerraformDir: box.Dir,
		Vars:         box.Vars(map[string]any{"name": box.Name + "-bucket"}),
		EnvVars:      box.Env,
		Lock:         true,
		NoColor:      true,
	}
	box.Undo(func() error {
		_, err := terraform.DestroyContextE(t, context.Background(), options)
		return err
	})
	terraform.InitAndApplyAndIdempotentContext(t, box.Context, options)
	if arn := terraform.OutputContext(t, box.Context, options, "arn"); arn != "arn:aws:s3:::"+box.Name+"-bucket" {
		t.Errorf("the bucket is %q", arn)
	}
}
