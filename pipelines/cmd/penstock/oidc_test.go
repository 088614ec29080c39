package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
)

// A command that was told to ask has a file with a token; nothing that it starts has the
// right to ask, and afterwards there is no token left.
func TestAskForTokens(t *testing.T) {
	asked := 0
	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		fmt.Fprintf(w, `{"value":"token-%d"}`, asked)
	}))
	defer forge.Close()
	for name, one := range map[string]struct {
		role, argv string
		cloud      bool // the command assumes the role of an environment
		want       string
		asked      int
		exit       int
	}{
		"a role of the environment": {argv: "--oidc-request", cloud: true, want: "token-1, bucket ", asked: 1},
		"and a bucket":              {argv: "--oidc-request", cloud: true, role: "arn:r", want: "token-1, bucket token-1", asked: 1},
		"a bucket alone":            {argv: "--oidc-request", role: "arn:r", want: ", bucket token-1", asked: 1},
		"nothing to log in to":      {argv: "--oidc-request", want: ", bucket "},
		"not told":                  {cloud: true, role: "arn:r", want: ", bucket "},
		"both":                      {argv: "--oidc-request --oidc-token-file x", cloud: true, exit: pipelines.ExitUsage, want: "two sources"},
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", forge.URL)
			t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "right")
			t.Setenv("AWS_ROLE_ARN", one.role)
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "")
			var out, said bytes.Buffer
			p := program{in: strings.NewReader(""), out: &out, err: &said}
			var file, kept string
			root := p.root()
			cmd := &cobra.Command{Use: "test", RunE: func(*cobra.Command, []string) error {
				own, _ := os.ReadFile(file)
				bucket, _ := os.ReadFile(os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
				fmt.Fprintf(&out, "%s, bucket %s", own, bucket)
				if kept = file; kept == "" {
					kept = os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")
				}
				if right := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"); right != "" && one.argv != "" {
					t.Errorf("what the command starts may ask for tokens: %q", right)
				}
				p.verdict = pipelines.Pass
				return nil
			}}
			if one.cloud {
				tokenFlags(cmd, &file)
			} else {
				tokenFlags(cmd, nil)
			}
			root.AddCommand(cmd)
			if got := p.execute(t.Context(), root, append([]string{"test"}, strings.Fields(one.argv)...)); got != one.exit {
				t.Errorf("exit %d, want %d: %s", got, one.exit, said.String())
			}
			if got := out.String() + said.String(); one.exit == 0 && got != one.want || !strings.Contains(got, one.want) {
				t.Errorf("got %q, want %q", got, one.want)
			}
			if _, err := os.Stat(kept); kept != "" && !os.IsNotExist(err) {
				t.Errorf("the token stays: %v", err)
			}
			if asked != one.asked {
				t.Errorf("it asked %d times, want %d", asked, one.asked)
			}
		})
	}
}
