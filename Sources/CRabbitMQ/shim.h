#ifndef OSTLER_CRABBITMQ_SHIM_H
#define OSTLER_CRABBITMQ_SHIM_H

// librabbitmq 0.11 (Debian 12) has flat headers; newer versions warn about them.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <sys/eventfd.h>
#include <sys/prctl.h>

// The wake-up descriptor of a thread that waits in poll(). Swift's Glibc module leaves these headers out.
static inline int ostler_wakeup_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline void ostler_wakeup_send(int descriptor) { (void)eventfd_write(descriptor, 1); }
// Returns how often it was sent since.
static inline uint64_t ostler_wakeup_clear(int descriptor) {
  eventfd_t count = 0;
  return eventfd_read(descriptor, &count) == 0 ? count : 0;
}

// At most 15 bytes; seen in top and in debuggers.
static inline void ostler_name_thread(const char *name) { (void)prctl(PR_SET_NAME, name); }

// Variadic in C, so out of Swift's reach. Client properties are merged over the library's own.
static inline amqp_rpc_reply_t ostler_login_plain(amqp_connection_state_t state, const char *vhost, int channel_max,
                                                  int frame_max, int heartbeat_seconds,
                                                  const amqp_table_t *properties, const char *user,
                                                  const char *password) {
  return amqp_login_with_properties(state, vhost, channel_max, frame_max, heartbeat_seconds, properties,
                                    AMQP_SASL_METHOD_PLAIN, user, password);
}

#endif
