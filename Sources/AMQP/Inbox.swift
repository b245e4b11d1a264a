/// What has come in and nobody has taken yet, in order.
struct Inbox {
  private struct Slot {
    let item: Inbound
    /// Memory in bytes, roughly.
    let cost: Int
  }

  /// An event without content.
  private static let eventCost = 64

  private var slots: [Slot] = []
  /// Slots before this one are taken.
  private var head = 0
  private(set) var bytes = 0

  var count: Int { slots.count - head }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ item: Inbound, cost: Int = eventCost) {
    slots.append(Slot(item: item, cost: cost))
    bytes += cost
  }

  /// Takes from the front: at least one if there is one, then as many as the bounds allow.
  mutating func take(maxCount: Int, maxBytes: Int) -> [Inbound] {
    var result: [Inbound] = []
    result.reserveCapacity(min(count, maxCount))
    var taken = 0
    while head < slots.count {
      let slot = slots[head]
      if !result.isEmpty, result.count >= maxCount || taken + slot.cost > maxBytes { break }
      result.append(slot.item)
      taken += slot.cost
      head += 1
    }
    bytes -= taken
    if head == slots.count {
      slots.removeAll(keepingCapacity: true)
      head = 0
    } else if head > slots.count / 2 {
      slots.removeFirst(head)
      head = 0
    }
    return result
  }

  mutating func removeAll(where isGone: (Inbound) -> Bool) {
    let rest = slots[head...].filter { !isGone($0.item) }
    slots = Array(rest)
    head = 0
    bytes = slots.reduce(0) { $0 + $1.cost }
  }
}
