package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha1" //nolint:gosec // SPDX asks for it; nothing is trusted for it
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-config-inspect/tfconfig"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

const noAssertion = "NOASSERTION"

// sbom writes what is in an archive and what that needs as SPDX 2.3: its files,
// charts, and the Terraform providers that its configurations require. The same
// archive has the same SBOM.
func sbom(fsys fs.FS, m Manifest, digest string, contents map[string][]byte) ([]byte, error) {
	whole := sbomPackage("bundle", "penstock-bundle", m.Version, "ARCHIVE")
	whole.PackageFileName = Name(m.Version)
	whole.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: strings.TrimPrefix(digest, "sha256:")}}
	whole.FilesAnalyzed, whole.PackageLicenseInfoFromFiles = true, []string{noAssertion}
	whole.PackageSourceInfo = "packed from commit " + m.Commit
	doc := &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: Name(m.Version),
		DocumentNamespace: "https://github.com/penstock-dev/penstock/bundle/" + m.Version + "/" + strings.TrimPrefix(digest, "sha256:"),
		CreationInfo:      &spdx.CreationInfo{Created: m.Created.Format(time.RFC3339), Creators: []common.Creator{{CreatorType: "Tool", Creator: "penstock"}}},
		Packages:          []*spdx.Package{whole},
	}
	relate := func(from, kind, to string) {
		doc.Relationships = append(doc.Relationships, &spdx.Relationship{RefA: common.MakeDocElementID("", from), RefB: common.MakeDocElementID("", to), Relationship: kind})
	}
	relate("DOCUMENT", common.TypeRelationshipDescribe, "bundle")
	var sums []string
	for i, f := range m.Files {
		sum := sha1.Sum(contents[f.Path]) //nolint:gosec // see above
		sums = append(sums, hex.EncodeToString(sum[:]))
		id := fmt.Sprintf("file-%d", i+1)
		doc.Files = append(doc.Files, &spdx.File{FileName: "./" + f.Path, FileSPDXIdentifier: common.ElementID(id), LicenseConcluded: noAssertion,
			LicenseInfoInFiles: []string{noAssertion}, FileCopyrightText: noAssertion,
			Checksums: []common.Checksum{{Algorithm: common.SHA1, Value: sums[i]}, {Algorithm: common.SHA256, Value: f.SHA256}}})
		relate("bundle", common.TypeRelationshipContains, id)
	}
	slices.Sort(sums)
	code := sha1.Sum([]byte(strings.Join(sums, ""))) //nolint:gosec // see above
	whole.PackageVerificationCode = &common.PackageVerificationCode{Value: hex.EncodeToString(code[:])}
	for _, c := range m.Charts {
		doc.Packages = append(doc.Packages, sbomPackage("chart-"+c.Name, c.Name, c.Version, "APPLICATION"))
		relate("bundle", common.TypeRelationshipContains, "chart-"+c.Name)
	}
	needed, err := providers(fsys, m)
	if err != nil {
		return nil, err
	}
	for i, p := range needed {
		id := fmt.Sprintf("provider-%d", i+1)
		doc.Packages = append(doc.Packages, sbomPackage(id, p[0], p[1], "LIBRARY"))
		relate("bundle", common.TypeRelationshipDependsOn, id)
	}
	var b bytes.Buffer
	err = json.Write(doc, &b, json.Indent("  "), json.EscapeHTML(false))
	return b.Bytes(), err
}

func sbomPackage(id, name, version, purpose string) *spdx.Package {
	return &spdx.Package{PackageName: name, PackageSPDXIdentifier: common.ElementID(id), PackageVersion: version, PrimaryPackagePurpose: purpose,
		PackageDownloadLocation: noAssertion, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion, PackageCopyrightText: noAssertion,
		IsFilesAnalyzedTagPresent: true}
}

// providers lists the Terraform providers that the configurations require and the
// constraints on their versions, sorted.
func providers(fsys fs.FS, m Manifest) ([][2]string, error) {
	dirs := map[string]bool{}
	for _, f := range m.Files {
		if strings.HasSuffix(f.Path, ".tf") {
			dirs[path.Dir(f.Path)] = true
		}
	}
	found := map[[2]string]bool{}
	for dir := range dirs {
		module, diagnostics := tfconfig.LoadModuleFromFilesystem(tfconfig.WrapFS(fsys), dir)
		if diagnostics.HasErrors() {
			return nil, refuse(ErrContent, "run terraform validate there", "reading the configuration in %q: %v", dir, diagnostics.Err())
		}
		for local, p := range module.RequiredProviders {
			source := p.Source
			if source == "" {
				source = "hashicorp/" + local
			}
			found[[2]string{source, strings.Join(p.VersionConstraints, ", ")}] = true
		}
	}
	list := make([][2]string, 0, len(found))
	for p := range found {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return list, nil
}
