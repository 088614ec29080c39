package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// readLayout reads an OCI layout of one image and what refers to it, and proves that
// each of its blobs is what its name says.
func readLayout(dir string) (contents, error) {
	path, err := layout.FromPath(dir)
	if err != nil {
		return contents{}, err
	}
	index, err := path.ImageIndex()
	if err != nil {
		return contents{}, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return contents{}, err
	}
	var c contents
	for _, d := range m.Manifests {
		one, err := childOf(index, d)
		if err != nil {
			return contents{}, err
		}
		list, err := walk(one, nil)
		if err != nil {
			return contents{}, err
		}
		if top := list[len(list)-1]; top.digest != d.Digest {
			return contents{}, refuse("", "the manifest %s has the digest %s", d.Digest, top.digest)
		} else if top.subject != nil {
			c.referrers = append(c.referrers, one)
			continue
		}
		if c.root != nil && c.digest != d.Digest {
			return contents{}, refuse("build one image into one directory", "it holds more than one image")
		}
		c.root, c.digest = one, d.Digest
	}
	if c.root == nil {
		return contents{}, refuse("run penstock docker-build", "it holds no image")
	}
	return c, whole(path, c)
}

// whole proves that the blobs of a layout have the digests and sizes that manifests say.
func whole(path layout.Path, c contents) error {
	list, err := c.nodes()
	if err != nil {
		return err
	}
	for _, n := range list {
		for _, b := range n.blobs {
			if !b.MediaType.IsDistributable() {
				continue
			}
			blob, err := path.Blob(b.Digest)
			if err != nil {
				return refuse("build it again", "the blob %s is not there: %v", b.Digest, err)
			}
			digest, size, err := v1.SHA256(blob)
			_ = blob.Close()
			if err != nil {
				return fmt.Errorf("reading the blob %s: %w", b.Digest, err)
			}
			if digest != b.Digest || size != b.Size {
				return refuse("build it again", "the blob %s has %d bytes of the digest %s, and should have %d", b.Digest, size, digest, b.Size)
			}
		}
	}
	return nil
}

// writeLayout writes an image with its referrers into a directory that is new or empty.
// On an error nothing of it stays.
func writeLayout(dir string, c contents) (err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return refuse("name a directory that is not there yet", "%q is not empty", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // an image is no secret
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".penstock-layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	top := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: c.root.(mutate.Appendable)})
	sort.Slice(c.referrers, func(i, j int) bool { return digestOf(c.referrers[i]) < digestOf(c.referrers[j]) })
	for _, r := range c.referrers {
		var w written
		raw, err := r.RawManifest()
		if err != nil {
			return err
		}
		if err := decode(raw, &w); err != nil {
			return err
		}
		top = mutate.AppendManifests(top, mutate.IndexAddendum{Add: r.(mutate.Appendable),
			Descriptor: v1.Descriptor{ArtifactType: w.ArtifactType, Annotations: w.Annotations}})
	}
	if _, err := layout.Write(tmp, top); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil { //nolint:gosec // an image is no secret
		return err
	}
	_ = os.Remove(dir) // where it is there and empty
	return os.Rename(tmp, dir)
}

func digestOf(d partial.Describable) string {
	digest, err := d.Digest()
	if err != nil {
		return ""
	}
	return digest.String()
}

// blob reads at most limit bytes of a layer.
func blob(l v1.Layer, limit int64) ([]byte, error) {
	content, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(content, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%w of %d bytes", errTooLarge, limit)
	}
	return b.Bytes(), err
}

var errTooLarge = errors.New("it is over its limit")
