package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) dockerBuild() *cobra.Command {
	var b image.Build
	var binaries, buildArgs []string
	var key, source, revision, version, name string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "docker-build [DIR] --layout OUT",
		Short: "Build the image of a service into an OCI layout, with labels, SBOM and provenance",
		Long: `Builds the Dockerfile in DIR with the builder that works here (docker buildx, podman or
buildctl), takes over what another builder wrote (--from-layout, such as the Dagger
engine), or makes an image from scratch of binaries (--binary). In each case the image
gets its labels, an SBOM (SPDX) for each platform and the provenance (SLSA) beside it,
and is written as an OCI layout with one digest for all platforms.

Labels come from the commit: the same commit and binaries give the same digest. Build
arguments stay in the image for all to read: none may be a secret.

Exit codes:
  0  built; the digest is the first word that is printed
  1  the Dockerfile does not build, or what was given cannot become an image
  2  the command line is wrong
  3  there is no builder that works here, or a file could not be read or written`,
		Example: `  penstock docker-build --layout build/image --platform linux/amd64,linux/arm64
  penstock docker-build --layout build/image --from-layout engine.tar
  penstock docker-build --layout build/image --name orders --binary linux/amd64=bin/amd64 --binary linux/arm64=bin/arm64`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if b.Out == "" {
				return usage("--layout is needed: the directory of the image")
			}
			dir, err := directory(or(given, "."))
			if err != nil {
				return err
			}
			b.Dockerfile.Context = dir
			if b.Binaries, err = pairs("--binary", binaries); err != nil {
				return err
			}
			if b.Dockerfile.Args, err = pairs("--build-arg", buildArgs); err != nil {
				return err
			}
			if b.Labels, err = image.LabelsOf(cmd.Context(), dir); err != nil {
				return err
			}
			override(&b.Labels.Source, source)
			override(&b.Labels.Revision, revision)
			override(&b.Labels.Version, version)
			override(&b.Labels.Title, name)
			if key != "" {
				if b.Key, err = capsule.ReadSigner(key); err != nil {
					return ofKey(err)
				}
			}
			b.Dockerfile.Platforms = commas(b.Dockerfile.Platforms)
			built, err := b.Run(cmd.Context())
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			if asJSON {
				return p.printJSON(built)
			}
			fmt.Fprintf(p.out, "%s %s\n", built.Digest, report.Printable(built.Layout))
			for _, one := range built.Platforms {
				fmt.Fprintf(p.out, "  %-14s %s, %d packages\n", report.Printable(one.Platform), one.Digest, one.Packages)
			}
			for _, note := range built.Notes {
				fmt.Fprintf(p.out, "notice: %s\n", report.Printable(note))
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&b.Out, "layout", "", "write the OCI layout into `OUT`, which must be new or empty")
	flags.StringVar(&b.FromLayout, "from-layout", "", "take over what a builder wrote: a `PATH` of an OCI layout, directory or uncompressed tar")
	flags.StringArrayVar(&binaries, "binary", nil, "make an image from scratch of `PLATFORM=FILE`; may be given more than once")
	flags.StringSliceVar(&b.Dockerfile.Platforms, "platform", nil, "build for `PLATFORM`, such as linux/amd64,linux/arm64")
	flags.StringVar(&b.Dockerfile.File, "file", "", "build this `DOCKERFILE`, relative to DIR")
	flags.StringVar(&b.Dockerfile.Target, "target", "", "build the `STAGE` of the Dockerfile")
	flags.StringArrayVar(&b.Dockerfile.CacheFrom, "cache-from", nil, "take what was built before from `CACHE`, such as type=registry,ref=REGISTRY/orders-cache")
	flags.StringArrayVar(&b.Dockerfile.CacheTo, "cache-to", nil, "keep what was built in `CACHE`")
	flags.StringArrayVar(&buildArgs, "build-arg", nil, "build with `NAME=VALUE`, never a secret; may be given more than once")
	flags.StringVar(&name, "name", "", "the `NAME` of the service")
	flags.StringVar(&version, "service-version", "", "the `VERSION` of the service")
	flags.StringVar(&revision, "revision", "", "the `COMMIT`. Default: that of the checkout")
	flags.StringVar(&source, "source", "", "the `URL` of the repository. Default: that of origin")
	flags.StringVar(&b.Builder, "builder", "", "who builds, as a `URI` for the provenance")
	flags.StringVar(&key, "key", "", "sign the provenance with the ed25519 private key in `FILE`")
	flags.BoolVar(&asJSON, "json", false, "print the digests, labels and referrers as JSON")
	return cmd
}

// pairs reads NAME=VALUE.
func pairs(flag string, given []string) (map[string]string, error) {
	all := map[string]string{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usage("%s %q: it is not NAME=VALUE", flag, text)
		}
		if _, twice := all[name]; twice {
			return nil, usage("%s gives %q twice", flag, name)
		}
		all[name] = value
	}
	return all, nil
}

func override(value *string, with string) {
	if with != "" {
		*value = with
	}
}

// commas takes "a, b" apart, as people write it.
func commas(given []string) []string {
	var all []string
	for _, text := range given {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}
	return all
}
