package image

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/penstock-dev/penstock/pipelines"
)

// nobody is the user and group that a container of ours runs as.
const nobody = 65532

// fromBinaries makes an image from scratch for each platform: one binary, /NAME, that
// runs as nobody. The same binaries and labels give the same digest.
func fromBinaries(binaries map[string]string, name string, l Labels) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, text := range slices.Sorted(maps.Keys(binaries)) {
		platform, err := v1.ParsePlatform(text)
		if err != nil || platform.OS == "" || platform.Architecture == "" {
			return nil, &pipelines.Error{Err: fmt.Errorf("reading the platform %q: it is not OS/ARCHITECTURE", text), Hint: "such as linux/arm64"}
		}
		content, err := os.ReadFile(binaries[text])
		if err != nil {
			return nil, fmt.Errorf("reading the binary of %s: %w", text, err)
		}
		if err := runsOn(content, *platform); err != nil {
			return nil, fmt.Errorf("reading the binary %q: %w", binaries[text], err)
		}
		one, err := scratch(content, name, *platform, l)
		if err != nil {
			return nil, fmt.Errorf("making the image of %s: %w", text, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: platform}})
	}
	return index, nil
}

func scratch(binary []byte, name string, platform v1.Platform, l Labels) (v1.Image, error) {
	text, err := layerOf(binary, name, l)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: l.created()}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	one, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "penstock docker-build"}})
	if err != nil {
		return nil, err
	}
	file, err := one.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Variant, file.Created = platform.OS, platform.Architecture, platform.Variant, created
	file.Config = v1.Config{Entrypoint: []string{"/" + name}, User: fmt.Sprintf("%d:%d", nobody, nobody), WorkingDir: "/"}
	return mutate.ConfigFile(one, file)
}

// layerOf is the tar of one file.
func layerOf(binary []byte, name string, l Labels) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(binary)), Mode: 0o555, ModTime: l.created(), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(binary); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "386": elf.EM_386, "arm": elf.EM_ARM,
	"riscv64": elf.EM_RISCV, "ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390, "loong64": elf.EM_LOONGARCH}

// runsOn refuses a binary of another platform, and one that needs a dynamic linker,
// which an image from scratch does not have.
func runsOn(binary []byte, platform v1.Platform) error {
	file, err := elf.NewFile(bytes.NewReader(binary))
	if platform.OS != "linux" || err != nil {
		return refuse("an image from scratch holds one ELF binary for linux", "it is not a binary for linux")
	}
	defer file.Close()
	if want, known := machines[platform.Architecture]; !known || file.Machine != want {
		return refuse("build it with GOOS=linux GOARCH="+platform.Architecture, "it was built for %s and not for %s", file.Machine, platform.Architecture)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return refuse("build it with CGO_ENABLED=0", "it needs a dynamic linker, which an image from scratch does not have")
		}
	}
	return nil
}
