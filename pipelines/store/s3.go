package store

import (
	"context"
	"net/url"
)

func openS3(context.Context, *url.URL) (Store, error) { return nil, ErrUnsupported }
func openOCI(string) (Store, error)                   { return nil, ErrUnsupported }
