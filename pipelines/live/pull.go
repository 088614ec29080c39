package live

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// pulled is the head of a state, and the addresses in it.
type pulled struct {
	Lineage   string
	Serial    uint64
	Addresses map[string]bool
}

// pull reads the state from its backend.
func (w *unitWorkspace) pull(ctx context.Context) (pulled, error) {
	done, err := w.Run(ctx, terraform.Command{Args: []string{"state", "pull"}})
	if err != nil {
		return pulled{}, err
	}
	if done.Exit != 0 {
		return pulled{}, fmt.Errorf("reading the state: terraform state pull ended with %d", done.Exit)
	}
	p := pulled{}
	if p.Lineage, p.Serial, err = stateHead(done.Stdout); err != nil {
		return p, err
	}
	p.Addresses, err = addressesIn(done.Stdout)
	return p, err
}

// addressesIn lists the instances in a state, as terraform names them.
func addressesIn(state []byte) (map[string]bool, error) {
	addresses := map[string]bool{}
	if len(state) == 0 {
		return addresses, nil
	}
	var s struct {
		Resources []struct {
			Module, Mode, Type, Name string
			Instances                []struct {
				Key     json.RawMessage `json:"index_key"`
				Deposed string
			}
		}
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	for _, r := range s.Resources {
		address := r.Type + "." + r.Name
		if r.Mode == "data" {
			address = "data." + address
		}
		if r.Module != "" {
			address = r.Module + "." + address
		}
		for _, instance := range r.Instances {
			if instance.Deposed != "" {
				continue
			}
			addresses[address+keyOf(instance.Key)] = true
		}
	}
	return addresses, nil
}

// keyOf is the key of an instance as it stands in an address. Terraform quotes it as
// HCL does, which is not how JSON does: "&" is no escape there, and "${" is one.
func keyOf(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0:
		return ""
	case json.Unmarshal(raw, &text) != nil: // a number
		return "[" + string(raw) + "]"
	}
	quoted := strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`, `"`, `\"`, `\`, `\\`, "${", "$${", "%{", "%%{").Replace(text)
	return `["` + quoted + `"]`
}
