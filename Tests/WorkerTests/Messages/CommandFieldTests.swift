import Lifecycle
import Testing
import Worker

/// Every field of every command: valid, of the wrong kind, out of range, null, absent, unknown.
@Suite struct CommandFieldTests {
  @Test func everyCommandHasASample() {
    #expect(Set(CommandSample.all.map(\.command)) == Set(CommandName.allCases))
  }

  @Test(arguments: CommandSample.all) func completeBody(_ sample: CommandSample) throws {
    let message = try sample.decode().get()
    #expect(message.command.name == sample.command)
    #expect(message.attempt == 2)
    #expect(message.notAfter == Timestamp(rfc3339: "2030-01-01T00:00:00Z"))
    #expect(message.ifVersion == (sample.body.contains { $0.name == "ifVersion" } ? 3 : nil))
    let uuid = try #require(UUID128(Decoding.uuid))
    #expect(message.key == OperationKey(message.command, id: .uuid(uuid)))
  }

  @Test(arguments: CommandSample.all) func validValues(_ sample: CommandSample) {
    for field in sample.fields {
      for json in field.valid {
        let result = sample.decode([field.name: json])
        #expect(result.refusal == nil, "\(field.name) = \(json.prefix(60))")
      }
    }
  }

  @Test(arguments: CommandSample.all) func invalidValues(_ sample: CommandSample) throws {
    for field in sample.fields {
      for (json, kind) in field.invalid {
        let refusal = sample.decode([field.name: json]).refusal
        let rejection = refusal?.rejection
        #expect(rejection?.code == .invalidField, "\(field.name) = \(json.prefix(60))")
        #expect(rejection?.path == .text(field.name), "\(field.name) = \(json.prefix(60))")
        #expect(rejection?.kind == .text(kind), "\(field.name) = \(json.prefix(60))")
        #expect(rejection?.detail("allowed") != nil)
        #expect(rejection?.message.contains(field.name) == true)
      }
    }
  }

  @Test(arguments: CommandSample.all) func absentAndNull(_ sample: CommandSample) {
    for field in sample.fields {
      let absent = sample.decode([field.name: String?.none])
      let null = sample.decode([field.name: "null"])
      if field.isRequired {
        let code: RejectionCode = field.name == "operationUuid" ? .missingOperationUUID : .invalidField
        #expect(absent.code == code, "\(field.name) absent")
        #expect(absent.refusal?.rejection.kind == .text("absent"), "\(field.name) absent")
        if field.nullHasMeaning { continue }
        #expect(null.code == code, "\(field.name) null")
        #expect(null.refusal?.rejection.kind == .text("null"), "\(field.name) null")
        #expect(null.refusal?.rejection.path == .text(field.name))
      } else {
        #expect(absent.refusal == nil, "\(field.name) absent")
        #expect(absent == null, "\(field.name): null is absent")
      }
    }
  }

  @Test(arguments: CommandSample.all) func fieldsOfOthersAreUnknown(_ sample: CommandSample) {
    let all = Set(CommandSample.all.flatMap { $0.fields.map(\.name) })
    let own = Set(CommandSample.all.filter { $0.command == sample.command }.flatMap { $0.fields.map(\.name) })
    for foreign in all.subtracting(own).sorted() + ["overFlow", "servers", "", "x", "serverId ", "serverid"] {
      for json in ["1", "null", "{\"a\":[1,2]}"] {
        let rejection = sample.decode(extra: "\"\(foreign)\":\(json)").refusal?.rejection
        #expect(rejection?.code == .unknownField, "\(foreign)")
        #expect(rejection?.path == .text(foreign))
        #expect(rejection?.kind == .text(json == "1" ? "integer" : json == "null" ? "null" : "object"))
        guard case .list(let allowed)? = rejection?.detail("allowed") else {
          Issue.record("allowed is the list of fields")
          continue
        }
        #expect(Set(allowed).isSuperset(of: own.map { .text($0) }))
      }
    }
  }

  @Test(arguments: CommandSample.all) func aFieldGivenTwice(_ sample: CommandSample) {
    for (name, json) in sample.body {
      let escaped = name.unicodeScalars.map { "\\u" + String("000" + String($0.value, radix: 16)).suffix(4) }.joined()
      for second in [name, escaped] {
        let rejection = sample.decode(extra: "\"\(second)\":\(json)").refusal?.rejection
        #expect(rejection?.code == .malformedJSON, "\(name)")
        #expect(rejection?.path == .text(name))
      }
    }
  }

  @Test func aLongForeignNameIsShortened() {
    let name = String(repeating: "ä", count: 5000)
    let rejection = Decoding.decode(.unisolate, "{\"serverId\":1,\"\(name)\":1}").refusal?.rejection
    #expect(rejection?.path == .text(String(repeating: "ä", count: 64) + "…"))
    #expect(rejection.map { $0.message.utf8.count < 600 } == true)
  }

  @Test func unknownComesBeforeInvalid() {
    #expect(Decoding.decode(.unisolate, #"{"serverId":"1","x":1}"#).code == .unknownField)
  }

  @Test func aNameMayBeEscaped() {
    #expect(Decoding.decode(.unisolate, #"{"\u0073erver\u0049d":1}"#).message?.command.serverID == ServerID(1))
  }
}
