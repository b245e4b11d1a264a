// The ceiling: takes messages from queues and publishes one for each, confirmed, before it acknowledges. No store.
//
//   echo URI EXCHANGE ROUTING-KEY EVENT-BYTES PREFETCH [--fsync FILE] QUEUE…
//
// With --fsync every batch (whatever has arrived) is written to FILE and synced before it is published: what a durable
// answer costs at the least. The operationUuid is copied from the command into the event; all else is padding.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

enum { BATCH = 500, WINDOW = 65536, UUID_START = 18, UUID_LENGTH = 36 };

static volatile sig_atomic_t stopped;
static void stop(int signal) { stopped = signal; }

// The n-th delivery is the n-th publish, so one number names both.
static bool confirmed[WINDOW];

int main(int count, char **arguments) {
  if (count < 7) {
    fprintf(stderr, "usage: echo URI EXCHANGE ROUTING-KEY EVENT-BYTES PREFETCH [--fsync FILE] QUEUE...\n");
    return 64;
  }
  const char *uri = arguments[1], *exchange = arguments[2], *key = arguments[3];
  size_t event_bytes = strtoul(arguments[4], NULL, 10);
  int first_queue = 6, file = -1;
  if (strcmp(arguments[6], "--fsync") == 0) {
    file = open(arguments[7], O_CREAT | O_WRONLY, 0600);
    if (file < 0) {
      perror(arguments[7]);
      return 1;
    }
    first_queue = 8;
  }
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);

  wire *consumer = wire_open(uri), *publisher = wire_open(uri);
  wire_confirm(publisher);
  wire_prefetch(consumer, (uint16_t)strtoul(arguments[5], NULL, 10));
  for (int index = first_queue; index < count; index++) wire_consume(consumer, arguments[index]);

  static const char head[] = "{\"operationUuid\":\"";
  static const char tail[] = "\",\"padding\":\"";
  size_t least = UUID_START + UUID_LENGTH + sizeof tail - 1 + 2;
  if (event_bytes < least) event_bytes = least;
  char *event = malloc(event_bytes);
  memset(event, 'x', event_bytes);
  memcpy(event, head, UUID_START);
  memcpy(event + UUID_START + UUID_LENGTH, tail, sizeof tail - 1);
  memcpy(event + event_bytes - 2, "\"}", 2);

  static char uuids[BATCH][UUID_LENGTH];
  static char page[4096];
  uint64_t published = 0, acknowledged = 0, done = 0;
  while (!stopped) {
    int size = 0;
    wire_event next;
    while (size < BATCH && published + size - done < WINDOW) {
      wire_next(consumer, &next, 0);
      if (next.kind == WIRE_NOTHING) break;
      if (next.kind != WIRE_DELIVERY || next.body_length < UUID_START + UUID_LENGTH) continue;
      memcpy(uuids[size++], next.body + UUID_START, UUID_LENGTH);
    }
    if (size > 0 && file >= 0) {
      memcpy(page, uuids[0], UUID_LENGTH);
      if (pwrite(file, page, sizeof page, (off_t)(published % 1024) * 4096) < 0 || fdatasync(file) < 0) {
        perror("fdatasync");
        return 1;
      }
    }
    for (int index = 0; index < size; index++) {
      memcpy(event + UUID_START, uuids[index], UUID_LENGTH);
      wire_publish(publisher, exchange, key, "application/cloudevents+json", event, event_bytes);
      published++;
    }
    for (;;) {
      wire_next(publisher, &next, 0);
      if (next.kind == WIRE_NOTHING) break;
      if (next.kind == WIRE_NACK) {
        fprintf(stderr, "echo: the broker refused a message\n");
        return 1;
      }
      for (uint64_t number = next.multiple ? done + 1 : next.tag; number <= next.tag; number++)
        confirmed[number % WINDOW] = true;
      while (done < published && confirmed[(done + 1) % WINDOW]) confirmed[++done % WINDOW] = false;
    }
    if (done > acknowledged) {
      wire_ack(consumer, done, true);
      acknowledged = done;
    }
    // Both have said that there is no whole frame left; with a full window only confirms matter.
    if (size == 0) {
      bool is_full = published - done >= WINDOW;
      struct pollfd descriptors[] = {{.fd = wire_descriptor(publisher), .events = POLLIN},
                                     {.fd = wire_descriptor(consumer), .events = POLLIN}};
      poll(descriptors, is_full ? 1 : 2, 1000);
    }
  }
  wire_close(consumer);
  wire_close(publisher);
  return 0;
}
