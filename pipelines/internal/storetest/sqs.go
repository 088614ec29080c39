package storetest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// queues gives attributes of queues back as they were written: moto forgets who may use a
// queue for its dead letters, and writes redrive policies with other spaces. Terraform's
// provider waits for both.
type queues struct {
	mu   sync.Mutex
	kept map[string]map[string]string // by the queue's URL
}

// asWritten are the attributes that are kept.
var asWritten = []string{"RedrivePolicy", "RedriveAllowPolicy"}

// call is what a request and an answer of SQS hold of a queue.
type call struct {
	QueueURL       string            `json:"QueueUrl"`
	Attributes     map[string]string `json:"Attributes"`
	AttributeNames []string          `json:"AttributeNames"`
}

func (q *queues) mend(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, action, isSQS := strings.Cut(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
		if !isSQS {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		forwarded := body
		var asked call
		if action == "GetQueueAttributes" && json.Unmarshal(body, &asked) == nil && slices.Contains(asked.AttributeNames, "RedriveAllowPolicy") {
			forwarded = everything(asked.QueueURL) // moto refuses the name
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(forwarded)), int64(len(forwarded))
		answer := &recorded{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		text := answer.body.Bytes()
		if answer.status == http.StatusOK {
			text = q.of(action, body, text)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.Header().Del("X-Amz-Crc32") // of what moto said
		w.WriteHeader(answer.status)
		_, _ = w.Write(text)
	})
}

// everything asks for all attributes of a queue.
func everything(queue string) []byte {
	text, _ := json.Marshal(map[string]any{"QueueUrl": queue, "AttributeNames": []string{"All"}}) // of texts
	return text
}

func (q *queues) of(action string, body, text []byte) []byte {
	var asked, said call
	if json.Unmarshal(body, &asked) != nil || len(bytes.TrimSpace(text)) > 0 && json.Unmarshal(text, &said) != nil {
		return text
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.kept == nil {
		q.kept = map[string]map[string]string{}
	}
	switch action {
	case "CreateQueue":
		asked.QueueURL = said.QueueURL
		fallthrough
	case "SetQueueAttributes":
		if q.kept[asked.QueueURL] == nil {
			q.kept[asked.QueueURL] = map[string]string{}
		}
		for _, name := range asWritten {
			if value, ok := asked.Attributes[name]; ok {
				q.kept[asked.QueueURL][name] = value
			}
		}
	case "DeleteQueue":
		delete(q.kept, asked.QueueURL)
	case "GetQueueAttributes":
		if said.Attributes == nil {
			said.Attributes = map[string]string{}
		}
		for _, name := range asWritten {
			if value := q.kept[asked.QueueURL][name]; value != "" {
				said.Attributes[name] = value
			}
		}
		if !slices.Contains(asked.AttributeNames, "All") {
			maps.DeleteFunc(said.Attributes, func(name, _ string) bool { return !slices.Contains(asked.AttributeNames, name) })
		}
		if mended, err := json.Marshal(map[string]any{"Attributes": said.Attributes}); err == nil {
			return mended
		}
	}
	return text
}

// recorded is an answer that is not sent yet.
type recorded struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }
