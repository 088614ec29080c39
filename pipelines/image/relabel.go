package image

import (
	"errors"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// platformImage is the image of one platform.
type platformImage struct {
	platform v1.Platform
	image    v1.Image
}

// platforms lists the images of an image that a builder made. What the builder attested
// names the digests from before the labels, so that it is left out; left counts it.
func platforms(root manifest) (found []platformImage, left int, err error) {
	if one, ok := root.(v1.Image); ok {
		p, err := platformOf(one)
		return []platformImage{{p, one}}, 0, err
	}
	index, ok := root.(v1.ImageIndex)
	if !ok {
		return nil, 0, errors.New("it is neither an image nor an index")
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, 0, err
	}
	for _, d := range m.Manifests {
		if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			left++
			continue
		}
		child, err := childOf(index, d)
		if err != nil {
			return nil, 0, err
		}
		below, more, err := platforms(child)
		if err != nil {
			return nil, 0, err
		}
		found, left = append(found, below...), left+more
	}
	return found, left, nil
}

func platformOf(one v1.Image) (v1.Platform, error) {
	file, err := one.ConfigFile()
	if err != nil {
		return v1.Platform{}, err
	}
	if file.OS == "" || file.Architecture == "" {
		return v1.Platform{}, refuse("", "an image does not say for which platform it is")
	}
	return v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant, OSVersion: file.OSVersion}, nil
}

// labelled is the index of images with our labels: always an index, so that one digest
// names all platforms, however many there are.
func labelled(images []platformImage, l Labels) (v1.ImageIndex, []platformImage, error) {
	notes := l.annotations()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var done []platformImage
	seen := map[string]bool{}
	for _, p := range images {
		if seen[p.platform.String()] {
			return nil, nil, refuse("build each platform once", "the platform %s is in it twice", p.platform)
		}
		seen[p.platform.String()] = true
		file, err := p.image.ConfigFile()
		if err != nil {
			return nil, nil, fmt.Errorf("reading the configuration of %s: %w", p.platform, err)
		}
		file = file.DeepCopy()
		if file.Config.Labels == nil {
			file.Config.Labels = map[string]string{}
		}
		maps.Copy(file.Config.Labels, notes)
		file.Created = v1.Time{Time: l.created()}
		one, err := mutate.ConfigFile(p.image, file)
		if err != nil {
			return nil, nil, err
		}
		one = mutate.Annotations(mutate.MediaType(one, types.OCIManifestSchema1), notes).(v1.Image)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: &p.platform}})
		done = append(done, platformImage{p.platform, one})
	}
	if len(done) == 0 {
		return nil, nil, refuse("", "there is no image in it")
	}
	return mutate.Annotations(index, notes).(v1.ImageIndex), done, nil
}
