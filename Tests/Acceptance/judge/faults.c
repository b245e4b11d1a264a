/* Put in front of the C library by LD_PRELOAD: the bad days of a machine, on order and while the worker runs.
 *
 * What is ordered is in a small file that the test and this library have mapped (FAULTS_CONTROL, the struct below). Files are
 * meant by the beginning of their path (FAULTS_FILES). Everything that changes such a file is written down, in the order in
 * which it happened (FAULTS_JOURNAL), so that a test can make of it what a power cut leaves: all that was synchronised, and
 * of the rest as much or as little as it likes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
  int64_t clock_ahead_ns;  /* the wall clock, and no other */
  int32_t write_error;     /* errno of every write, 0: none */
  int32_t sync_error;      /* of every fsync and fdatasync */
  int32_t sync_delay_ms;   /* a disk that takes its time */
  int32_t unused;
};

static const struct control nothing;
static const volatile struct control *control = &nothing;
static const char *files;
static int journal = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS_CONTROL");
  int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor >= 0) {
    void *page = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, descriptor, 0);
    if (page != MAP_FAILED) control = page;
    close(descriptor);
  }
  files = getenv("FAULTS_FILES");
  path = getenv("FAULTS_JOURNAL");
  if (path) journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_meant_path(const char *path) { return files && path && strncmp(path, files, strlen(files)) == 0; }

/* The path of a file that is meant. */
static int is_meant(int descriptor, char *path, size_t size) {
  char link[64];
  if (!files) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_meant_path(path);
}

/* One line: what, path, number, length; then so many bytes. */
static void note(const char *what, const char *path, int64_t number, const void *data, size_t length) {
  if (journal < 0) return;
  char head[4300];
  int size = snprintf(head, sizeof head, "%s\t%s\t%lld\t%zu\n", what, path, (long long)number, length);
  __typeof__(&write) put = REAL(write);
  if (put(journal, head, (size_t)size) != size || put(journal, data, length) != (ssize_t)length) abort();
}

static ssize_t change(int descriptor, const void *data, size_t length, off64_t offset, int at_offset) {
  char path[4096];
  if (!is_meant(descriptor, path, sizeof path)) {
    return at_offset ? REAL(pwrite64)(descriptor, data, length, offset) : REAL(write)(descriptor, data, length);
  }
  int error = control->write_error;
  if (error) return errno = error, -1;
  pthread_mutex_lock(&order);
  ssize_t done = at_offset ? REAL(pwrite64)(descriptor, data, length, offset) : REAL(write)(descriptor, data, length);
  /* Where it ended says where it began, also of what was appended. */
  off64_t place = at_offset ? offset : lseek64(descriptor, 0, SEEK_CUR) - done;
  if (done > 0) note("write", path, place, data, (size_t)done);
  pthread_mutex_unlock(&order);
  return done;
}

ssize_t write(int descriptor, const void *data, size_t length) { return change(descriptor, data, length, 0, 0); }
ssize_t pwrite(int descriptor, const void *data, size_t length, off_t offset) {
  return change(descriptor, data, length, offset, 1);
}
ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) {
  return change(descriptor, data, length, offset, 1);
}

static int cut(int descriptor, off64_t size) {
  char path[4096];
  if (!is_meant(descriptor, path, sizeof path)) return REAL(ftruncate64)(descriptor, size);
  int error = control->write_error;
  if (error) return errno = error, -1;
  pthread_mutex_lock(&order);
  int done = REAL(ftruncate64)(descriptor, size);
  if (done == 0) note("cut", path, size, NULL, 0);
  pthread_mutex_unlock(&order);
  return done;
}
int ftruncate(int descriptor, off_t size) { return cut(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) { return cut(descriptor, size); }

static int synchronise(int descriptor, int (*really)(int)) {
  char path[4096];
  if (!is_meant(descriptor, path, sizeof path)) return really(descriptor);
  int delay = control->sync_delay_ms;
  if (delay) usleep((useconds_t)delay * 1000);
  int error = control->sync_error;
  if (error) return errno = error, -1;
  pthread_mutex_lock(&order);
  int done = really(descriptor);
  if (done == 0) note("sync", path, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return done;
}
int fsync(int descriptor) { return synchronise(descriptor, REAL(fsync)); }
int fdatasync(int descriptor) { return synchronise(descriptor, REAL(fdatasync)); }

int unlink(const char *path) {
  pthread_mutex_lock(&order);
  int done = REAL(unlink)(path);
  if (done == 0 && is_meant_path(path)) note("unlink", path, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return done;
}

int link(const char *from, const char *to) {
  pthread_mutex_lock(&order);
  int done = REAL(link)(from, to);
  if (done == 0 && is_meant_path(to)) note("link", to, 0, from, strlen(from));
  pthread_mutex_unlock(&order);
  return done;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int done = REAL(clock_gettime)(clock, time);
  int64_t ahead = control->clock_ahead_ns;
  if (done == 0 && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t now = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + ahead;
    time->tv_sec = now / 1000000000;
    time->tv_nsec = now % 1000000000;
  }
  return done;
}

int gettimeofday(struct timeval *time, void *zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}
