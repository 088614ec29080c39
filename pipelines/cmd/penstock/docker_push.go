package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) dockerPush() *cobra.Command {
	var push image.Push
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "docker-push LAYOUT [REPOSITORY] --tag TAG",
		Short: "Push an OCI layout to a registry by its digest, read it back, and tag it last",
		Long: `Pushes the image in LAYOUT with its SBOMs and provenance to REPOSITORY (by default
service.image of penstock.yaml) by its digest, reads everything back, and gives the tags
last: what breaks in between leaves no tag. A tag that names another digest is not moved
unless it is movable. Credentials are those of docker login, and to ECR those of the session with AWS.

Exit codes:
  0  pushed; REPOSITORY@DIGEST is printed
  1  refused: the layout is not whole, a tag would move, or the registry gives back something else
  2  the command line is wrong
  3  the registry could not be reached, or did not take it`,
		Example: `  penstock docker-push build/image registry.example.com/acme/orders --tag "$(git rev-parse --short=12 HEAD)"
  penstock docker-push build/image --tag 1.4.0 --tag main --movable main`,
		Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			push.Layout = given[0]
			configured, err := config.Load(os.DirFS("."))
			if err != nil {
				return err
			}
			switch {
			case len(given) == 2:
				push.Repository = given[1]
			case configured.Service != nil && configured.Service.Image != "":
				push.Repository = configured.Service.Image
			default:
				return usage("REPOSITORY is needed, where penstock.yaml has no service.image")
			}
			push.Movable = append(push.Movable, configured.Image.Movable...)
			pushed, err := push.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.showPushed(pushed, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&push.Tags, "tag", nil, "give the image `TAG`; may be given more than once")
	cmd.Flags().StringArrayVar(&push.Movable, "movable", nil, "let tags that match `GLOB` be moved, beside image.movable of penstock.yaml")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print reference, digest, tags and what was read back as JSON")
	return cmd
}

func (p *program) showPushed(pushed *image.Pushed, asJSON bool) error {
	p.verdict = pipelines.Pass
	if asJSON {
		return p.printJSON(pushed)
	}
	// In one write: who takes the first line alone, as head -1 does, may be gone before a second.
	var said strings.Builder
	fmt.Fprintln(&said, report.Printable(pushed.Reference))
	fmt.Fprintf(&said, "  read back: %d manifests, %d blobs, %d referrers\n", pushed.Proof.Manifests, pushed.Proof.Blobs, pushed.Proof.Referrers)
	if len(pushed.Tags) > 0 {
		fmt.Fprintf(&said, "  tags: %s\n", strings.Join(pushed.Tags, ", "))
	}
	if len(pushed.Moved) > 0 {
		fmt.Fprintf(&said, "  moved from another digest: %s\n", strings.Join(pushed.Moved, ", "))
	}
	_, err := io.WriteString(p.out, said.String())
	return err
}

// printJSON prints a value for programs.
func (p *program) printJSON(value any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
