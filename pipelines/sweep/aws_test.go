package sweep

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

const awsCode = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
variable "name" { type = string }
resource "aws_iam_role" "r" {
  name               = var.name
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_sqs_queue" "q" {
  name       = var.name
  depends_on = [aws_iam_role.r]
}
resource "aws_s3_bucket" "b" {
  bucket     = var.name
  depends_on = [aws_sqs_queue.q]
}
resource "terraform_data" "w" {
  depends_on = [aws_s3_bucket.b]
  provisioner "local-exec" {
    command = "touch ${var.name}.made; sleep 60"
  }
}
resource "aws_iam_role" "never" {
  name               = "${var.name}-never"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
  depends_on         = [terraform_data.w]
}
`

// The real AWS provider against moto. With the state in a bucket, nothing of what was made
// in the last seconds before the kill is in it: it is adopted by import and by making it again.
func TestTheAWSProvider(t *testing.T) {
	if os.Getenv("PENSTOCK_LONG") == "" {
		t.Skip("SKIPPED: nothing of the AWS provider was swept: it takes long; make provider-test")
	}
	mirror := os.Getenv("PENSTOCK_TEST_AWS_PROVIDER")
	if home, err := os.UserHomeDir(); err == nil && mirror == "" {
		mirror = filepath.Join(home, ".cache", "lab", "providers")
	}
	if found, err := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*")); err != nil || len(found) == 0 {
		t.Skipf("SKIPPED: nothing of the AWS provider was swept: it is not in the mirror %q (PENSTOCK_TEST_AWS_PROVIDER)", mirror)
	}
	for _, bucket := range []bool{true, false} {
		l := newLab(t, "terraform", "local")
		aws := storetest.NewS3(t)
		if bucket {
			l.address = aws.Address("tests")
		}
		l.mirror = mirror
		l.must(os.WriteFile(filepath.Join(l.tmp, "cli.tfrc"), []byte("provider_installation {\n  filesystem_mirror {\n    path = \""+l.mirror+"\"\n  }\n}\n"), 0o600))
		l.env = append(append(l.env, aws.Env()...), "AWS_ENDPOINT_URL="+aws.Endpoint, "HTTP_PROXY="+aws.Endpoint)
		t.Setenv("HTTP_PROXY", aws.Endpoint) // S3 Control is asked at ACCOUNT.127.0.0.1, which no name server knows
		t.Setenv("AWS_ENDPOINT_URL", aws.Endpoint)
		l.begin(time.Hour)
		l.env = append(l.env, "TF_AWS_DEFAULT_TAGS_penstock:run="+l.run.ID)
		dir := l.module("m", "main.tf", awsCode)
		name := "t" + l.run.ID
		l.ok(dir, "init", "-no-color")
		cmd := l.command(dir, "terraform", "apply", "-auto-approve", "-no-color", "-var=name="+name)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		l.must(cmd.Start())
		made := false
		for deadline := time.Now().Add(4 * time.Minute); !made && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			_, err := os.Stat(filepath.Join(dir, name+".made"))
			made = err == nil
		}
		l.must(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
		_ = cmd.Wait()
		if !made {
			t.Fatalf("it was not made:\n%s", out.String())
		}
		at := where{region: "eu-west-1", endpoint: aws.Endpoint}
		before, err := tagged(t.Context(), at, l.run.ID)
		l.must(err)
		l.patience = 300 * time.Millisecond
		r := l.clean()
		after, err := tagged(t.Context(), at, l.run.ID)
		l.must(err)
		if len(before) < 2 || len(after) > 0 || slices.ContainsFunc(before, func(arn string) bool { return !strings.Contains(arn, name) }) {
			t.Errorf("with the tag of the run were %q, and are %q\n%s", before, after, said(r))
		}
		t.Logf("bucket %v: %q, then none\n%s", bucket, before, said(r))
	}
}
