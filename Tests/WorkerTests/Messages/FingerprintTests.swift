import Lifecycle
import Testing
import Worker

/// Bodies that mean the same have one fingerprint; bodies that do not, have not.
@Suite struct FingerprintTests {
  private func fingerprint(_ command: CommandName, _ json: String) throws -> Fingerprint {
    try Decoding.decode(command, json, messageID: "m").get().fingerprint
  }

  @Test(arguments: CommandSample.all) func whatDoesNotMatter(_ sample: CommandSample) throws {
    let plain = try fingerprint(sample.command, sample.json())
    let reversed = "{" + sample.body.reversed().map { "\"\($0.name)\":\($0.json)" }.joined(separator: ",") + "}"
    #expect(try fingerprint(sample.command, reversed) == plain, "order")
    let spaced = "\n{\t" + sample.body.map { " \"\($0.name)\" :\r\n \($0.json) " }.joined(separator: ",") + "} "
    #expect(try fingerprint(sample.command, spaced) == plain, "white space")
    for name in ["attempt", "notAfter", "operationUuid"] {
      #expect(try fingerprint(sample.command, sample.json([name: String?.none])) == plain, "\(name)")
    }
    #expect(try fingerprint(sample.command, sample.json(["attempt": "77"])) == plain)
    #expect(try fingerprint(sample.command, sample.json(["notAfter": "\"2031-01-01T00:00:00Z\""])) == plain)
    for (name, json) in sample.body where json.contains("-4333-") {
      #expect(try fingerprint(sample.command, sample.json([name: json.replacing("8444", with: "8\\u003444")])) == plain)
    }
  }

  @Test func spellingsAndDefaults() throws {
    let place = #""locationId":1,"instanceTypeId":2"#
    let pairs: [(CommandName, String, String)] = [
      (
        .deallocate, #"{"serverId":1,"clientId":2,"allocationId":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}"#,
        #"{"serverId":1,"clientId":2,"allocationId":"AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"}"#
      ),
      (.allocate, "{\(place),\"clientId\":3}", "{\(place),\"clientId\":3,\"contractId\":\"\",\"overflow\":false}"),
      (.allocate, "{\(place),\"clientId\":3}", "{\(place),\"clientId\":3,\"contractId\":null,\"overflow\":null}"),
      (.enroll, "{\"serverId\":1,\(place)}", "{\"serverId\":1,\(place),\"state\":\"new\",\"name\":null}"),
      (
        .enroll, "{\"serverId\":1,\(place),\"state\":\"available\",\"since\":\"2020-01-01T00:00:00Z\"}",
        "{\"serverId\":1,\(place),\"state\":\"available\",\"since\":\"2020-01-01T02:00:00.000+02:00\"}"
      ),
      (.decommission, #"{"serverId":1,"reason":"\u00e9"}"#, #"{"serverId":1,"reason":"é"}"#),
      (.snapshot, "{}", #"{"serverId":null,"locationId":null}"#),
    ]
    for (command, left, right) in pairs {
      #expect(try fingerprint(command, left) == fingerprint(command, right), "\(left) \(right)")
    }
  }

  @Test func everythingElseMatters() throws {
    let other: [String: String] = [
      "serverId": "43", "locationId": "19", "instanceTypeId": "127", "clientId": "10", "contractId": "\"D\"",
      "overflow": "false", "allocationId": "\"\(Decoding.uuid)\"", "reason": "\"s\"", "subState": "\"unknownError\"",
      "baselineId": "\"\(Decoding.uuid)\"", "caseId": "\"d\"", "outcome": "\"baseline\"", "name": "\"o\"",
      "state": "\"quarantined\"", "quotaType": "\"commit\"", "since": "\"2020-01-01T00:00:01Z\"", "limit": "6",
      "ifVersion": "4",
    ]
    var seen: [Fingerprint: String] = [:]
    func note(_ command: CommandName, _ json: String) throws {
      let value = try fingerprint(command, json)
      #expect(seen[value] == nil, "\(json) has the fingerprint of \(seen[value] ?? "")")
      seen[value] = command.rawValue + json
    }
    for sample in CommandSample.all {
      try note(sample.command, sample.json())
      for (name, _) in sample.body where !["operationUuid", "attempt", "notAfter"].contains(name) {
        if sample.title == " isolated", name == "state" { continue }
        // The other samples of the same command differ by more than this field.
        try note(sample.command, sample.json([name: other[name] ?? "a field without another value"]))
      }
    }
    try note(.setQuota, #"{"clientId":9,"locationId":18,"instanceTypeId":126,"limit":null}"#)
    try note(.decommission, #"{"serverId":42}"#)
    try note(.decommission, #"{"serverId":42,"reason":""}"#)
    try note(.snapshot, "{}")
    // Texts that would run into each other if their lengths did not count.
    try note(.quarantine, #"{"serverId":1,"caseId":"a","reason":"b"}"#)
    try note(.quarantine, #"{"serverId":1,"caseId":"a\u0008b"}"#)
    try note(.quarantine, #"{"serverId":1,"reason":"ab"}"#)
    try note(.quarantine, #"{"serverId":1,"caseId":"ab"}"#)
  }

  /// Stores keep fingerprints for more than a year: if one of these changes, duplicates become conflicts.
  @Test func neverChanges() throws {
    let isolate = try fingerprint(
      .isolate, #"{"serverId":42,"subState":"brokenHardware","reason":"Failed to IPMI boot","ifVersion":3}"#)
    #expect(isolate == Fingerprint(high: 0x5BAB_574B_ED10_994F, low: 0x302E_325A_F20E_8D42))
    let allocate = try fingerprint(
      .allocate, #"{"locationId":18,"instanceTypeId":126,"clientId":12345,"contractId":"JD-NB2UU6VX732"}"#)
    #expect(allocate == Fingerprint(high: 0xBFBA_CB3D_2D15_47A1, low: 0x7C6C_0D6A_C9EB_4F7F))
  }
}
