package config

// Deploy bounds what a deploy may take and keep.
type Deploy struct {
	// Timeout is how long the workloads may take to become ready, such as "10m". Default 5m.
	Timeout string `json:"timeout,omitempty" jsonschema:"pattern=^[0-9]+[sm]$"`
	// History is how many revisions are kept to roll back to. Default 10.
	History int `json:"history,omitempty" jsonschema:"minimum=2,maximum=100"`
}

// Smoke is the question whose answer says that a release works. Without one it is not asked.
type Smoke struct {
	// URL is asked from where penstock runs; {env} stands for the environment's name.
	URL string `json:"url,omitempty" jsonschema:"minLength=1"`
	// Service, instead of URL, is a Kubernetes service with its port, such as orders:http,
	// which is asked through the API server.
	Service string `json:"service,omitempty" jsonschema:"pattern=^[a-z][a-z0-9-]*:[a-z0-9-]+$"`
	// Path of the service. Default /.
	Path string `json:"path,omitempty" jsonschema:"pattern=^/"`
	// Status is the answer's, for a URL. Default 200; through the API server it is any below 300.
	Status int `json:"status,omitempty" jsonschema:"minimum=100,maximum=599"`
	// Within is how long the right answer may take to come, such as "1m". Default 1m.
	Within string `json:"within,omitempty" jsonschema:"pattern=^[0-9]+[sm]$"`
}
