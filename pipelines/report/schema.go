package report

import (
	"encoding/json"

	"github.com/invopop/jsonschema"

	"github.com/penstock-dev/penstock/pipelines"
)

// Schema is the JSON Schema of a report, as schemas/report.schema.json holds it.
func Schema() ([]byte, error) {
	reflector := &jsonschema.Reflector{ExpandedStruct: true}
	schema := reflector.Reflect(&pipelines.Report{})
	schema.ID = "https://github.com/penstock-dev/penstock/schemas/report.schema.json"
	schema.Title = pipelines.ReportSchema
	text, err := json.MarshalIndent(schema, "", "  ")
	return append(text, '\n'), err
}
