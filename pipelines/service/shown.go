package service

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/infratype"
)

// shownFile lies beside the roots in a workspace. Terraform does not read it; whoever shows a plan
// takes what stands in it for what stands in the code.
const shownFile = "shown.tfvars.json"

// shown is what follows from the values and the contracts alone, and what reviewers have to see:
// names, ARNs, actions and parameters by convention. A page leaves out what does
// not stand in the code, and these are put together in it. A contract that cannot be
// read shows nothing.
func shown(terraform fs.FS, c *Configuration, s config.Service) ([]byte, error) {
	e := c.Environment
	full := e.Name + "-" + s.Name
	partition := "aws"
	for prefix, other := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov"} {
		if strings.HasPrefix(e.Region, prefix) {
			partition = other
		}
	}
	texts := map[string]bool{full: true, fmt.Sprintf("/%s/%s/iam/role/arn", e.Name, s.Name): true,
		fmt.Sprintf("arn:%s:iam::%s:role/penstock/%s", partition, e.Account, full): true}
	names, err := fs.Glob(terraform, path.Join(infratype.Modules, "*", infratype.File))
	if err != nil {
		return nil, fmt.Errorf("reading the contracts: %w", err)
	}
	for _, name := range names {
		var contract infratype.Contract
		content, err := fs.ReadFile(terraform, name)
		if err != nil || yaml.Unmarshal(content, &contract) != nil {
			continue
		}
		for _, resource := range c.names(contract.Type) {
			fill := strings.NewReplacer("{partition}", partition, "{region}", e.Region, "{account}", e.Account,
				"{environment}", e.Name, "{service}", s.Name, "{name}", resource)
			follows(texts, contract, fill, path.Join("/", e.Name, s.Name, contract.Type, resource))
			texts[full+"-"+resource] = true
		}
	}
	return json.MarshalIndent(map[string][]string{"shown": slices.Sorted(maps.Keys(texts))}, "", "  ")
}

// follows adds what a contract says of one resource; beneath are its parameters.
func follows(texts map[string]bool, contract infratype.Contract, fill *strings.Replacer, beneath string) {
	for _, statements := range contract.Access {
		for _, statement := range statements {
			for _, action := range statement.Actions {
				texts[action] = true
			}
			for _, template := range statement.Resources {
				arn := fill.Replace(template)
				if strings.Contains(arn, "{") {
					continue
				}
				texts[arn] = true
				texts[arn[strings.LastIndexAny(arn, ":/")+1:]] = true
			}
		}
	}
	for _, parameter := range contract.Parameters {
		texts[path.Join(beneath, parameter.Name)] = true
	}
}

// names are those of the resources of a type.
func (c *Configuration) names(variable string) []string {
	value, ok := c.values[IaC][variable]
	if !ok || value.IsNull() || !value.Type().IsMapType() && !value.Type().IsObjectType() {
		return nil
	}
	return slices.Sorted(maps.Keys(value.AsValueMap()))
}
