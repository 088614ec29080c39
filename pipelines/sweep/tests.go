package sweep

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-config-inspect/tfconfig"

	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// tests looks at terraform test, which keeps its state in memory: what was cut off is not
// to be found, unless nothing of it is outside.
func (o *one) tests(ctx context.Context) error {
	for _, step := range o.d.Steps {
		for _, address := range step.Left {
			if how, _ := deployed.AdoptionOf(typeOf(address)); how != deployed.Nothing {
				o.leak(address, typeOf(address), "terraform test could not destroy it, and keeps no state")
			}
		}
		if step.Kind != record.Test || o.d.Ended(step.Seq) {
			continue
		}
		copies, err := o.states.Snapshots(ctx, o.d.Run, o.d.ID, "default")
		if err != nil {
			return err
		}
		if _, left := copies[step.Seq]; left {
			continue // what could not be destroyed is in it
		}
		archive, err := o.states.Config(ctx, o.d.Run, o.d.ID, step.Config)
		if err != nil {
			return err
		}
		dir, err := os.MkdirTemp("", "penstock-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := record.Unpack(archive, dir); err != nil {
			return err
		}
		for _, r := range outside(filepath.Join(dir, filepath.FromSlash(step.Unit))) {
			o.leak(r[0], r[1], "terraform test was cut off, and keeps no state")
		}
	}
	return nil
}

// typeOf is the type in an address: module.a["x"].aws_vpc.b[0] is an aws_vpc.
func typeOf(address string) string {
	address = index.ReplaceAllString(address, "")
	parts := strings.Split(address, ".")
	return parts[max(len(parts)-2, 0)]
}

var index = regexp.MustCompile(`\[("([^"\\]|\\.)*"|[0-9]+)\]`)

// outside are the addresses and types of resources with objects outside that a configuration
// makes in tests; none where its tests mock every provider or only plan.
func outside(unit string) [][2]string {
	if harmless(unit) {
		return nil
	}
	var found [][2]string
	dirs := []string{unit}
	for i := 0; i < len(dirs); i++ {
		module, _ := tfconfig.LoadModule(dirs[i])
		for _, r := range module.ManagedResources {
			if how, _ := deployed.AdoptionOf(r.Type); how != deployed.Nothing {
				found = append(found, [2]string{r.MapKey(), r.Type})
			}
		}
		for name, call := range module.ModuleCalls {
			if !strings.HasPrefix(call.Source, "./") && !strings.HasPrefix(call.Source, "../") {
				found = append(found, [2]string{"module." + name, call.Source})
			} else if dir := filepath.Join(dirs[i], filepath.FromSlash(call.Source)); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	slices.SortFunc(found, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return found
}
