// Package store keeps orders in a directory. It stands in for a database, of which the
// standard library has no driver: it has a schema with a version and migrations, and
// refuses a version that the program does not know, as the real one would.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Order is what somebody wants.
type Order struct {
	ID       int    `json:"id"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
	Currency string `json:"currency"`
}

// Store is an open database.
type Store struct {
	mu     sync.Mutex
	dir    string
	orders []Order
}

// ErrVersion says that the database is not of the version that the program needs.
var ErrVersion = errors.New("the database has another version")

// migrations bring the orders from each version to the next.
var migrations = []func([]Order) []Order{
	func(orders []Order) []Order { return orders }, // the first table
	func(orders []Order) []Order { // orders have a currency
		for i := range orders {
			if orders[i].Currency == "" {
				orders[i].Currency = "EUR"
			}
		}
		return orders
	},
}

// Migrate brings the database to the version of this program. Each step is written in
// one go, with its version: one that is killed is done again from where it was.
func Migrate(dir string) (from, to int, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, 0, err
	}
	from, orders, err := read(dir)
	if err != nil {
		return 0, 0, err
	}
	if from > len(migrations) {
		return from, from, fmt.Errorf("%w: %d, and this program knows %d", ErrVersion, from, len(migrations))
	}
	for to = from; to < len(migrations); to++ {
		orders = migrations[to](orders)
		if err := write(dir, to+1, orders); err != nil {
			return from, to, err
		}
	}
	return from, to, nil
}

// Open opens a database that was migrated.
func Open(dir string) (*Store, error) {
	version, orders, err := read(dir)
	if err != nil {
		return nil, err
	}
	if version != len(migrations) {
		return nil, fmt.Errorf("%w: %d, and this program needs %d: run orders migrate", ErrVersion, version, len(migrations))
	}
	return &Store{dir: dir, orders: orders}, nil
}

// Add keeps an order and gives it its number.
func (s *Store) Add(o Order) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.ID = len(s.orders) + 1
	more := append(slices.Clone(s.orders), o)
	if err := write(s.dir, len(migrations), more); err != nil {
		return Order{}, err
	}
	s.orders = more
	return o, nil
}

// All returns the orders, the oldest first.
func (s *Store) All() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}

// A version is a file orders.VERSION.json; the highest counts.
func read(dir string) (version int, orders []Order, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, err
	}
	for _, e := range entries {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".json"), "orders.")
		if n, err := strconv.Atoi(middle); ok && err == nil && n > version {
			version = n
		}
	}
	if version == 0 {
		return 0, nil, nil
	}
	text, err := os.ReadFile(name(dir, version))
	if err != nil {
		return 0, nil, err
	}
	return version, orders, json.Unmarshal(text, &orders)
}

func write(dir string, version int, orders []Order) error {
	text, err := json.Marshal(orders)
	if err != nil {
		return err
	}
	part := filepath.Join(dir, ".part")
	if err := os.WriteFile(part, text, 0o640); err != nil {
		return err
	}
	return os.Rename(part, name(dir, version))
}

func name(dir string, version int) string {
	return filepath.Join(dir, "orders."+strconv.Itoa(version)+".json")
}
