package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// DefaultChart is that of a service which names none.
const DefaultChart = "http-service"

// maxChart is the largest archive of a chart, and maxUnpacked what may come out of it.
const (
	maxChart    = 20 << 20
	maxUnpacked = 100 << 20
)

// chart is what is released, on disk.
type chart struct {
	// Name and Version are those of its Chart.yaml.
	Name, Version string
	// Path is a directory of the bundle, or the archive of a third party.
	Path string
	// Values are the chart's own, once they were read.
	Values     valuesfile.Document
	values     []byte
	thirdParty bool
	// noSchema says that it has no values.schema.json.
	noSchema bool
}

func isOCI(repository string) bool { return strings.HasPrefix(repository, "oci://") }

// resolve finds the chart of a service: in the bundle, or at a third party's, from
// where it is fetched and used only if it is the one that was pinned.
func (c *client) resolve(ctx context.Context, want config.Chart, bundle string) (chart, error) {
	if want.Name == "" {
		want.Name = DefaultChart
	}
	if want.Repository == "" {
		if want.Version != "" || want.Digest != "" {
			return chart{}, &pipelines.Error{Err: fmt.Errorf("the chart %q has a version or a digest, and no repository", want.Name), Hint: "a chart of the bundle has the bundle's version: take them out, or add chart.repository"}
		}
		return ofBundle(want.Name, bundle)
	}
	if want.Version == "" || want.Digest == "" {
		return chart{}, &pipelines.Error{Err: fmt.Errorf("the chart %q of %s is not pinned", want.Name, want.Repository), Hint: "add chart.version and chart.digest: what is fetched shall be what was looked at"}
	}
	if !isOCI(want.Repository) && !strings.HasPrefix(want.Repository, "https://") && !strings.HasPrefix(want.Repository, "http://127.0.0.1") {
		return chart{}, &pipelines.Error{Err: fmt.Errorf("the repository of the chart is %q", want.Repository), Hint: "allowed are oci:// and https://"}
	}
	return c.fetch(ctx, want)
}

func ofBundle(name, bundle string) (chart, error) {
	if bundle == "" {
		return chart{}, &pipelines.Error{Err: fmt.Errorf("there is no bundle to take the chart %q from", name), Hint: "name its directory with --bundle"}
	}
	dir := filepath.Join(bundle, "charts", name)
	if there, err := exists(filepath.Join(dir, "Chart.yaml")); err != nil || !there {
		return chart{}, &pipelines.Error{Err: fmt.Errorf("the bundle has no chart %q", name), Hint: "it has " + strings.Join(chartsOf(bundle), ", ")}
	}
	found := chart{Path: dir}
	text, err := valuesfile.Regular(os.DirFS(dir), "Chart.yaml", valuesfile.Limit)
	if err == nil {
		err = found.identify(text)
	}
	if err != nil {
		return chart{}, fmt.Errorf("reading the chart %q: %w", name, err)
	}
	if found.values, err = valuesfile.Regular(os.DirFS(dir), "values.yaml", valuesfile.Limit); errors.Is(err, os.ErrNotExist) {
		found.values, err = nil, nil
	}
	if err != nil {
		return chart{}, fmt.Errorf("reading the values of the chart %q: %w", name, err)
	}
	there, err := exists(filepath.Join(dir, "values.schema.json"))
	if err != nil {
		return chart{}, fmt.Errorf("reading the chart %q: %w", name, err)
	}
	found.noSchema = !there
	return found, found.gate("")
}

func chartsOf(bundle string) []string {
	found, _ := filepath.Glob(filepath.Join(bundle, "charts", "*", "Chart.yaml"))
	var names []string
	for _, file := range found {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

// fetch pulls an archive, and proves that it is the pinned one before anything reads it.
func (c *client) fetch(ctx context.Context, want config.Chart) (chart, error) {
	dir := filepath.Join(c.home, "pulled")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return chart{}, err
	}
	argv := pullArgv(want.Repository, want.Name, want.Version, dir)
	if strings.HasPrefix(strings.TrimPrefix(want.Repository, "oci://"), "127.0.0.1") || strings.HasPrefix(strings.TrimPrefix(want.Repository, "oci://"), "localhost") {
		argv = append(argv, "--plain-http")
	}
	if _, err := c.ask(ctx, argv); err != nil {
		return chart{}, fmt.Errorf("fetching the chart %q %s from %s: %w", want.Name, want.Version, want.Repository, err)
	}
	pulled, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(pulled) != 1 {
		return chart{}, fmt.Errorf("fetching the chart %q: helm left %d archives", want.Name, len(pulled))
	}
	archive, err := valuesfile.Regular(os.DirFS(dir), filepath.Base(pulled[0]), maxChart)
	if err != nil {
		return chart{}, fmt.Errorf("reading the chart %q: %w", want.Name, err)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(archive)); got != want.Digest {
		return chart{}, &pipelines.Error{Err: fmt.Errorf("the chart %q %s of %s has the digest %s, pinned is %s", want.Name, want.Version, want.Repository, got, want.Digest),
			Hint: "somebody published another chart under this version: ask why before you change chart.digest"}
	}
	found, err := unpack(archive)
	if err != nil {
		return chart{}, fmt.Errorf("reading the chart %q: %w", want.Name, err)
	}
	if found.Name != want.Name || found.Version != want.Version {
		return chart{}, fmt.Errorf("the chart that was fetched is %q %s, not %q %s", found.Name, found.Version, want.Name, want.Version)
	}
	found.Path, found.thirdParty = pulled[0], true
	return found, found.gate(want.NoSchema)
}

// unpack looks into an archive without writing anything of it to disk.
func unpack(archive []byte) (chart, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return chart{}, err
	}
	found := chart{noSchema: true}
	reader := tar.NewReader(io.LimitReader(zipped, maxUnpacked))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return chart{}, err
		}
		_, inner, _ := strings.Cut(path.Clean(header.Name), "/")
		switch inner {
		case "Chart.yaml":
			var text []byte
			if text, err = io.ReadAll(io.LimitReader(reader, valuesfile.Limit)); err == nil {
				err = found.identify(text)
			}
		case "values.yaml":
			found.values, err = io.ReadAll(io.LimitReader(reader, valuesfile.Limit))
		case "values.schema.json":
			found.noSchema = false
		}
		if err != nil {
			return chart{}, err
		}
	}
	if found.Name == "" {
		return chart{}, errors.New("it has no Chart.yaml")
	}
	return found, nil
}

func (c *chart) identify(text []byte) error {
	var known struct {
		Name    string `yaml:"name"`
		Version string `yaml:"version"`
	}
	if err := yaml.Unmarshal(text, &known); err != nil {
		return valuesfile.Syntax("Chart.yaml", err)
	}
	if known.Name == "" || known.Version == "" {
		return errors.New("its Chart.yaml has no name or no version")
	}
	c.Name, c.Version = known.Name, known.Version
	return nil
}

// gate refuses a chart whose values nothing checks. A third party's is accepted with a reason.
func (c chart) gate(reason string) error {
	if !c.noSchema || c.thirdParty && reason != "" {
		return nil
	}
	hint := "add values.schema.json to it: without one a misspelt key is ignored"
	if c.thirdParty {
		hint = "write in chart.no_schema why it is accepted all the same"
	}
	return &pipelines.Error{Err: fmt.Errorf("the chart %q has no values.schema.json", c.Name), Hint: hint}
}

// exists says whether a path is there; what cannot be known is an error.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
