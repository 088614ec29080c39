package infratype

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines"
)

const bundle = "../../bundle/terraform"

// contracts are those of the bundle.
func contracts(t *testing.T) []Contract {
	t.Helper()
	list, err := Load(os.DirFS(bundle))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 6 {
		t.Fatalf("only %d types", len(list))
	}
	return list
}

// copied is the bundle's Terraform in memory.
func copied(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(bundle), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == ".terraform" {
			return errors.Join(err, fs.SkipDir)
		}
		if entry.IsDir() {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(bundle, name))
		files[name] = &fstest.MapFile{Data: text, Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestBundleMayBeBundled(t *testing.T) {
	if err := Check(os.DirFS(bundle)); err != nil {
		t.Error(err)
	}
	if err := Check(copied(t)); err != nil {
		t.Error(err)
	}
}

const queue = "modules/sqs-queue/contract.yaml"

// refused: what is replaced in which file, or the file taken away, and what is said of it where.
var refused = map[string]struct{ file, old, new, at, says string }{
	"unknown key":           {queue, "summary:", "sumary: x\nsummary:", queue + ":6:1", "sumary"},
	"key twice":             {queue, "prefix: SQS", "prefix: SQS\nprefix: SQS", queue + ":", "prefix"},
	"wildcard action":       {queue, "sqs:SendMessage", `"sqs:*"`, queue + ":23:11", `"sqs:*" is no exact action`},
	"wildcard in action":    {queue, "sqs:SendMessage", "sqs:Send*", queue + ":", "no exact action"},
	"question mark":         {queue, "sqs:SendMessage", "sqs:SendMessag?", queue + ":", "no exact action"},
	"all actions":           {queue, "sqs:SendMessage", `"*"`, queue + ":", "no exact action"},
	"action without name":   {queue, "sqs:SendMessage", "SendMessage", queue + ":", "no exact action"},
	"unknown placeholder":   {queue, "{service}-{name}-dlq\"", "{squad}-{name}-dlq\"", queue + ":", "unknown placeholder {squad}"},
	"open placeholder":      {queue, "{service}-{name}-dlq\"", "{service}-{name-dlq\"", queue + ":", "unknown placeholder {name-dlq"},
	"every queue":           {queue, "{service}-{name}-dlq\"", "{service}-*\"", queue + ":", "is not of one resource"},
	"resource with star":    {queue, "{name}-dlq\"", "{name}-*\"", queue + ":", "is not exact"},
	"no ARN":                {queue, "arn:{partition}:sqs:{region}:{account}:{environment}-{service}-{name}-dlq\"", "*\"", queue + ":", "is no ARN"},
	"other partition":       {queue, "arn:{partition}:sqs:{region}:{account}:{environment}-{service}-{name}-dlq\"", "arn:aws:sqs:{region}:{account}:{environment}-{service}-{name}\"", queue + ":", "is no ARN"},
	"no parameters":         {queue, "parameters:\n  - name: url\n    description: URL of the queue\n  - name: arn\n    description: ARN of the queue\n  - name: dead_letter_url\n    description: URL of the queue that takes what could not be processed\n", "", queue + ":", "there are no parameters"},
	"parameter twice":       {queue, "- name: arn", "- name: url", queue + ":", `"url" stands there twice`},
	"properties, no secret": {queue, "description: ARN of the queue", "description: ARN of the queue\n    properties: [user]", queue + ":", "is no secret"},
	"no such rule":          {queue, "- sqs-encrypted", "- sqs-encryptd", queue + ":", `no rule "sqs-encryptd"`},
	"other schema":          {queue, "infra-type/v1", "infra-type/v2", queue + ":2:1", "infra-type/v2"},
	"other module":          {queue, "module: sqs-queue", "module: sqs", queue + ":4:1", `its directory "sqs-queue"`},
	"no variable":           {queue, "type: sqs_queues", "type: sqs_queue", queue + ":3:1", "no variable of service-iac"},
	"type of another":       {queue, "type: sqs_queues", "type: s3_buckets", queue + ":3:1", "is also that of"},
	"prefix of another":     {queue, "prefix: SQS", "prefix: S3", queue + ":5:1", "is also that of"},
	"anchor":                {queue, "summary: A", "summary: &a A", queue + ":", "anchors"},
	"no example":            {"modules/sqs-queue/example/main.tf", "", "", queue + ":", "holds no *.tf"},
	"no access":             {"modules/security-group/contract.yaml", "access: {}", "#", "modules/security-group/contract.yaml:", "there is no access"},
	"resources of both":     {"modules/rds-cluster/contract.yaml", "through: resource-policy", "through: resource-policy\n      resources: [\"arn:{partition}:rds:{region}:{account}:cluster:{environment}-{service}-{name}\"]", "modules/rds-cluster/contract.yaml:", "names no resources, or some"},
	"no tests":              {"modules/sqs-queue/tests/queue.tftest.hcl", "", "", queue + ":", "holds no *.tftest.hcl"},
	"no contract":           {queue, "", "", "modules/sqs-queue/main.tf:", "has no contract"},
	"no module in iac":      {"service-iac/sqs_queues.tf", "", "", queue + ":", "does not make the type"},
	"nothing granted":       {"service-iam/main.tf", "sqs_queues      = var.sqs_queues", "", queue + ":", "grants nothing on the type"},
	"granted, no type":      {"service-iam/main.tf", "sqs_queues      = var.sqs_queues", "sqs_queues = var.sqs_queues\n boxes = var.boxes", "", "which is no type"},
	"no variable in iam":    {"service-iam/variables.tf", `variable "sqs_queues"`, `variable "queues"`, queue + ":", "no variable of service-iam"},
	"configuration broken":  {"service-iac/variables.tf", "variable", "variable {", "service-iac/variables.tf:", ""},
}

func TestWhatIsRefused(t *testing.T) {
	for name, test := range refused {
		t.Run(name, func(t *testing.T) {
			files := copied(t)
			text := string(files[test.file].Data)
			switch {
			case test.old == "":
				delete(files, test.file)
				delete(files, strings.Replace(test.file, "main.tf", "versions.tf", 1)) // the other file of the example
			case !strings.Contains(text, test.old):
				t.Fatalf("%s does not hold %q", test.file, test.old)
			default:
				files[test.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, test.old, test.new, 1))}
			}
			err := Check(files)
			var known *pipelines.Error
			if !errors.As(err, &known) {
				t.Fatalf("not refused by a place: %v", err)
			}
			if !strings.Contains(err.Error(), test.at) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("want %q at %q, got: %v", test.says, test.at, err)
			}
			if known.Line == 0 {
				t.Errorf("no line: %v", err)
			}
		})
	}
}
