package image

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// spdx is a document of SPDX 2.3, as far as we fill it.
type spdx struct {
	Version       string             `json:"spdxVersion"`
	DataLicense   string             `json:"dataLicense"`
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Namespace     string             `json:"documentNamespace"`
	CreationInfo  spdxCreation       `json:"creationInfo"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
	Comment  string   `json:"comment,omitempty"`
}

type spdxPackage struct {
	ID               string         `json:"SPDXID"`
	Name             string         `json:"name"`
	Version          string         `json:"versionInfo,omitempty"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	Purpose          string         `json:"primaryPackagePurpose,omitempty"`
	SourceInfo       string         `json:"sourceInfo,omitempty"`
	Checksums        []spdxChecksum `json:"checksums,omitempty"`
	ExternalRefs     []spdxRef      `json:"externalRefs,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// sbomComment says in the document itself what was looked for: what is absent from it
// may be in the image all the same.
const sbomComment = "Packages of Go binaries (from their build information), of dpkg and of apk. Of other languages and of plain files nothing is listed."

// sbomOf lists what is in the image of one platform. The same image gives the same bytes.
func sbomOf(p platformImage, l Labels) (packages int, text []byte, err error) {
	digest, err := p.image.Digest()
	if err != nil {
		return 0, nil, err
	}
	found, err := packagesOf(p.image)
	if err != nil {
		return 0, nil, err
	}
	doc := spdx{Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: l.Title + " " + p.platform.String(),
		Namespace:    "https://github.com/penstock-dev/penstock/spdx/" + digest.Hex,
		CreationInfo: spdxCreation{l.created().Format(time.RFC3339), []string{"Tool: penstock"}, sbomComment},
		Packages: []spdxPackage{{ID: "SPDXRef-Image", Name: l.Title, Version: digest.String(), DownloadLocation: "NOASSERTION", Purpose: "CONTAINER",
			Checksums: []spdxChecksum{{"SHA256", digest.Hex}}}},
		Relationships: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"}}}
	for _, one := range found {
		id := "SPDXRef-Package-" + fmt.Sprintf("%x", sha256.Sum256([]byte(one.purl+"\x00"+one.where)))[:16]
		doc.Packages = append(doc.Packages, spdxPackage{ID: id, Name: one.name, Version: one.version, DownloadLocation: "NOASSERTION", SourceInfo: one.where,
			ExternalRefs: []spdxRef{{"PACKAGE-MANAGER", "purl", one.purl}}})
		doc.Relationships = append(doc.Relationships, spdxRelationship{"SPDXRef-Image", "CONTAINS", id})
	}
	text, err = json.Marshal(doc)
	return len(found), text, err
}

// pack is one package that is in an image.
type pack struct{ name, version, purl, where string }

func sortPacks(list []pack) []pack {
	slices.SortFunc(list, func(a, b pack) int { return strings.Compare(a.purl+"\x00"+a.where, b.purl+"\x00"+b.where) })
	return slices.Compact(list)
}
