package scaffold

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/config"
)

func TestServiceIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	s := Service{Root: dir, Name: "orders", Owner: "team: shop", Account: "111111111111", Region: "eu-west-1"}
	written, err := s.Write()
	want := []string{"orders/.gitignore", "orders/Dockerfile", "orders/dvlp-iac.tfvars", "orders/helm_values.yaml", "orders/penstock.yaml", "orders/service.tfvars"}
	if err != nil || !slices.Equal(written, want) {
		t.Fatalf("got %v, %v", written, err)
	}
	c, err := config.Load(os.DirFS(filepath.Join(dir, "orders")))
	if err != nil || c.Service.Name != "orders" || c.Service.Owner != "team: shop" || c.Service.Environments[0].Account != "111111111111" {
		t.Errorf("penstock.yaml: %+v, %v", c, err)
	}
	if _, err := s.Write(); !errors.Is(err, ErrArgument) {
		t.Errorf("it was written over: %v", err)
	}
	for _, wrong := range []Service{
		{Root: dir, Name: "../x", Owner: "o", Account: "111111111111", Region: "r"}, {Root: dir, Name: "X", Owner: "o", Account: "111111111111", Region: "r"},
		{Root: dir, Name: "pay", Account: "111111111111", Region: "r"}, {Root: dir, Name: "pay", Owner: "o", Account: "12", Region: "r"}, {Root: dir, Name: "pay", Owner: "o", Account: "111111111111"},
	} {
		if _, err := wrong.Write(); !errors.Is(err, ErrArgument) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("something else was written: %v, %v", entries, err)
	}
}
