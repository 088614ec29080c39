package live

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/gate"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// allowList is what may run or be fetched, as the gate takes it.
func allowList(a config.Allow) gate.Allow {
	if len(a.Providers) == 0 {
		a.Providers = terraform.Hashicorp
	}
	return gate.Allow{Providers: a.Providers, Modules: a.Modules, DataSources: a.DataSources, Provisioners: a.Provisioners,
		Backends: a.Backends, Settings: a.Settings}
}

// errUnread says that the gate could not read what would run.
var errUnread = errors.New("it cannot be read")

// unread is an errUnread in its own words.
type unread struct{ error }

func (u unread) Unwrap() error      { return u.error }
func (unread) Is(target error) bool { return target == errUnread }

// workspace opens a target's unit with the rights to plan it. Before anything of it
// runs, the gate reads its configuration: with a finding there is no workspace.
func (p *planning) workspace(ctx context.Context, t Target, work string) (w *unitWorkspace, findings []pipelines.Finding, err error) {
	stopped := errors.New("it would run or fetch what is not allowed")
	look := func(copied fs.FS) (err error) {
		findings, err = gate.Judge(copied, t.Unit.Path, allowList(p.Config.Live.Allow))
		switch {
		case err != nil:
			return unread{err}
		case len(findings) > 0:
			return stopped
		}
		return nil
	}
	w, err = open(ctx, look, p.runner, p.Root, t, work, session{role: t.Environment.Roles.Plan, token: p.Token,
		actor: p.Creator.Actor, change: p.Creator.Change})
	if errors.Is(err, stopped) {
		return nil, findings, nil
	}
	return w, nil, err
}

// gateModules reads the modules that init downloaded, before the plan runs.
func (p *planning) gateModules(w *unitWorkspace) ([]pipelines.Finding, error) {
	if _, err := os.Stat(filepath.Join(w.Modules(), "modules.json")); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	unit, err := filepath.Rel(w.Dir, w.Unit)
	if err != nil {
		return nil, err
	}
	if err := w.record(); err != nil {
		return nil, err
	}
	findings, err := gate.JudgeModules(os.DirFS(w.Dir), filepath.ToSlash(unit), allowList(p.Config.Live.Allow))
	data, rel := filepath.Rel(w.Dir, filepath.Dir(w.Modules()))
	if err = errors.Join(err, rel); err != nil {
		return nil, err
	}
	for i := range findings { // named as they would be in the repository, not in our copy
		name := strings.TrimPrefix(findings[i].Path, "src/")
		if below, ok := strings.CutPrefix(name, filepath.ToSlash(data)+"/"); ok {
			name = path.Join(strings.TrimPrefix(filepath.ToSlash(unit), "src/"), ".terraform", below)
		}
		findings[i].Path = name
	}
	return findings, nil
}
