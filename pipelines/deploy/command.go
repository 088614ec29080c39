package deploy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// Flags are those of the parts, under the names that they have there; "" leaves one out.
type Flags struct {
	// Bundle is the directory of the bundle, Base the ref to compare with.
	Bundle, Base string
	// Terraform, ProviderMirror and Token are for the stacks; Token for the values too.
	Terraform, ProviderMirror, Token string
	// Parameters is a directory of parameters, in place of SSM.
	Parameters string
	// Store is its address.
	Store string
}

func optional(flag, value string) []string {
	if value == "" {
		return nil
	}
	return []string{flag, value}
}

func (f Flags) cloud() []string {
	return slices.Concat(optional("--base", f.Base), optional("--terraform", f.Terraform), optional("--provider-mirror", f.ProviderMirror), optional("--oidc-token-file", f.Token))
}

func (f Flags) values() []string {
	return slices.Concat(optional("--parameters", f.Parameters), optional("--oidc-token-file", f.Token))
}

func (f Flags) store() []string { return optional("--store", f.Store) }

// where says which service, where and with which bundle.
func (d *deploying) where() []string {
	return slices.Concat([]string{d.Service.Root, "--env", d.Service.Environment.Name}, optional("--bundle", d.Flags.Bundle))
}

// grace is how long a part has to come to an end after Ctrl-C: it waits for terraform,
// which has a quarter of an hour.
const grace = 20 * time.Minute

// start runs a command of the program.
func (d *deploying) start(ctx context.Context, argv []string) (process.Output, error) {
	return process.Run(ctx, process.Command{Argv: append([]string{d.Self}, argv...), Dir: d.Service.Root, Env: os.Environ(), Stderr: d.Stderr, Grace: grace})
}

// command runs a part and returns its report, also of one that was asked to stop: it says
// how far it came. What ends without one is an error.
func (d *deploying) command(ctx context.Context, part, what string, argv ...string) (*pipelines.Report, error) {
	out, err := d.start(ctx, slices.Concat(argv, d.where(), []string{"--format", "json"}))
	r, unread := report.Read(strings.NewReader(string(out.Stdout)))
	whole := unread == nil && r.Verdict.ExitCode() == out.Exit
	switch {
	case err != nil && (!whole || ctx.Err() == nil):
		return nil, fmt.Errorf("running %s: %w", what, err)
	case !whole:
		return nil, said(what, out)
	}
	return r, nil
}

// said is the error of a command that left no report: the end of what it said.
func said(what string, out process.Output) error {
	lines := strings.Split(strings.TrimSpace(string(out.Stderr)), "\n")
	lines = lines[max(0, len(lines)-4):]
	hint := ""
	if last := lines[len(lines)-1]; strings.HasPrefix(last, "hint: ") {
		hint, lines = strings.TrimPrefix(last, "hint: "), lines[:len(lines)-1]
	}
	return &pipelines.Error{Err: fmt.Errorf("running %s: it exited with %d: %s", what, out.Exit, printable.Text(strings.Join(lines, "; "), 2000)), Hint: hint}
}

// keys are files with keys, and the recipient that the identity is of.
type keys struct{ signer, identity, recipient string }

// errKey says that there is no key to seal with.
var errKey = errors.New("there is no key to open capsules with")

// prepare makes the keys by which an environment without gates seals for itself.
func (d Deploy) prepare(room string) (keys, error) {
	if !d.Service.Ungated() {
		if len(d.Identities) == 0 {
			return keys{}, &pipelines.Error{Err: fmt.Errorf("deploying to %q: %w", d.Service.Environment.Name, errKey),
				Hint: "it has gates: what was reviewed is sealed, name who may open it with --identity FILE"}
		}
		return keys{}, nil
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return keys{}, fmt.Errorf("making a key: %w", err)
	}
	k := keys{signer: d.Key, identity: filepath.Join(room, "identity"), recipient: identity.Recipient().String()}
	if err := os.WriteFile(k.identity, []byte(identity.String()+"\n"), 0o600); err != nil {
		return keys{}, fmt.Errorf("making a key: %w", err)
	}
	if k.signer != "" {
		return k, nil
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keys{}, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return keys{}, fmt.Errorf("making a key: %w", err)
	}
	k.signer = filepath.Join(room, "signing.pem")
	return k, os.WriteFile(k.signer, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
