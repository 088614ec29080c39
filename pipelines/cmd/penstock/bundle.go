package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/infratype"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// bundle holds the commands on the archive that service pipelines pull.
func (p *program) bundle() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bundle", Short: "Pack, publish, pull and verify what the platform gives to services",
		Long: `A bundle is Terraform, charts and policies in one archive: versioned, signed, never
overwritten, and with the same digest wherever it is packed.

Exit codes:
  0  done; what was asked for is there, verified where it was read
  1  refused: the content, the archive, its signature, or a version that is taken
  2  the command line, penstock.yaml or a key is wrong
  3  something could not be read or written`,
		Args: args(cobra.NoArgs),
		RunE: p.help,
	}
	cmd.AddCommand(p.packBundle(), p.publishBundle(), p.pullBundle(), p.verifyBundle(), p.inspectBundle())
	return cmd
}

// contracts judges a bundle's terraform/ before it is packed: a type without contract
// cannot be bundled. A test puts its own in place.
var contracts = infratype.Check

func (p *program) packBundle() *cobra.Command {
	var version, key, out string
	cmd := &cobra.Command{
		Use: "pack [DIR] --version VERSION --key FILE --out DIR", Short: "Pack a directory as the commit has it, and sign it",
		Long: `Packs DIR (default: bundle), which holds terraform/ and charts/, as the commit HEAD has
it, and the policies of this program. What is not committed is refused. Into --out go the
archive, its sha256, an SBOM (SPDX 2.3) and the signed statement that binds the version
to the digest, which is printed. SOURCE_DATE_EPOCH replaces the time of the commit.
Make the key with penstock capsule keygen.`,
		Example: `  penstock bundle pack --version bundle-v1.4.0 --key signing.pem --out dist`,
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if version == "" || out == "" {
				return usage("--version and --out are needed")
			}
			pack := bundle.Pack{Dir: "bundle", Check: contracts}
			if len(given) > 0 {
				pack.Dir = given[0]
			}
			var err error
			if pack.Version, err = bundle.ParseVersion(version); err != nil {
				return usageError{err}
			}
			if pack.Epoch, err = bundle.Epoch(); err != nil {
				return usageError{err}
			}
			if key != "" {
				if pack.Key, err = capsule.ReadSigner(key); err != nil {
					return ofKey(err)
				}
			}
			packed, err := pack.Run(cmd.Context())
			if err != nil {
				return err
			}
			archive, err := packed.Write(out)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			for _, name := range packed.Left {
				fmt.Fprintf(p.err, "left out: %s\n", report.Printable(name))
			}
			fmt.Fprintf(p.err, "%s: %d files, %d charts, %d types, %d bytes\n", report.Printable(archive), len(packed.Manifest.Files),
				len(packed.Manifest.Charts), len(packed.Manifest.InfraTypes), packed.Statement.Size)
			if key == "" {
				fmt.Fprintln(p.err, "not signed: without --key it cannot be published")
			}
			fmt.Fprintln(p.out, packed.Statement.Digest)
			return nil
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "pack as `VERSION`, such as 1.4.0, or as the tag that ends in it")
	cmd.Flags().StringVar(&key, "key", "", "sign with the ed25519 private key in `FILE`, PEM or OpenSSH")
	cmd.Flags().StringVar(&out, "out", "", "write into `DIR`, which is made where it does not exist")
	return cmd
}

func (p *program) publishBundle() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "publish FILE|DIR --to PLACE", Short: "Publish a packed bundle to a directory, a bucket or a registry",
		Long: `Publishes the archive (of DIR: the one that is in it) and the files beside it. Nothing is ever overwritten: a version
that is there with the same digest is fine, with another it is refused. The version becomes
visible last; what was left half is finished by publishing again.`,
		Example: `  penstock bundle publish dist/penstock-bundle-1.4.0.tar.gz --to s3://platform/bundles
  penstock bundle publish dist/penstock-bundle-1.4.0.tar.gz --to oci://registry.example.com/platform/bundle`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if to == "" {
				return usage("--to is needed")
			}
			packed, err := bundle.Read(cmd.Context(), given[0])
			if err != nil {
				return err
			}
			already, err := bundle.Publish(cmd.Context(), packed, to)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			word := "published"
			if already {
				word = "there already, the same"
			}
			fmt.Fprintf(p.err, "%s: version %s\n", word, packed.Statement.Version)
			fmt.Fprintln(p.out, packed.Statement.Digest)
			return nil
		},
	}
	tokenFlags(cmd, nil)
	cmd.Flags().StringVar(&to, "to", "", "publish to `PLACE`: a directory, s3://bucket/prefix or oci://registry/repository")
	return cmd
}

// bundleFlags say which bundle is meant: what penstock.yaml pins, and what the
// command line says in its place.
type bundleFlags struct {
	dir, from string
	signers   signerFlag
}

func (f *bundleFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "dir", ".", "read penstock.yaml in `DIR`, the root of the service repository")
	f.signers.add(cmd)
}

