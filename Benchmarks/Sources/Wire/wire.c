// memmem
#define _GNU_SOURCE

#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

// librabbitmq 0.11 (Debian 12) has flat headers; newer versions warn about them.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#endif

enum { CHANNEL = 1 };

struct wire {
  amqp_connection_state_t state;
  // The body of the delivery that was handed out last, where it came in several frames.
  char *body;
  size_t body_capacity;
  char routing_key[256];
};

static _Noreturn void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static void check_status(int status, const char *what) {
  if (status < 0) fail("%s: %s", what, amqp_error_string2(status));
}

static void check_reply(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) fail("%s: %s", what, amqp_error_string2(reply.library_error));
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    amqp_channel_close_t *close = reply.reply.decoded;
    fail("%s: %d %.*s", what, close->reply_code, (int)close->reply_text.len, (char *)close->reply_text.bytes);
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    amqp_connection_close_t *close = reply.reply.decoded;
    fail("%s: %d %.*s", what, close->reply_code, (int)close->reply_text.len, (char *)close->reply_text.bytes);
  }
  fail("%s failed", what);
}

static void check(wire *wire, const char *what) { check_reply(amqp_get_rpc_reply(wire->state), what); }

wire *wire_open(const char *uri) {
  char *copy = strdup(uri);
  struct amqp_connection_info info;
  check_status(amqp_parse_url(copy, &info), "the broker's address");
  wire *wire = calloc(1, sizeof *wire);
  wire->state = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(wire->state);
  struct timeval limit = {.tv_sec = 10};
  check_status(amqp_socket_open_noblock(socket, info.host, info.port, &limit), "connecting");
  check_reply(amqp_login(wire->state, info.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user, info.password),
              "logging in");
  free(copy);
  amqp_channel_open(wire->state, CHANNEL);
  check(wire, "opening the channel");
  return wire;
}

void wire_close(wire *wire) {
  amqp_connection_close(wire->state, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(wire->state);
  free(wire->body);
  free(wire);
}

int wire_descriptor(const wire *wire) { return amqp_get_sockfd(wire->state); }
void wire_confirm(wire *wire) {
  amqp_confirm_select(wire->state, CHANNEL);
  check(wire, "confirm.select");
}

void wire_prefetch(wire *wire, uint16_t count) {
  amqp_basic_qos(wire->state, CHANNEL, 0, count, 0);
  check(wire, "basic.qos");
}

void wire_consume(wire *wire, const char *queue) {
  amqp_basic_consume(wire->state, CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  check(wire, queue);
}

void wire_declare_quorum_queue(wire *wire, const char *queue) {
  amqp_table_entry_t type = {
      .key = amqp_cstring_bytes("x-queue-type"),
      .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes("quorum")}}};
  amqp_queue_declare(wire->state, CHANNEL, amqp_cstring_bytes(queue), 0, 1, 0, 0, (amqp_table_t){1, &type});
  check(wire, queue);
}

void wire_bind(wire *wire, const char *queue, const char *exchange, const char *key) {
  amqp_queue_bind(wire->state, CHANNEL, amqp_cstring_bytes(queue), amqp_cstring_bytes(exchange),
                  amqp_cstring_bytes(key), amqp_empty_table);
  check(wire, exchange);
}

void wire_purge(wire *wire, const char *queue) {
  amqp_queue_purge(wire->state, CHANNEL, amqp_cstring_bytes(queue));
  check(wire, queue);
}

void wire_delete_queue(wire *wire, const char *queue) {
  amqp_queue_delete(wire->state, CHANNEL, amqp_cstring_bytes(queue), 0, 0);
  check(wire, queue);
}

void wire_publish(wire *wire, const char *exchange, const char *key, const char *content_type, const void *body,
                  size_t length) {
  amqp_basic_properties_t properties = {
      ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG,
      .delivery_mode = AMQP_DELIVERY_PERSISTENT,
      .content_type = amqp_cstring_bytes(content_type)};
  check_status(amqp_basic_publish(wire->state, CHANNEL, amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), 0,
                                  0, &properties, (amqp_bytes_t){length, (void *)body}),
               "publishing");
}

