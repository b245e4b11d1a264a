#pragma once

#include <malloc.h>

// Swift's Glibc module leaves this header out.
static inline void ostler_keep_heaps_few(void) { (void)mallopt(M_ARENA_MAX, 2); }
