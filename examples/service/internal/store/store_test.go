package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestMigrate(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrVersion) {
		t.Errorf("a database that was not migrated: %v", err)
	}
	for i, from := range []int{0, 2, 2} {
		got, to, err := Migrate(dir)
		if err != nil || got != from || to != 2 {
			t.Errorf("run %d: from %d to %d, %v", i, got, to, err)
		}
	}
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
}

func TestMigrateAddsCurrency(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "orders.1.json"), []byte(`[{"id":1,"item":"pen","quantity":2}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Migrate(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if all := s.All(); len(all) != 1 || all[0].Currency != "EUR" || all[0].Item != "pen" {
		t.Errorf("got %+v", all)
	}
}

func TestAnOlderProgramRefusesANewerDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "orders.9.json"), []byte(`[]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Migrate(dir); !errors.Is(err, ErrVersion) {
		t.Errorf("migrate: %v", err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrVersion) {
		t.Errorf("open: %v", err)
	}
}

func TestOrdersAreKept(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Migrate(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := s.Add(Order{Item: "pen", Quantity: 1, Currency: "EUR"}); err != nil || o.ID != 1 {
		t.Errorf("got %+v, %v", o, err)
	}
	if s, err = Open(dir); err != nil || len(s.All()) != 1 {
		t.Errorf("after a restart: %v, %v", s, err)
	}
}
