// Package plangen writes plan JSON of any size, for tests of memory and speed.
package plangen

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// each is about how many bytes one resource takes, in all parts of the plan.
const each = 6_700

// Write writes a plan of about size bytes in the order in which Terraform writes
// it. Of its resources a tenth each is created, updated and deleted, and the rest
// is left as it is; each has a sensitive value and a policy in JSON. The same size
// gives the same bytes. It returns how many resources there are.
func Write(w io.Writer, size int64) (int, error) {
	n := int(max(1, size/each))
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(`{"format_version":"1.2","terraform_version":"1.11.4","variables":{"password":{"value":"hunter2-hunter2"}},"planned_values":{"root_module":{"resources":[`)
	list(out, n, func(i int) {
		fmt.Fprintf(out, `{%s,"values":%s,"sensitive_values":{"password":true}}`, identity(i), values(i, "after"))
	})
	out.WriteString(`]}},"resource_changes":[`)
	list(out, n, func(i int) { fmt.Fprintf(out, `{%s,%s}`, identity(i), change(i)) })
	out.WriteString(`],"output_changes":{"endpoint":{"actions":["update"],"before":"a","after":"b","before_sensitive":false,"after_sensitive":false,"after_unknown":false}},` +
		`"prior_state":{"format_version":"1.0","terraform_version":"1.11.4","values":{"root_module":{"resources":[`)
	list(out, n, func(i int) {
		fmt.Fprintf(out, `{%s,"values":%s,"sensitive_values":{"password":true}}`, identity(i), values(i, "before"))
	})
	out.WriteString(`]}}},"configuration":{"root_module":{"resources":[{"address":"acme_service.this","mode":"managed","type":"acme_service","name":"this",` +
		`"expressions":{"name":{"constant_value":"orders"},"password":{"references":["var.password"]}},"schema_version":0}],"variables":{"password":{"sensitive":true}}}},` +
		`"timestamp":"2026-01-01T00:00:00Z","applyable":true,"complete":true,"errored":false}` + "\n")
	return n, out.Flush()
}

func list(out *bufio.Writer, n int, one func(int)) {
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		one(i)
	}
}

func identity(i int) string {
	return fmt.Sprintf(`"address":"acme_service.this[%d]","mode":"managed","type":"acme_service","name":"this","index":%d,"provider_name":"registry.terraform.io/acme/acme","schema_version":0`, i, i)
}

var filler = strings.Repeat("lorem ipsum ", 60)

func values(i int, state string) string {
	return fmt.Sprintf(`{"id":"svc-%08d","name":"orders","size":%d,"enabled":true,"state":"%s","password":"secret-%08d","description":"%s",`+
		`"tags":{"Name":"orders-%d","Team":"payments"},"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b%d/*\"}]}"}`,
		i, i%7, state, i, filler, i, i)
}

func change(i int) string {
	const tail = `"before_sensitive":{"password":true},"after_sensitive":{"password":true},"after_unknown":{}}`
	before, after := values(i, "before"), values(i, "after")
	switch i % 10 {
	case 0:
		return `"change":{"actions":["create"],"before":null,"after":` + after + `,"before_sensitive":false,"after_sensitive":{"password":true},"after_unknown":{"arn":true}}`
	case 1:
		return `"change":{"actions":["update"],"before":` + before + `,"after":` + after + `,` + tail
	case 2:
		return `"change":{"actions":["delete"],"before":` + before + `,"after":null,"before_sensitive":{"password":true},"after_sensitive":false,"after_unknown":{}}`
	}
	return `"change":{"actions":["no-op"],"before":` + before + `,"after":` + before + `,` + tail
}
