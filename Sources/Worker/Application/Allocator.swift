private import CAllocator

/// How the C library keeps memory, for all of a process.
package enum Allocator {
  /// At most two heaps instead of eight a core: an event is made on one thread and freed on another, and what lies free in
  /// a heap that nobody allocates from is lost to the others (mallopt(3)). For a worker, before it starts anything.
  package static func keepHeapsFew() { ostler_keep_heaps_few() }
}
