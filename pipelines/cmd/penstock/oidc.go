package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/oidc"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// The flags by which a command logs in with an OIDC token.
const (
	tokenFlag = "oidc-token-file"
	askFlag   = "oidc-request"
)

// tokenFlags let a command log in with an OIDC token: one that lies in a file, or those
// that the forge hands out. file is nil for a command that assumes no role of an
// environment, and whose store or place is still reached with AWS_ROLE_ARN.
func tokenFlags(cmd *cobra.Command, file *string) {
	what := "the environment's role is assumed"
	if file != nil {
		cmd.Flags().StringVar(file, tokenFlag, "", "a `FILE` with an OIDC token, by which "+what)
	} else {
		what = "AWS_ROLE_ARN is assumed"
	}
	cmd.Flags().Bool(askFlag, false, "ask the forge for OIDC tokens, by which "+what+": anew before one is too old (ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN)")
}

// askForTokens keeps a file with a token for a command that was told to ask for them.
func (p *program) askForTokens(cmd *cobra.Command) error {
	if ask, err := cmd.Flags().GetBool(askFlag); err != nil || !ask {
		return nil // most commands have no such flag
	}
	named := cmd.Flags().Lookup(tokenFlag)
	if named != nil && named.Changed {
		return usage("--%s and --%s are two sources of one token", askFlag, tokenFlag)
	}
	said := map[string]string{}
	for _, name := range oidc.Variables {
		said[name] = os.Getenv(name)
		if err := os.Unsetenv(name); err != nil { // the right to ask is ours alone
			return err
		}
	}
	bucket := os.Getenv("AWS_ROLE_ARN") != "" && os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") == ""
	if named == nil && !bucket {
		return nil
	}
	file, stop, err := oidc.Keeper{Getenv: func(name string) string { return said[name] }, Tell: func(err error) {
		fmt.Fprintf(p.err, "notice: %s\n", report.Printable(err.Error()))
	}}.Keep(cmd.Context())
	if err != nil {
		return err
	}
	p.after = append(p.after, stop)
	if named != nil {
		if err := cmd.Flags().Set(tokenFlag, file); err != nil {
			return err
		}
	}
	if !bucket {
		return nil
	}
	p.after = append(p.after, func() { _ = os.Unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE") })
	return os.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file) // for a store or a place in a bucket
}
