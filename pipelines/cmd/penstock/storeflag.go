package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/store"
)

// storeFlag is the address of a store that was named.
type storeFlag string

func (f *storeFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(f), "store", "", "the `ADDRESS` of the store (default live.store of penstock.yaml)")
}

// open opens the store that was named, or that penstock.yaml names.
func (f storeFlag) open(ctx context.Context, s scope) (store.Store, error) {
	named := string(f)
	if named == "" {
		named = s.config.Live.Store
	}
	if named == "" {
		named = ".penstock"
	}
	if !filepath.IsAbs(named) && !remote(named) {
		named = filepath.Join(s.Root, named)
	}
	return store.Open(ctx, named)
}

// openIn opens the store of the repository in a directory, whatever its units are.
func (f storeFlag) openIn(ctx context.Context, dir string) (store.Store, scope, error) {
	all := scopeFlags{all: true}
	s, err := all.resolve(ctx, dir)
	if err != nil {
		return nil, s, err
	}
	kept, err := f.open(ctx, s)
	return kept, s, err
}

// remote says whether an address is not that of a directory; of what kind it is, and
// whether that is known, the store says.
func remote(address string) bool { return strings.Contains(address, "://") }