void wire_ack(wire *wire, uint64_t tag, bool multiple) {
  check_status(amqp_basic_ack(wire->state, CHANNEL, tag, multiple), "acknowledging");
}

static int next_frame(wire *wire, amqp_frame_t *frame, int timeout_milliseconds) {
  struct timeval limit = {.tv_sec = timeout_milliseconds / 1000, .tv_usec = timeout_milliseconds % 1000 * 1000};
  int status = amqp_simple_wait_frame_noblock(wire->state, frame, timeout_milliseconds < 0 ? NULL : &limit);
  if (status != AMQP_STATUS_TIMEOUT) check_status(status, "reading from the broker");
  return status;
}

static void read_content(wire *wire, wire_event *event) {
  amqp_frame_t frame;
  next_frame(wire, &frame, -1);
  if (frame.frame_type != AMQP_FRAME_HEADER) fail("the broker sent something else where a header was due");
  size_t size = frame.payload.properties.body_size, count = 0;
  event->body = "";
  event->body_length = size;
  while (count < size) {
    next_frame(wire, &frame, -1);
    if (frame.frame_type != AMQP_FRAME_BODY) fail("the broker sent something else where a body was due");
    amqp_bytes_t piece = frame.payload.body_fragment;
    if (piece.len == size) {
      event->body = piece.bytes;
      return;
    }
    if (size > wire->body_capacity) {
      wire->body_capacity = size;
      wire->body = realloc(wire->body, size);
    }
    memcpy(wire->body + count, piece.bytes, piece.len);
    count += piece.len;
    event->body = wire->body;
  }
}

void wire_next(wire *wire, wire_event *event, int timeout_milliseconds) {
  amqp_frame_t frame;
  event->kind = WIRE_NOTHING;
  // It searches all frames that are queued: those that came between the answers to several basic.consume are many.
  if (!amqp_frames_enqueued(wire->state)) amqp_maybe_release_buffers(wire->state);
  if (next_frame(wire, &frame, timeout_milliseconds) == AMQP_STATUS_TIMEOUT) return;
  if (frame.frame_type != AMQP_FRAME_METHOD) return;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_DELIVER_METHOD: {
      amqp_basic_deliver_t *deliver = frame.payload.method.decoded;
      event->kind = WIRE_DELIVERY;
      event->tag = deliver->delivery_tag;
      event->multiple = false;
      event->routing_key_length = deliver->routing_key.len;
      memcpy(wire->routing_key, deliver->routing_key.bytes, deliver->routing_key.len);
      event->routing_key = wire->routing_key;
      read_content(wire, event);
      return;
    }
    case AMQP_BASIC_ACK_METHOD: {
      amqp_basic_ack_t *ack = frame.payload.method.decoded;
      *event = (wire_event){.kind = WIRE_ACK, .tag = ack->delivery_tag, .multiple = ack->multiple};
      return;
    }
    case AMQP_BASIC_NACK_METHOD: {
      amqp_basic_nack_t *nack = frame.payload.method.decoded;
      *event = (wire_event){.kind = WIRE_NACK, .tag = nack->delivery_tag, .multiple = nack->multiple};
      return;
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      amqp_channel_close_t *close = frame.payload.method.decoded;
      fail("the broker closed the channel: %.*s", (int)close->reply_text.len, (char *)close->reply_text.bytes);
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
      amqp_connection_close_t *close = frame.payload.method.decoded;
      fail("the broker closed the connection: %.*s", (int)close->reply_text.len, (char *)close->reply_text.bytes);
    }
    default: fail("the broker sent %s", amqp_method_name(frame.payload.method.id));
  }
}

int64_t wire_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

const char *wire_operation(const wire_event *event) {
  static const char key[] = "\"operationUuid\":\"";
  const char *found = memmem(event->body, event->body_length, key, sizeof key - 1);
  if (!found || found + sizeof key - 1 + 36 > event->body + event->body_length) return NULL;
  return found + sizeof key - 1;
}
