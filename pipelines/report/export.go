package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/atomicfile"
)

// Formats are those that Write knows.
var Formats = []string{"text", "json", "junit", "sarif", "markdown"}

// files are what Export writes, by format.
var files = map[string]string{"text": "report.txt", "json": "report.json", "junit": "report.xml",
	"sarif": "report.sarif", "markdown": "report.md"}

// Write renders the report in one of Formats.
func Write(w io.Writer, r *pipelines.Report, format string, o Options) error {
	switch format {
	case "text":
		return Text(w, r, o)
	case "json":
		return JSON(w, r)
	case "junit":
		return JUnit(w, r)
	case "sarif":
		return SARIF(w, r)
	case "markdown":
		return Markdown(w, r, CommentLimit)
	}
	return fmt.Errorf("there is no format %q", format)
}

// Export writes the report to dir in every format, as report.txt, .json, .xml
// (JUnit), .sarif and .md. A file is whole or not there.
func Export(dir string, r *pipelines.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	for _, format := range Formats {
		var b bytes.Buffer
		if err := Write(&b, r, format, Options{}); err != nil {
			return fmt.Errorf("rendering the report as %s: %w", format, err)
		}
		if err := atomicfile.Write(filepath.Join(dir, files[format]), 0o644, b.Bytes()); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}
