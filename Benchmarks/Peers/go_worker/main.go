// amqp091-go and go-sqlite3, as their documentation recommends: manual acks, a prefetch, deferred confirms, prepared
// statements, one transaction a command.
//
//	go_worker URI NAMESPACE STORE
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/mattn/go-sqlite3"
	amqp "github.com/rabbitmq/amqp091-go"
)

const prefetch = 1000

type command struct {
	OperationUUID string `json:"operationUuid"`
	ServerID      int64  `json:"serverId"`
	SubState      string `json:"subState,omitempty"`
	Reason        string `json:"reason,omitempty"`
}

type state struct {
	ServerID       int64  `json:"serverId"`
	Name           string `json:"name"`
	Version        int64  `json:"version"`
	State          string `json:"state"`
	SubState       string `json:"subState,omitempty"`
	Reason         string `json:"reason,omitempty"`
	PreviousState  string `json:"previousState"`
	LocationID     int    `json:"locationId"`
	InstanceTypeID int    `json:"instanceTypeId"`
	Command        string `json:"command"`
	OperationUUID  string `json:"operationUuid"`
}

type event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Subject     string `json:"subject"`
	Time        string `json:"time"`
	Sequence    string `json:"sequence"`
	Position    string `json:"position"`
	Data        state  `json:"data"`
}

type job struct {
	database                                                          *sql.DB
	known, server, upsert, operation, history, outbox, deletePublished *sql.Stmt
	// The position that is published and still in the outbox: it goes with the next transaction.
	published int64
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func open(path string) *job {
	database, err := sql.Open("sqlite3", path+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_txlock=immediate")
	must(err)
	database.SetMaxOpenConns(1)
	schema, err := os.ReadFile(os.Getenv("BENCH_SCHEMA"))
	must(err)
	_, err = database.Exec(string(schema))
	must(err)
	prepare := func(text string) *sql.Stmt {
		statement, err := database.Prepare(text)
		must(err)
		return statement
	}
	return &job{
		database:  database,
		known:     prepare("SELECT outcome FROM operations WHERE uuid = ? AND command = ? AND server_id = ?"),
		server:    prepare("SELECT version, state FROM servers WHERE id = ?"),
		upsert: prepare("INSERT INTO servers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET " +
			"version = excluded.version, state = excluded.state, sub_state = excluded.sub_state, " +
			"reason = excluded.reason, changed_at = excluded.changed_at"),
		operation:       prepare("INSERT INTO operations VALUES (?, ?, ?, 'applied', ?)"),
		history:         prepare("INSERT INTO history (server_id, version, command, at, data) VALUES (?, ?, ?, ?, ?)"),
		outbox:          prepare("INSERT INTO outbox VALUES (?, ?, ?)"),
		deletePublished: prepare("DELETE FROM outbox WHERE position = ?"),
	}
}

// Returns nothing for an operation that was seen before.
func (job *job) apply(name string, body []byte) (position int64, key string, encoded []byte) {
	var command command
	must(json.Unmarshal(body, &command))
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	transaction, err := job.database.Begin()
	must(err)
	defer transaction.Rollback()
	if job.published != 0 {
		_, err = transaction.Stmt(job.deletePublished).Exec(job.published)
		must(err)
	}
	var outcome string
	err = transaction.Stmt(job.known).QueryRow(command.OperationUUID, name, command.ServerID).Scan(&outcome)
	if err == nil {
		return 0, "", nil
	} else if err != sql.ErrNoRows {
		must(err)
	}
	version, previous := int64(0), "available"
	err = transaction.Stmt(job.server).QueryRow(command.ServerID).Scan(&version, &previous)
	if err != nil && err != sql.ErrNoRows {
		must(err)
	}
	version++
	after := "backToBaseline"
	if name == "isolate" {
		after = "isolated"
	}
	_, err = transaction.Stmt(job.upsert).Exec(command.ServerID, version, after, command.SubState, command.Reason, now)
	must(err)
	_, err = transaction.Stmt(job.operation).Exec(name, command.OperationUUID, command.ServerID, now)
	must(err)
	data := state{command.ServerID, fmt.Sprintf("server-%d", command.ServerID), version, after, command.SubState,
		command.Reason, previous, 1, 1, name, command.OperationUUID}
	document, err := json.Marshal(data)
	must(err)
	result, err := transaction.Stmt(job.history).Exec(command.ServerID, version, name, now, document)
	must(err)
	position, err = result.LastInsertId()
	must(err)
	encoded, err = json.Marshal(event{"1.0", command.OperationUUID, fmt.Sprintf("/servers/%d", command.ServerID),
		"ostler.server." + name + "d.v1", fmt.Sprint(command.ServerID), now, fmt.Sprintf("%020d", version),
		fmt.Sprintf("%020d", position), data})
	must(err)
	key = fmt.Sprintf("server.%sd.%s.1", name, after)
	_, err = transaction.Stmt(job.outbox).Exec(position, key, encoded)
	must(err)
	must(transaction.Commit())
	return position, key, encoded
}

func main() {
	uri, namespace := os.Args[1], os.Args[2]
	job := open(os.Args[3])
	connection, err := amqp.Dial(uri)
	must(err)
	channel, err := connection.Channel()
	must(err)
	must(channel.Qos(prefetch, 0, false))
	must(channel.Confirm(false))
	deliveries := make(chan amqp.Delivery)
	for _, name := range []string{"isolate", "unisolate"} {
		queue, err := channel.Consume(namespace+".commands."+name, "", false, false, false, false, nil)
		must(err)
		go func() {
			for delivery := range queue {
				deliveries <- delivery
			}
		}()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	for {
		select {
		case <-stop:
			return
		case delivery := <-deliveries:
			position, key, body := job.apply(delivery.RoutingKey, delivery.Body)
			if body != nil {
				confirm, err := channel.PublishWithDeferredConfirmWithContext(
					context.Background(), namespace+".events", key, false, false,
					amqp.Publishing{ContentType: "application/cloudevents+json", DeliveryMode: amqp.Persistent, Body: body})
				must(err)
				if !confirm.Wait() {
					log.Fatal("the broker refused an event")
				}
				job.published = position
			}
			must(delivery.Ack(false))
		}
	}
}
