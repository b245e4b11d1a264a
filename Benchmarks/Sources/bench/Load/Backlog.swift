import Wire

/// Publishes a load as fast as the broker confirms it.
struct Backlog {
  let site: Site
  let namespace: Namespace

  func publish(_ load: Load) {
    let link = Link(site.uri)
    wire_confirm(link.wire)
    let window = 2000
    var sent = 0
    var unconfirmed = 0
    var confirmed: UInt64 = 0
    var ahead: Set<UInt64> = []
    while sent < load.count || unconfirmed > 0 {
      if sent < load.count && unconfirmed < window {
        let command = load.command(sent)
        link.publish(command.body, to: namespace.commandsExchange, key: command.name)
        sent += 1
        unconfirmed += 1
        if sent % 100 != 0 { continue }
      }
      while true {
        let mustWait = unconfirmed >= window || sent == load.count && unconfirmed > 0
        let event = link.next(atMost: mustWait ? 10_000 : 0)
        guard event.kind == WIRE_ACK else {
          precondition(!mustWait && event.kind == WIRE_NOTHING, "the broker does not confirm the backlog")
          break
        }
        if event.multiple {
          confirmed = max(confirmed, event.tag)
          ahead = ahead.filter { $0 > confirmed }
        } else {
          ahead.insert(event.tag)
        }
        while ahead.remove(confirmed + 1) != nil { confirmed += 1 }
        unconfirmed = sent - Int(confirmed) - ahead.count
      }
    }
  }
}
