// Package web is the HTTP side of orders.
package web

import (
	"encoding/json"
	"net/http"
	"net/url"

	"example.com/acme/orders/internal/store"
)

const maxBody = 1 << 20

// Handler serves orders. queue is the URL of the SQS queue `orders`, from
// SQS_ORDERS_URL; without it the service is alive and not ready.
func Handler(db *store.Store, queue string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if u, err := url.Parse(queue); err != nil || u.Host == "" {
			problem(w, http.StatusServiceUnavailable, "SQS_ORDERS_URL is not the URL of a queue")
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, append([]store.Order{}, db.All()...))
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) { add(w, r, db) })
	return mux
}

func add(w http.ResponseWriter, r *http.Request, db *store.Store) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	var o store.Order
	if err := decoder.Decode(&o); err != nil {
		problem(w, http.StatusBadRequest, "the body is not an order: "+err.Error())
		return
	}
	if o.Item == "" || o.Quantity < 1 {
		problem(w, http.StatusUnprocessableEntity, "an order has an item and a quantity of one or more")
		return
	}
	if o.Currency == "" {
		o.Currency = "EUR"
	}
	kept, err := db.Add(o)
	if err != nil {
		problem(w, http.StatusInternalServerError, "the order could not be kept")
		return
	}
	answer(w, http.StatusCreated, kept)
}

func problem(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever asked may be gone
}
