package helm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// client starts helm and kubectl, always at the same place.
type client struct {
	place
	bounds
	helm, kubectl string
	// home is a directory for what helm keeps while this run lasts.
	home string
	// env is the environment of each process.
	env []string
}

// open finds the programs. env is what they inherit, without what steers helm.
func open(at place, b bounds, env []string) (*client, error) {
	c := &client{place: at, bounds: b}
	var err error
	for _, program := range []struct {
		name string
		path *string
	}{{"helm", &c.helm}, {"kubectl", &c.kubectl}} {
		if *program.path, err = exec.LookPath(program.name); err != nil {
			return nil, &pipelines.Error{Err: fmt.Errorf("looking for %s: %w", program.name, err), Hint: "install " + program.name + ", and put it on PATH"}
		}
	}
	if c.home, err = os.MkdirTemp("", "penstock-helm-"); err != nil {
		return nil, fmt.Errorf("making room for helm: %w", err)
	}
	login := ""
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case name == "HELM_REGISTRY_CONFIG":
			login = value
		case name == "HOME" && login == "":
			login = filepath.Join(value, ".config", "helm", "registry", "config.json")
		}
		if !strings.HasPrefix(name, "HELM_") { // HELM_NAMESPACE, HELM_KUBE..., HELM_DRIVER: what decides stands in argv
			c.env = append(c.env, pair)
		}
	}
	c.env = append(c.env, homes(c.home)...)
	if login != "" {
		c.env = append(c.env, "HELM_REGISTRY_CONFIG="+login)
	}
	return c, nil
}

func (c *client) close() { _ = os.RemoveAll(c.home) }

// grace is how long helm has after a Ctrl-C: it marks the release and rolls it back.
const grace = 2 * time.Minute

func (c *client) run(ctx context.Context, stdin []byte, program string, argv ...string) (process.Output, error) {
	return process.Run(ctx, process.Command{Argv: append([]string{program}, argv...), Env: c.env, Stdin: stdin, Grace: grace})
}

// ask runs helm and returns what it printed; a failure is a *Failure.
func (c *client) ask(ctx context.Context, argv []string) ([]byte, error) {
	out, err := c.run(ctx, nil, c.helm, argv...)
	if err != nil {
		return nil, err
	}
	return out.Stdout, judge("helm "+argv[0], out)
}

// Failure is a process that ended with an error.
type Failure struct {
	// Doing is the command, such as "helm upgrade".
	Doing string
	// Said is what it printed as its error, printable and bounded.
	Said string
	// Kind is why, as far as that is known.
	Kind Kind
}

func (f *Failure) Error() string { return f.Doing + ": " + f.Said }

// Kind is what kept a process from doing what it was to do.
type Kind string

// The kinds that are told apart; everything else is Other.
const (
	Other       Kind = ""
	NotFound    Kind = "not found"
	Unreachable Kind = "not reachable"
	Denied      Kind = "denied"
	NoContext   Kind = "no such context"
	Busy        Kind = "another operation is in progress"
	Throttled   Kind = "throttled"
)

// marks are what helm and kubectl say, in the words of client-go and of the API server.
var marks = []struct {
	kind Kind
	text []string
}{
	{NoContext, []string{"does not exist in your kubeconfig", "error: context ", "context was not found", "no context exists with the name"}},
	{Unreachable, []string{"cluster unreachable", "connection refused", "was refused", "Unable to connect to the server", "no such host", "i/o timeout", "unable to connect to the server", "tls: ", "x509: ",
		"context deadline exceeded - error from a previous attempt", ": EOF", "connection reset"}},
	{Denied, []string{"is forbidden", "Forbidden", "Unauthorized", "must be logged in", "You must be logged in"}},
	{Throttled, []string{"TooManyRequests", "too many requests"}},
	{Busy, []string{"another operation (install/upgrade/rollback) is in progress"}},
	{NotFound, []string{"release: not found", "(NotFound)", "not found"}},
}

var hints = map[Kind]string{
	Unreachable: "look at the server of the kubeconfig's context, and whether this machine reaches it",
	Denied:      "ask the platform team for the rights of the environment's role in this namespace",
	NoContext:   "set cluster.context of the environment to a context of the kubeconfig: kubectl config get-contexts",
	Throttled:   "wait a little, and deploy again",
	Busy:        "wait for the other operation to end",
}

// judge says what a finished process came to.
func judge(doing string, out process.Output) error {
	if out.Exit == 0 {
		return nil
	}
	said := complaint(string(out.Stderr))
	if said == "" {
		said = fmt.Sprintf("it ended with exit code %d and said nothing", out.Exit)
	}
	f := &Failure{Doing: doing, Said: said, Kind: kindOf(said)}
	if out.Exit < 0 {
		f.Said = "a signal ended it; it said: " + said
	}
	return &pipelines.Error{Err: f, Hint: hints[f.Kind]}
}

// logged is a line of the log of client-go, which says again what the error says.
var logged = regexp.MustCompile(`^[IWE][0-9]{4} [0-9:.]+ `)

// complaint is what is an error of what a process printed, without its warnings.
func complaint(stderr string) string {
	var kept []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "level=WARN") || strings.HasPrefix(line, "WARNING:") || logged.MatchString(line) {
			continue
		}
		kept = append(kept, strings.TrimPrefix(line, "Error: "))
	}
	if len(kept) == 0 {
		return printable.Text(strings.TrimSpace(stderr), 600)
	}
	return printable.Text(strings.Join(kept, "; "), 1000)
}

func kindOf(said string) Kind {
	for _, mark := range marks {
		for _, text := range mark.text {
			if strings.Contains(said, text) {
				return mark.kind
			}
		}
	}
	return Other
}

func isKind(err error, kind Kind) bool {
	var f *Failure
	return errors.As(err, &f) && f.Kind == kind
}

// Revision is one entry of a release's history, as helm tells it.
type Revision struct {
	Revision    int       `json:"revision"`
	Updated     time.Time `json:"updated"`
	Status      string    `json:"status"`
	Chart       string    `json:"chart"`
	AppVersion  string    `json:"app_version"`
	Description string    `json:"description"`
	// Rollback is the revision that it went back to, 0 where it did not.
	Rollback int `json:"rollback_revision,omitempty"`
}

// history is that of the release, the oldest first; none where there is no release.
func (c *client) history(ctx context.Context) ([]Revision, error) {
	text, err := c.ask(ctx, historyArgv(c.place))
	if isKind(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history of %q: %w", c.Release, err)
	}
	return readHistory(text)
}

func readHistory(text []byte) ([]Revision, error) {
	var found []Revision
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("reading the history that helm printed: %w", err)
	}
	for i, r := range found {
		if r.Revision <= 0 || r.Status == "" || i > 0 && r.Revision <= found[i-1].Revision {
			return nil, fmt.Errorf("reading the history that helm printed: entry %d is %+v", i+1, r)
		}
	}
	return found, nil
}

// labels are those of one revision.
func (c *client) labels(ctx context.Context, revision int) (map[string]string, error) {
	text, err := c.ask(ctx, getArgv(c.place, "metadata", revision))
	if err != nil {
		return nil, fmt.Errorf("reading the metadata of revision %d: %w", revision, err)
	}
	var known struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(text, &known); err != nil {
		return nil, fmt.Errorf("reading the metadata of revision %d: %w", revision, err)
	}
	return known.Labels, nil
}
