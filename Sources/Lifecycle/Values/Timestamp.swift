/// A moment as whole milliseconds since 1970-01-01T00:00:00Z, without leap seconds (as POSIX counts).
package struct Timestamp: Hashable, Comparable, Sendable {
  package let milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    return Timestamp(milliseconds: moment.milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
  }

  package static func - (moment: Timestamp, duration: Duration) -> Timestamp { moment + (.zero - duration) }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339, in UTC, with milliseconds: `2026-11-23T16:52:07.123Z`.
  package var description: String {
    String(unsafeUninitializedCapacity: Self.textLength) { buffer in
      write(to: buffer)
      return Self.textLength
    }
  }

  /// The length of ``description`` in bytes, for years 0 to 9999.
  package static let textLength = 24

  /// Writes ``description`` into `buffer`, which has room for ``textLength`` bytes.
  package func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
    precondition(buffer.count >= Self.textLength)
    let clamped = min(max(milliseconds, Self.firstMillisecond), Self.lastMillisecond)
    let day = clamped >= 0 ? clamped / Self.day : (clamped - Self.day + 1) / Self.day
    let inDay = clamped - day * Self.day
    let date = CivilDate(daysSinceEpoch: day)
    func put(_ value: Int64, digits: Int, at start: Int) {
      var rest = value
      for place in (0..<digits).reversed() {
        buffer[start + place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
    }
    put(date.year, digits: 4, at: 0)
    put(date.month, digits: 2, at: 5)
    put(date.day, digits: 2, at: 8)
    put(inDay / 3_600_000, digits: 2, at: 11)
    put(inDay / 60_000 % 60, digits: 2, at: 14)
    put(inDay / 1000 % 60, digits: 2, at: 17)
    put(inDay % 1000, digits: 3, at: 20)
    buffer[4] = UInt8(ascii: "-")
    buffer[7] = UInt8(ascii: "-")
    buffer[10] = UInt8(ascii: "T")
    buffer[13] = UInt8(ascii: ":")
    buffer[16] = UInt8(ascii: ":")
    buffer[19] = UInt8(ascii: ".")
    buffer[23] = UInt8(ascii: "Z")
  }

  private static let day: Int64 = 86_400_000
  private static let firstMillisecond: Int64 = -62_167_219_200_000  // 0000-01-01T00:00:00.000Z
  private static let lastMillisecond: Int64 = 253_402_300_799_999  // 9999-12-31T23:59:59.999Z
}

extension Timestamp {
  /// Reads an RFC 3339 `date-time` (section 5.6) of any offset; digits below the millisecond are cut off, a leap
  /// second (section 5.7: only the last of a month in UTC) counts as the second before it. `nil` for anything else, also
  /// for what an offset puts outside of the years 0 to 9999 in UTC: it could not be written again.
  package init?(rfc3339 text: some StringProtocol) {
    var scanner = DigitScanner(bytes: Array(text.utf8))
    guard let year = scanner.number(digits: 4), scanner.take(UInt8(ascii: "-")),
      let month = scanner.number(digits: 2), (1...12).contains(month), scanner.take(UInt8(ascii: "-")),
      let day = scanner.number(digits: 2), (1...CivilDate.days(in: month, of: year)).contains(day),
      scanner.take(UInt8(ascii: "T")) || scanner.take(UInt8(ascii: "t")) || scanner.take(UInt8(ascii: " ")),
      let hour = scanner.number(digits: 2), hour < 24, scanner.take(UInt8(ascii: ":")),
      let minute = scanner.number(digits: 2), minute < 60, scanner.take(UInt8(ascii: ":")),
      let second = scanner.number(digits: 2), second <= 60
    else { return nil }
    var fraction: Int64 = 0
    if scanner.take(UInt8(ascii: ".")) {
      guard let value = scanner.fractionInMilliseconds() else { return nil }
      fraction = value
    }
    guard let offset = scanner.offsetInMinutes(), scanner.isAtEnd else { return nil }
    let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
    let minutes = (days * 24 + hour) * 60 + minute - offset
    guard second < 60 || Self.isLastMinuteOfMonth(minutes) else { return nil }
    let milliseconds = (minutes * 60 + min(second, 59)) * 1000 + fraction
    guard (Self.firstMillisecond...Self.lastMillisecond).contains(milliseconds) else { return nil }
    self.milliseconds = milliseconds
  }

  private static func isLastMinuteOfMonth(_ minutesSinceEpoch: Int64) -> Bool {
    let next = minutesSinceEpoch + 1
    return next % 1440 == 0 && CivilDate(daysSinceEpoch: next / 1440).day == 1
  }
}

/// The proleptic Gregorian calendar, by H. Hinnant's day-count formulas.
private struct CivilDate {
  let year: Int64
  let month: Int64
  let day: Int64

  init(year: Int64, month: Int64, day: Int64) {
    self.year = year
    self.month = month
    self.day = day
  }

  init(daysSinceEpoch: Int64) {
    let shifted = daysSinceEpoch + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  var daysSinceEpoch: Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func days(in month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

private struct DigitScanner {
  let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  mutating func digit() -> Int64? {
    guard position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) else { return nil }
    defer { position += 1 }
    return Int64(bytes[position] - UInt8(ascii: "0"))
  }

  mutating func number(digits: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<digits {
      guard let next = digit() else { return nil }
      value = value * 10 + next
    }
    return value
  }

  mutating func fractionInMilliseconds() -> Int64? {
    guard let first = digit() else { return nil }
    var value = first * 100
    var weight: Int64 = 10
    while let next = digit() {
      value += next * weight
      weight /= 10
    }
    return value
  }

  mutating func offsetInMinutes() -> Int64? {
    if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
    let sign: Int64
    if take(UInt8(ascii: "+")) { sign = 1 } else if take(UInt8(ascii: "-")) { sign = -1 } else { return nil }
    guard let hours = number(digits: 2), hours < 24, take(UInt8(ascii: ":")), let minutes = number(digits: 2),
      minutes < 60
    else { return nil }
    return sign * (hours * 60 + minutes)
  }
}
