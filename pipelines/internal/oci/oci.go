// Package oci is what all that is kept in OCI registries shares: how a
// repository is named, and how a registry says that something is not there.
package oci

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Repository reads REGISTRY/REPOSITORY, without a tag. The registry has to be named:
// where it is not, another one would be meant.
func Repository(text string) (repository name.Repository, ok bool) {
	repository, err := name.NewRepository(text, name.StrictValidation)
	return repository, err == nil && strings.HasPrefix(text, repository.RegistryStr()+"/")
}

// Absent says whether the registry answered that there is no such manifest. A page
// of a proxy that happens to be 404 is no such answer.
func Absent(err error) bool {
	var answer *transport.Error
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusNotFound {
		return false
	}
	for _, e := range answer.Errors {
		if e.Code == transport.ManifestUnknownErrorCode || e.Code == transport.NameUnknownErrorCode || e.Code == "NOT_FOUND" {
			return true
		}
	}
	return false
}
