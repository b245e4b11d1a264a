// Nothing to import: what is in mutex.c takes the place of functions of Swift's runtime.
