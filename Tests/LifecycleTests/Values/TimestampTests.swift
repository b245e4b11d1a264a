import Foundation
import Lifecycle
import Testing

@Suite("Moments, RFC 3339")
struct TimestampTests {
  @Test(
    "reads any offset and fraction",
    arguments: [
      ("1970-01-01T00:00:00Z", 0),
      ("1970-01-01T00:00:00.000Z", 0),
      ("1970-01-01t00:00:00z", 0),
      ("1970-01-01 00:00:00Z", 0),
      ("2026-11-23T16:52:07.123Z", 1_795_452_727_123),
      ("2026-11-23T18:22:07.123+01:30", 1_795_452_727_123),
      ("2026-11-22T17:52:07.123-23:00", 1_795_452_727_123),
      ("2026-11-24T16:51:07.123+23:59", 1_795_452_727_123),
      ("1970-01-01T00:00:00+00:00", 0),
      ("1970-01-01T00:00:00-00:00", 0),
      ("1969-12-31T23:59:59.999Z", -1),
      ("1969-12-31T23:59:59Z", -1000),
      ("1969-12-31T00:00:00Z", -86_400_000),
      ("1900-03-01T00:00:00Z", -2_203_891_200_000),
      ("0000-01-01T00:00:00Z", -62_167_219_200_000),
      ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
      // Digits below the millisecond are cut off, not rounded.
      ("1970-01-01T00:00:00.1Z", 100),
      ("1970-01-01T00:00:00.01Z", 10),
      ("1970-01-01T00:00:00.0019Z", 1),
      ("1970-01-01T00:00:00.9999999999999999999999999999999999999999Z", 999),
      // Leap years: every fourth, not the centuries, but every fourth of these.
      ("2024-02-29T00:00:00Z", 1_709_164_800_000),
      ("2000-02-29T00:00:00Z", 951_782_400_000),
      ("2000-03-01T00:00:00Z", 951_868_800_000),
      ("0000-02-29T00:00:00Z", -62_162_121_600_000),
      // A leap second counts as the second before it, wherever it is written.
      ("1990-12-31T23:59:60Z", 662_687_999_000),
      ("1990-12-31T15:59:60-08:00", 662_687_999_000),
      ("1968-02-29T23:59:60Z", -57_974_401_000),
      ("2017-01-01T05:29:60.5+05:30", 1_483_228_799_500),
    ])
  func reads(_ text: String, _ milliseconds: Int64) {
    #expect(Timestamp(rfc3339: text) == Timestamp(milliseconds: milliseconds))
    #expect(Timestamp(rfc3339: "\(text)!".dropLast()) == Timestamp(milliseconds: milliseconds))
  }

  @Test(
    "refuses everything else",
    arguments: [
      "", "2026", "2026-11-23", "2026-11-23T16:52Z", "2026-11-23T16:52:07", "2026-11-23T16:52:07.Z",
      "2026-11-23T16:52:07,1Z", "2026-11-23T16:52:07.1", "2026-11-23T16:52:07ZZ", " 2026-11-23T16:52:07Z",
      "2026-11-23T16:52:07Z ", "2026-11-23_16:52:07Z", "2026-11-23T16:52:07+0100", "2026-11-23T16:52:07+1:00",
      "2026-11-23T16:52:07+01", "2026-11-23T16:52:07+24:00", "2026-11-23T16:52:07+00:60", "2026-11-23T24:00:00Z",
      "2026-11-23T16:60:07Z", "2026-11-23T16:52:61Z", "2026-00-23T16:52:07Z", "2026-13-23T16:52:07Z",
      "2026-11-00T16:52:07Z", "2026-11-31T16:52:07Z", "2026-04-31T00:00:00Z", "2026-06-31T00:00:00Z",
      "2026-09-31T00:00:00Z", "2026-01-32T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
      "2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "10000-01-01T00:00:00Z", "999-01-01T00:00:00Z",
      "-001-01-01T00:00:00Z", "+2026-11-23T16:52:07Z", "20261123T165207Z", "2026-W48-1T16:52:07Z", "1795452727",
      "２０２６-11-23T16:52:07Z", "2026-11-23T16:52:07\u{0}Z",
      // Sixty is a second only where a leap second can be: at the end of a month of UTC.
      "2026-11-23T16:52:60Z", "1990-12-31T23:58:60Z", "1990-12-30T23:59:60Z", "1990-12-31T23:59:60+01:00",
      // In UTC these are in the years -1 and 10000, which cannot be written.
      "0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01",
    ])
  func refuses(_ text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test(
    "prints UTC with milliseconds, and what it prints is read again",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (1, "1970-01-01T00:00:00.001Z"),
      (-86_400_000, "1969-12-31T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (1_795_452_727_123, "2026-11-23T16:52:07.123Z"), (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
  func prints(_ milliseconds: Int64, _ text: String) {
    let moment = Timestamp(milliseconds: milliseconds)
    #expect(moment.description == text)
    #expect(moment.description.utf8.count == Timestamp.textLength)
    #expect(Timestamp(rfc3339: moment.description) == moment)
  }

  @Test("prints the nearest that four digits of a year can say")
  func clamps() {
    #expect(Timestamp(milliseconds: .min).description == "0000-01-01T00:00:00.000Z")
    #expect(Timestamp(milliseconds: .max).description == "9999-12-31T23:59:59.999Z")
  }

  /// From 1600 on: before October 1582 Foundation counts by the Julian calendar, RFC 3339 does not.
  @Test("agrees with Foundation over random moments")
  func agreesWithFoundation() throws {
    var random = SeededRandom(seed: 3339)
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let first = -11_676_096_000_000
    for _ in 0..<3000 {
      let milliseconds = Int64(first + random.below(253_402_300_799_999 - first))
      let moment = Timestamp(milliseconds: milliseconds)
      // The middle of the millisecond, so that neither rounding nor cutting changes it.
      let date = Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000)
      try #require(moment.description == date.formatted(style))
      try #require(Timestamp(rfc3339: moment.description) == moment)
    }
  }

  @Test("every day from year 0 to 9999 follows the one before")
  func everyDay() throws {
    var milliseconds: Int64 = -62_167_219_200_000
    for year in 0...9999 {
      let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
      for (month, days) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
        // The first and the last day of each month; between them nothing turns over.
        let first = String(format: "%04d-%02d-01T00:00:00.000Z", year, month + 1)
        try #require(Timestamp(milliseconds: milliseconds).description == first)
        milliseconds += Int64(days) * 86_400_000
        if year % 100 < 5 {
          let last = String(format: "%04d-%02d-%02dT23:59:59.999Z", year, month + 1, days)
          try #require(Timestamp(rfc3339: last)?.milliseconds == milliseconds - 1)
        }
      }
    }
    #expect(milliseconds == 253_402_300_800_000)
  }

  @Test("adds and subtracts durations, to the millisecond")
  func arithmetic() {
    let moment = Timestamp(milliseconds: 5000)
    #expect(moment + .milliseconds(1) == Timestamp(milliseconds: 5001))
    #expect(moment - .milliseconds(1) == Timestamp(milliseconds: 4999))
    #expect(moment - .seconds(6) == Timestamp(milliseconds: -1000))
    #expect(moment + .seconds(400 * 86_400) == Timestamp(milliseconds: 34_560_005_000))
    #expect(moment + .seconds(-2) + .milliseconds(-500) == Timestamp(milliseconds: 2500))
    #expect(moment + .microseconds(999) == moment)
    #expect(Timestamp(milliseconds: -1) < Timestamp(milliseconds: 0))
  }
}
