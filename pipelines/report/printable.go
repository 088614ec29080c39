package report

import "github.com/penstock-dev/penstock/pipelines/internal/markdown"

// Printable makes text that others wrote safe for a terminal and for the log of
// a job, on one line.
func Printable(s string) string { return markdown.Printable(s) }

// name makes a path or the name of a unit safe; a newline in it stays visible.
func name(s string) string { return markdown.Name(s) }

// prose makes text that others wrote mean nothing in Markdown.
func prose(s string) string { return markdown.Prose(s) }

func inertMarkdown(s string) string { return markdown.Inert(s) }

func code(s string) string { return markdown.Code(s) }
