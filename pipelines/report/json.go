package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/penstock-dev/penstock/pipelines"
)

// Limit is the largest report that is read, in bytes.
const Limit = 256 << 20

// JSON renders the report as schemas/report.schema.json describes it.
func JSON(w io.Writer, r *pipelines.Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// Read reads a report that JSON wrote. A member that it does not know is an
// error: a report of a later version must not be half understood.
func Read(r io.Reader) (*pipelines.Report, error) {
	content, err := io.ReadAll(io.LimitReader(r, Limit+1))
	if err != nil {
		return nil, err
	}
	if len(content) > Limit {
		return nil, fmt.Errorf("the report is over %d bytes", Limit)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	report := &pipelines.Report{}
	if err := decoder.Decode(report); err != nil {
		return nil, fmt.Errorf("decoding a report: %w", err)
	}
	if report.Schema != pipelines.ReportSchema {
		return nil, fmt.Errorf("the report's schema is %q, allowed is %q", report.Schema, pipelines.ReportSchema)
	}
	report.Close() // the verdict is drawn anew, never believed
	return report, nil
}
