#ifndef OSTLER_BENCH_WIRE_H
#define OSTLER_BENCH_WIRE_H

// A connection with one channel, as thin over librabbitmq as can be: what the load generator, the counting subscriber
// and the echo share. Not thread-safe: one thread a connection. Failures end the process; a benchmark has nothing to save.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wire wire;

typedef enum {
  WIRE_NOTHING,  // nothing came within the time that was given
  WIRE_DELIVERY,
  WIRE_ACK,   // the broker took what was published, up to `tag` where `multiple`
  WIRE_NACK,  // the broker did not
} wire_kind;

typedef struct {
  wire_kind kind;
  uint64_t tag;
  bool multiple;
  // Of a delivery, valid until the next call: not terminated by a zero.
  const char *routing_key;
  size_t routing_key_length;
  const char *body;
  size_t body_length;
} wire_event;

// Host and port of an address like amqp://user:password@host:port/vhost.
wire *wire_open(const char *uri);
void wire_close(wire *wire);
// For poll(), once wire_next() has said that there is nothing.
int wire_descriptor(const wire *wire);

void wire_confirm(wire *wire);
void wire_prefetch(wire *wire, uint16_t count);
void wire_consume(wire *wire, const char *queue);

void wire_declare_quorum_queue(wire *wire, const char *queue);
void wire_bind(wire *wire, const char *queue, const char *exchange, const char *key);
void wire_purge(wire *wire, const char *queue);
void wire_delete_queue(wire *wire, const char *queue);

// Persistent, with a content type.
void wire_publish(wire *wire, const char *exchange, const char *key, const char *content_type, const void *body,
                  size_t length);
void wire_ack(wire *wire, uint64_t tag, bool multiple);
// Waits at most so long; 0 only looks.
void wire_next(wire *wire, wire_event *event, int timeout_milliseconds);

// The 36 bytes of the operationUuid that the body carries; NULL where there is none.
const char *wire_operation(const wire_event *event);

// CLOCK_MONOTONIC in nanoseconds.
int64_t wire_now(void);

#endif
