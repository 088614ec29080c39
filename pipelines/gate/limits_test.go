package gate

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestHostileSizesAreRefused: none of these may end or hold up the program.
func TestHostileSizesAreRefused(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("locals {\n  l0 = \"x\"\n")
	for i := range 60 {
		fmt.Fprintf(&doubling, "  l%d = \"${local.l%d}${local.l%d}\"\n", i+1, i, i)
	}
	doubling.WriteString("}\noutput \"x\" {\n  value = file(\"${path.module}/${local.l60}\")\n}\n")
	for name, c := range map[string]struct{ file, content, want string }{
		"large":        {"main.tf", strings.Repeat("#", FileLimit+1), "unreadable"},
		"deep":         {"main.tf", "locals {\n  x = " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "\n}\n", "unreadable"},
		"deep json":    {"main.tf.json", `{"locals":{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}}", "unreadable"},
		"deep in json": {"main.tf.json", `{"locals":{"x":"${` + strings.Repeat(`\u005b`, 20000) + strings.Repeat(`\u005d`, 20000) + `}"}}`, "unreadable"},
		"many calls":   {"main.tf.json", `{"locals":{"x":[` + strings.Repeat(`"${file(local.x)}",`, 10_000) + `1]}}`, "file"},
		"circular":     {"main.tf", "locals {\n  x = \"${local.x}\"\n}\noutput \"x\" {\n  value = file(\"${path.module}/${local.x}\")\n}\n", "file"},
		"doubling":     {"main.tf", doubling.String(), "file"},
		"calls itself": {"main.tf", "variable \"x\" {}\nmodule \"x\" {\n  source = \"./\"\n  x      = var.x\n}\noutput \"x\" {\n  value = file(var.x)\n}\n", "file"},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := Judge(fstest.MapFS{"unit/" + c.file: {Data: []byte(c.content)}}, "unit", allowed)
			if err != nil || len(findings) == 0 || findings[0].Rule != c.want {
				t.Errorf("got %v, %v, want %s", lines(findings), err, c.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	files := fstest.MapFS{"unit/main.tf": {Data: []byte("\n")}}
	for _, dir := range []string{"none", "/unit", "../unit", "unit/main.tf"} {
		if _, err := Judge(files, dir, Allow{}); err == nil {
			t.Errorf("%q is no directory, and no error", dir)
		}
	}
	for _, allow := range []Allow{
		{Providers: []string{"hashicorp/aws"}}, {Providers: []string{"*/hashicorp/aws"}}, {Providers: []string{"registry.terraform.io//aws"}},
		{Modules: []string{"["}}, {Settings: []string{""}}, {DataSources: []string{"{"}},
	} {
		if _, err := Judge(files, "unit", allow); err == nil {
			t.Errorf("%v is no allow-list, and no error", allow)
		}
	}
}

// TestAllowing: what a finding's hint says lets it pass, and only it.
func TestAllowing(t *testing.T) {
	for content, allow := range map[string]Allow{
		"resource \"datadog_monitor\" \"x\" {}\n":                                                                                   {Providers: []string{"registry.terraform.io/hashicorp/datadog"}},
		"resource \"random_pet\" \"x\" {}\n":                                                                                        {Providers: []string{"registry.terraform.io/hashicorp/*"}},
		"data \"external\" \"x\" {}\n":                                                                                              {Providers: []string{"registry.terraform.io/*/external"}, DataSources: []string{"external"}},
		"resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {}\n}\n":                                                 {Provisioners: []string{"local-exec"}},
		"module \"x\" {\n  source = \"github.com/acme/x//y?ref=v1\"\n}\n":                                                           {Modules: []string{"github.com/acme/**"}},
		"terraform {\n  cloud {\n    organization = \"x\"\n  }\n}\n":                                                                {Backends: []string{"cloud"}},
		"terraform {\n  backend \"http\" {\n    address = \"https://x.example\"\n  }\n}\n":                                          {Backends: []string{"http"}, Settings: []string{"backend.http.address"}},
		"terraform {\n  backend \"s3\" {\n    profile = \"x\"\n  }\n}\n":                                                            {Settings: []string{"backend.s3.profile"}},
		"provider \"kubernetes\" {\n  exec {\n    command = \"aws\"\n  }\n}\n":                                                      {Providers: []string{"registry.terraform.io/hashicorp/*"}, Settings: []string{"kubernetes.exec"}},
		"provider \"helm\" {\n  kubernetes = {\n    host = \"x\"\n    exec = {\n      command = \"aws\"\n    }\n  }\n}\n":           {Providers: []string{"registry.terraform.io/hashicorp/*"}, Settings: []string{"helm.kubernetes"}},
		"terraform {\n  required_providers {\n    aws = {\n      source = \"registry.opentofu.org/HashiCorp/AWS\"\n    }\n  }\n}\n": {Providers: []string{"registry.opentofu.org/hashicorp/aws"}},
	} {
		files := fstest.MapFS{"main.tf": {Data: []byte(content)}}
		if findings, err := Judge(files, ".", Allow{}); err != nil || len(findings) == 0 {
			t.Errorf("%s\npasses with nothing allowed: %v", content, err)
		}
		findings, err := Judge(files, ".", allow)
		if err != nil || len(findings) > 0 {
			t.Errorf("%s\nis refused although it is allowed: %v, %v", content, findings, err)
		}
	}
}

// FuzzJudge: whatever stands in a unit, there is a judgement.
func FuzzJudge(f *testing.F) {
	for _, table := range []string{"testdata/vectors.txtar", "testdata/harmless.txtar"} {
		names, _, files := cases(f, table)
		for _, name := range names {
			hcl, json, grunt := files[name]["unit/main.tf"], files[name]["unit/main.tf.json"], files[name]["unit/terragrunt.hcl"]
			f.Add(content(hcl), content(json), content(grunt))
		}
	}
	f.Fuzz(func(t *testing.T, hcl, json, grunt string) {
		files := fstest.MapFS{"unit/main.tf": {Data: []byte(hcl)}, "unit/a/main.tf": {Data: []byte(hcl)}, "unit/x.tftpl": {Data: []byte(hcl)}}
		if json != "" {
			files["unit/main.tf.json"] = &fstest.MapFile{Data: []byte(json)}
			files["unit/.terraform/modules/modules.json"] = &fstest.MapFile{Data: []byte(json)}
		}
		if grunt != "" {
			files["unit/terragrunt.hcl"] = &fstest.MapFile{Data: []byte(grunt)}
		}
		if _, err := Judge(files, "unit", allowed); err != nil {
			t.Fatal(err)
		}
		_, _ = JudgeModules(files, "unit", allowed)
	})
}

func content(f *fstest.MapFile) string {
	if f == nil {
		return ""
	}
	return string(f.Data)
}
