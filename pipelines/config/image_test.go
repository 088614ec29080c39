package config

import (
	"strings"
	"testing"
)

func TestImage(t *testing.T) {
	got, err := Read(File, []byte("version: 1\nimage: {language: node, movable: [main, \"pr-*\"]}\n"))
	if err != nil || got.Image.Language != "node" || len(got.Image.Movable) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"image:\n  language: golang\n": "penstock.yaml:3:3: language is \"golang\"",
		"image:\n  movble: [main]\n":   `penstock.yaml:3:3: there is no key "movble"`,
		"image:\n  movable: [\"[\"]\n": "penstock.yaml:3:13:",
		"image:\n  movable: [\"\"]\n":  "penstock.yaml:3:13:",
		"image:\n  movable: main\n":    "penstock.yaml:3:",
	} {
		if _, err := Read(File, []byte("version: 1\n"+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
