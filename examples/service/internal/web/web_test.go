package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/acme/orders/internal/store"
)

func open(t *testing.T) *store.Store {
	t.Helper()
	dir := t.TempDir()
	if _, _, err := store.Migrate(dir); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestHandler(t *testing.T) {
	h := Handler(open(t), "https://sqs.eu-west-1.amazonaws.com/000000000000/dvlp-orders-orders")
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/healthz", "", http.StatusOK, "alive"},
		{"GET", "/readyz", "", http.StatusOK, "ready"},
		{"GET", "/orders", "", http.StatusOK, "[]"},
		{"POST", "/orders", `{"item":"pen","quantity":2}`, http.StatusCreated, `{"id":1,"item":"pen","quantity":2,"currency":"EUR"}`},
		{"GET", "/orders", "", http.StatusOK, `"item":"pen"`},
		{"POST", "/orders", `{"item":"pen"}`, http.StatusUnprocessableEntity, "quantity"},
		{"POST", "/orders", `{"itme":"pen"}`, http.StatusBadRequest, "itme"},
		{"POST", "/orders", `{`, http.StatusBadRequest, "not an order"},
		{"DELETE", "/orders", "", http.StatusMethodNotAllowed, ""},
		{"GET", "/", "", http.StatusNotFound, ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
		}
	}
}

func TestNotReadyWithoutItsQueue(t *testing.T) {
	for _, queue := range []string{"", "orders", ":"} {
		w := httptest.NewRecorder()
		Handler(open(t), queue).ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%q: %d", queue, w.Code)
		}
	}
}
