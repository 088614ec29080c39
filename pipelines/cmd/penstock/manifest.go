package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/manifest"
)

func (p *program) manifest() *cobra.Command {
	var o outputFlags
	var options manifest.Options
	var schemas map[string]string
	cmd := &cobra.Command{
		Use:   "manifest FILE...",
		Short: "Judge rendered Kubernetes manifests",
		Long: `Judges manifests, as helm template prints them, by the schemas of the Kubernetes API at
its last three versions and by our policies. FILE - is standard input. Waivers are those of
penstock.yaml in this directory.`,
		Example: `  helm template orders chart --values helm_values.yaml | penstock manifest -
  penstock manifest --kubernetes 1.36 rendered.yaml`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := o.check(); err != nil {
				return err
			}
			for i, file := range files {
				if slices.Contains(files[:i], file) {
					return usage("%q is named twice", file)
				}
			}
			for _, version := range options.Versions {
				if !slices.Contains(manifest.Versions(), version) {
					return usage("there is no schema of Kubernetes %q, there are %s", version, strings.Join(manifest.Versions(), ", "))
				}
			}
			var err error
			if options.Config, err = config.Load(os.DirFS(".")); err != nil {
				return err
			}
			options.Schemas = map[string][]byte{}
			for kind, file := range schemas {
				if options.Schemas[kind], err = os.ReadFile(file); err != nil {
					return usage("reading the schema of %q: %w", kind, err)
				}
			}
			r := &pipelines.Report{Stages: []string{manifest.Stage}, Started: time.Now().UTC(), Tools: kubernetes(options.Versions),
				Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: len(files)}}
			for _, file := range files {
				result, notices, err := p.manifestOf(cmd, file, options)
				if err != nil {
					return err
				}
				r.Results, r.Notices = append(r.Results, result), append(r.Notices, notices...)
				r.Selection.Units = append(r.Selection.Units, pipelines.Unit{Path: file, Why: []string{file, "it was named"}})
			}
			r.Seconds = time.Since(r.Started).Seconds()
			r.Close()
			return p.print(r, o)
		},
	}
	cmd.Flags().StringSliceVar(&options.Versions, "kubernetes", nil, "judge by `VERSION` only, such as 1.36 (may be repeated)")
	cmd.Flags().StringVar(&options.Namespace, "namespace", "", "`NAMESPACE` of objects that name none (default \"default\")")
	cmd.Flags().StringToStringVar(&schemas, "schema", nil, "`KIND=FILE`: the JSON Schema of a kind, such as example.com/v1/Thing=thing.json")
	o.add(cmd)
	return cmd
}

// manifestOf judges one file. One that cannot be read is not run.
func (p *program) manifestOf(cmd *cobra.Command, file string, options manifest.Options) (pipelines.Result, []pipelines.Notice, error) {
	began := time.Now()
	stream, err := p.streamOf(file)
	if err != nil {
		result := pipelines.NotRunBecause(fmt.Errorf("reading the manifests: %w", err))
		result.Stage, result.Unit = manifest.Stage, file
		return result, nil, nil
	}
	options.Name, options.Unit = file, file
	if file == "-" {
		options.Name = "stdin"
	}
	j, err := manifest.Judge(cmd.Context(), stream, options)
	if err != nil {
		return pipelines.Result{}, nil, err
	}
	j.Seconds = time.Since(began).Seconds()
	return j.Result, j.Notices, nil
}

func (p *program) streamOf(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(io.LimitReader(p.in, manifest.Limit+1))
	}
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, manifest.Limit+1))
}

func kubernetes(versions []string) []pipelines.Tool {
	if len(versions) == 0 {
		versions = manifest.Versions()
	}
	var tools []pipelines.Tool
	for _, version := range versions {
		tools = append(tools, pipelines.Tool{Name: "kubernetes", Version: version})
	}
	return tools
}
