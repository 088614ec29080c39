package shim

import (
	"fmt"
	"slices"
	"testing"
)

// As terraform 1.11.4 prints them.
func TestLeftovers(t *testing.T) {
	for text, want := range map[string][]string{
		"Success! 1 passed, 0 failed.\n  - not.this\n": nil,
		"Terraform left the following resources in state after executing\na.tftest.hcl/files, and they need to be cleaned up manually:\n  - terraform_data.a\n  - module.b.aws_vpc.c[\"x\"]\na.tftest.hcl... fail\n\n  - not.this\n": {
			"terraform_data.a", "module.b.aws_vpc.c[\"x\"]"},
		`{"@level":"error","test_cleanup":{"failed_resources":[{"instance":"terraform_data.a"},{"instance":"aws_vpc.s"}]},"type":"test_cleanup"}` + "\n": {
			"terraform_data.a", "aws_vpc.s"},
	} {
		l := listen()
		if _, err := fmt.Fprint(l.write, text); err != nil {
			t.Fatal(err)
		}
		if got := l.close(); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
