import ArgumentParser
import Lifecycle
import Worker

extension StateName: ExpressibleByArgument {}
extension SubState: ExpressibleByArgument {}
extension QuotaType: ExpressibleByArgument {}
extension UnquarantineOutcome: ExpressibleByArgument {}
extension CommandName: ExpressibleByArgument {}
extension RejectionCode: ExpressibleByArgument {}

/// A duration as settings write it: `30s`, `15m`, `4h`, `7d`.
struct DurationArgument: ExpressibleByArgument {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  init?(argument: String) {
    guard let duration = DurationText.read(argument) else { return nil }
    self.duration = duration
  }

  var defaultValueDescription: String { DurationText.write(duration) }
}

/// A moment: RFC 3339, or a duration back from now.
struct MomentArgument: ExpressibleByArgument {
  let moment: Timestamp

  init?(argument: String) {
    if let duration = DurationText.read(argument) {
      moment = Timestamp.now - duration
    } else if let moment = Timestamp(rfc3339: argument) {
      self.moment = moment
    } else {
      return nil
    }
  }
}

/// A whole number that names a thing.
extension Identifier where Self: ExpressibleByArgument {
  init?(argument: String) {
    guard let number = Int64(argument), (1...maxIdentifier).contains(number) else { return nil }
    self.init(rawValue: number)
  }
}

extension ServerID: ExpressibleByArgument {}
extension ClientID: ExpressibleByArgument {}
extension LocationID: ExpressibleByArgument {}
extension InstanceTypeID: ExpressibleByArgument {}