// pinned is the service.bundle of penstock.yaml, with the signers of the command line
// in place of its own.
func (f *bundleFlags) pinned() (config.Bundle, error) {
	var b config.Bundle
	c, err := config.Load(os.DirFS(f.dir))
	if err != nil {
		return b, err
	}
	if c.Service != nil {
		b = c.Service.Bundle
	}
	if len(f.signers) > 0 {
		trust, err := f.signers.trust()
		if err != nil {
			return b, err
		}
		b.Signers = map[string]string{}
		for name, key := range trust.Signers {
			b.Signers[name] = capsule.FormatPublic(key)
		}
	}
	return b, nil
}

func (p *program) pullBundle() *cobra.Command {
	var flags bundleFlags
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "pull [VERSION|DIGEST]", Short: "Fetch a bundle, verify it and unpack it read-only",
		Long: `Fetches the bundle that penstock.yaml pins (service.bundle), or VERSION or DIGEST, and
verifies digest and signature before anything is unpacked. It lies in the user's cache by
its digest, or in --out, a new directory; the path is printed. What is in the cache is
verified again each time it is used.`,
		Example: `  penstock bundle pull
  penstock bundle pull 1.4.0 --from oci://registry.example.com/platform/bundle --signer platform=ed25519:...`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			pinned, err := flags.pinned()
			if err != nil {
				return err
			}
			options := bundle.Options{Dir: flags.dir}
			if flags.from != "" {
				pinned.From, options.Dir = flags.from, "."
			}
			if len(given) > 0 { // in place of what is pinned
				pinned.Version, pinned.Digest = "", given[0]
				if !strings.HasPrefix(given[0], "sha256:") {
					pinned.Digest = ""
					if pinned.Version, err = bundle.ParseVersion(given[0]); err != nil {
						return usageError{err}
					}
				}
			}
			var b *bundle.Bundle
			if out != "" {
				b, err = bundle.PullTo(cmd.Context(), pinned, options, out)
			} else {
				b, err = bundle.Pull(cmd.Context(), pinned, options)
			}
			if err != nil {
				return ofKey(err)
			}
			p.verdict = pipelines.Pass
			if asJSON {
				return p.bundleJSON(b)
			}
			fmt.Fprintf(p.err, "version %s, %s, signed by %s\n", b.Version, b.Digest, report.Printable(b.Signer))
			fmt.Fprintln(p.out, b.Dir)
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&flags.from, "from", "", "pull from `PLACE` instead of the one that penstock.yaml names")
	cmd.Flags().StringVar(&out, "out", "", "unpack into `DIR`, which must not exist, and not into the cache")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print version, digest, signer, directory and manifest as one JSON object")
	return cmd
}

// bundleJSON prints a bundle as one object; encoding/json escapes what a terminal obeys.
func (p *program) bundleJSON(b *bundle.Bundle) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Version  string          `json:"version"`
		Digest   string          `json:"digest"`
		Signer   string          `json:"signer,omitempty"`
		Dir      string          `json:"dir,omitempty"`
		Manifest bundle.Manifest `json:"manifest"`
	}{b.Version, b.Digest, b.Signer, b.Dir, b.Manifest})
}

func (p *program) verifyBundle() *cobra.Command {
	var flags bundleFlags
	cmd := &cobra.Command{
		Use: "verify FILE|DIR", Short: "Say whether someone trusted signed a bundle, and whether it is whole",
		Long: `Verifies an archive with the files beside it, or a directory into which a bundle was
unpacked, every file of which is read again. Who may sign is said by penstock.yaml
(service.bundle.signers) or by --signer.`,
		Example: `  penstock bundle verify dist/penstock-bundle-1.4.0.tar.gz --signer platform=ed25519:...`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			pinned, err := flags.pinned()
			if err != nil {
				return err
			}
			signers, err := bundle.ParseSigners(pinned.Signers)
			if err != nil {
				return ofKey(err)
			}
			b, err := bundle.Verify(cmd.Context(), given[0], signers)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			fmt.Fprintf(p.out, "%s holds: version %s of commit %s, signed by %s\n", b.Digest, b.Version, b.Manifest.Commit, report.Printable(b.Signer))
			return nil
		},
	}
	flags.add(cmd)
	return cmd
}

func (p *program) inspectBundle() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "inspect FILE|DIR", Short: "Show what a bundle says of itself, without saying who made it",
		Long: `Shows version, commit, charts and types of an archive, of a directory into which a bundle
was unpacked, or of a working copy, whose digest is that of the list of its files.`,
		Example: `  penstock bundle inspect dist/penstock-bundle-1.4.0.tar.gz
  penstock bundle inspect bundle --json | jq .manifest.charts`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			b, err := bundle.Inspect(cmd.Context(), given[0])
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			if asJSON {
				return p.bundleJSON(b)
			}
			line := func(name, format string, args ...any) {
				fmt.Fprintf(p.out, "%-8s %s\n", name, fmt.Sprintf(format, args...))
			}
			line("bundle", "%s", b.Digest)
			line("version", "%s", b.Version)
			line("commit", "%s", orNone(b.Manifest.Commit))
			line("files", "%d", len(b.Manifest.Files))
			for _, c := range b.Manifest.Charts {
				line("chart", "%s %s", c.Name, c.Version)
			}
			for _, t := range b.Manifest.InfraTypes {
				line("type", "%s by %s", t.Type, t.Module)
			}
			line("", "not verified: run penstock bundle verify")
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print digest and manifest as one JSON object")
	return cmd
}
