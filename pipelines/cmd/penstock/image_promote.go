package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) imagePromote() *cobra.Command {
	var promote image.Promote
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "image-promote FROM TO",
		Short: "Copy an image between registries, repositories or tags, and prove that its digest is the same",
		Long: `Copies an image with all its platforms and all that refers to them (SBOMs, provenance,
attestations) and reads everything back: the digest is the same before and after, or the
copy is refused. The tag of TO is given last, and is not moved from another digest unless
it is movable. Credentials are those of docker login, and to ECR those of the session with AWS.

Exit codes:
  0  copied
  1  refused: the tag names another digest, or what was read back is something else
  2  the command line is wrong
  3  a registry could not be reached, or did not take it`,
		Example: `  penstock image-promote build.example.com/acme/orders@sha256:... prod.example.com/acme/orders:1.4.0
  penstock image-promote registry.example.com/acme/orders@sha256:... registry.example.com/acme/orders:stable --movable stable`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			promote.From, promote.To = given[0], given[1]
			configured, err := config.Load(os.DirFS("."))
			if err != nil {
				return err
			}
			promote.Movable = append(promote.Movable, configured.Image.Movable...)
			done, err := promote.Run(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				p.verdict = pipelines.Pass
				return p.printJSON(done)
			}
			fmt.Fprintf(p.out, "from %s\n", report.Printable(done.From))
			return p.showPushed(&done.Pushed, false)
		},
	}
	cmd.Flags().StringArrayVar(&promote.Movable, "movable", nil, "let a tag that matches `GLOB` be moved, beside image.movable of penstock.yaml")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print both references, the digest and what was read back as JSON")
	return cmd
}
