// The same two requests by Go's net/http, a map and a lock: in memory alone,
// without validation, authentication or durability. It prints its URL.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Grade is the record.
type Grade struct {
	UserID        string `json:"user_id"`
	PostpaidLimit int64  `json:"postpaid_limit"`
	Spp           int64  `json:"spp"`
	ShippingFee   int64  `json:"shipping_fee"`
	ReturnFee     int64  `json:"return_fee"`
}

// Patch is what a set changes; what it leaves out keeps its value.
type Patch struct {
	UserID        string `json:"user_id"`
	PostpaidLimit *int64 `json:"postpaid_limit"`
	Spp           *int64 `json:"spp"`
	ShippingFee   *int64 `json:"shipping_fee"`
	ReturnFee     *int64 `json:"return_fee"`
}

var (
	lock   sync.RWMutex
	grades = map[string]Grade{}
)

func answer(w http.ResponseWriter, grade Grade) {
	text, _ := json.Marshal(grade)
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

func get(w http.ResponseWriter, r *http.Request) {
	lock.RLock()
	grade, ok := grades[r.URL.Query().Get("user_id")]
	lock.RUnlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	answer(w, grade)
}

func set(w http.ResponseWriter, r *http.Request) {
	var patch Patch
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lock.Lock()
	grade := grades[patch.UserID]
	grade.UserID = patch.UserID
	for _, field := range []struct {
		to   *int64
		from *int64
	}{
		{&grade.PostpaidLimit, patch.PostpaidLimit},
		{&grade.Spp, patch.Spp},
		{&grade.ShippingFee, patch.ShippingFee},
		{&grade.ReturnFee, patch.ReturnFee},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	grades[patch.UserID] = grade
	lock.Unlock()
	answer(w, grade)
}

// fill stores users, to see how much memory they take.
func fill(w http.ResponseWriter, r *http.Request) {
	users, _ := strconv.ParseInt(r.URL.Query().Get("users"), 10, 64)
	lock.Lock()
	for i := int64(0); i < users; i++ {
		id := fmt.Sprintf("user-%d", i)
		grades[id] = Grade{id, i, i % 100, i % 1000, i % 999}
	}
	lock.Unlock()
}

func main() {
	http.HandleFunc("/get", get)
	http.HandleFunc("/set", set)
	http.HandleFunc("/fill", fill)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	panic(http.Serve(listener, nil))
}
