// Lets ThreadSanitizer see Synchronization.Mutex.
//
// The mutex of Swift 6 on Linux is an atomic word: taking and leaving it uncontended is compiled into the caller, where the
// sanitizer sees it. When two threads meet, functions of libswiftSynchronization let the kernel hand the word over
// (FUTEX_LOCK_PI), and that library is not instrumented: the sanitizer would report everything a mutex guards as a race.
// These two take the place of those functions (a program's own symbol goes before a library's), call them, and say what
// they did. `self` of a Swift method is passed in the context register.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT_SELF __attribute__((swift_context))
#define SWIFT_CALL __attribute__((swiftcall))

// _MutexHandle._lockSlow(UInt32) and _MutexHandle._unlockSlow()
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

typedef SWIFT_CALL void (*lock_function)(uint32_t, SWIFT_SELF void *);
typedef SWIFT_CALL void (*unlock_function)(SWIFT_SELF void *);

static lock_function original_lock;
static unlock_function original_unlock;

// Before main, so that no two threads look for them.
__attribute__((constructor)) static void find_originals(void) {
  original_lock = (lock_function)dlsym(RTLD_NEXT, LOCK);
  original_unlock = (unlock_function)dlsym(RTLD_NEXT, UNLOCK);
}

SWIFT_CALL void ostler_tsan_lock(uint32_t thread, SWIFT_SELF void *handle) __asm__(LOCK);
SWIFT_CALL void ostler_tsan_lock(uint32_t thread, SWIFT_SELF void *handle) {
  if (!original_lock) abort();
  original_lock(thread, handle);
  __tsan_acquire(handle);
}

SWIFT_CALL void ostler_tsan_unlock(SWIFT_SELF void *handle) __asm__(UNLOCK);
SWIFT_CALL void ostler_tsan_unlock(SWIFT_SELF void *handle) {
  if (!original_unlock) abort();
  __tsan_release(handle);
  original_unlock(handle);
}
