package deployed

import (
	_ "embed"
	"encoding/json"
	"path"
	"regexp"
)

//go:embed types.json
var typesText []byte

// Adoption is how an object that may have been made, and that no state knows, is found.
type Adoption string

// How objects of a type are found.
const (
	// Nothing: such a resource has no object outside of the state, or one that goes with
	// what it belongs to.
	Nothing Adoption = "nothing"
	// Upsert: to create it once more writes the same object.
	Upsert Adoption = "upsert"
	// ByImport: it is imported by what the plan knows of it.
	ByImport Adoption = "import"
	// Unknown: nobody wrote down how.
	Unknown Adoption = ""
)

// types is types.json. To teach sweep a type, add it there: names that match a pattern
// under nothing, and the template of its identity under upsert or import.
var types = func() (t struct {
	Nothing        []string
	Upsert, Import map[string]string
}) {
	if err := json.Unmarshal(typesText, &t); err != nil {
		panic("deployed/types.json: " + err.Error())
	}
	return t
}()

// AdoptionOf says how objects of a type are found, and the template of what tells one
// from others.
func AdoptionOf(kind string) (Adoption, string) {
	for _, pattern := range types.Nothing {
		if ok, _ := path.Match(pattern, kind); ok {
			return Nothing, ""
		}
	}
	if template, ok := types.Upsert[kind]; ok {
		return Upsert, template
	}
	if template, ok := types.Import[kind]; ok {
		return ByImport, template
	}
	return Unknown, ""
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// Identity is what tells the object of a resource from others outside, by what a plan
// knows of it; empty where that is not enough.
func Identity(kind string, planned map[string]any) string {
	_, template := AdoptionOf(kind)
	known := true
	id := placeholder.ReplaceAllStringFunc(template, func(p string) string {
		value, ok := planned[p[1:len(p)-1]].(string)
		known = known && ok && value != ""
		return value
	})
	if !known {
		return ""
	}
	return id
}
