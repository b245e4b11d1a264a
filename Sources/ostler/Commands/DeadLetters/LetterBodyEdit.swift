import AMQP
import Lifecycle
import Store
import Worker

/// Makes a new letter of an old one and another body.
struct LetterBodyEdit {
  struct Edited {
    let letter: DeadLetter
    let key: OperationKey?
  }

  let original: DeadLetter
  let command: CommandName
  let settings: Settings

  private static let operationField = "operationUuid"

  /// The original's body with some fields changed.
  ///
  /// - Throws: `CommandFailure` where it is no JSON object, or a path leads nowhere.
  func body(setting assignments: [FieldAssignment], removing paths: [FieldPath]) throws(CommandFailure) -> [UInt8] {
    var fields: Detail
    do throws(JSONFault) {
      fields = try JSONReader.document(original.body)
    } catch {
      throw CommandFailure(
        .refused,
        "the body is no JSON whose fields could be set: \(PlainText.clean(error.message)) Edit it as text, without --set "
          + "and --unset. Nothing was changed")
    }
    for path in paths {
      guard path.remove(from: &fields) else {
        throw CommandFailure(.refused, "--unset \(path.text): the body has no such field. Nothing was changed")
      }
    }
    for assignment in assignments {
      guard assignment.path.set(assignment.value, in: &fields) else {
        throw CommandFailure(
          .refused, "--set \(assignment.path.text): the way there is no object in the body. Nothing was changed")
      }
    }
    var writer = JSONWriter()
    writer.value(fields)
    return writer.bytes
  }

  /// The letter that replaces the original: the same message with this body and a new operation.
  ///
  /// - Throws: `CommandFailure` in the worker's words where it would be refused.
  func letter(with body: [UInt8]) throws(CommandFailure) -> Edited {
    let properties = try properties()
    let body = try minted(body, properties)
    let message: CommandMessage
    switch CommandReader(settings).read(body, as: command, properties) {
    case .success(let read): message = read
    case .failure(let refusal): throw refused(refusal.rejection)
    }
    let topology = Topology(settings)
    let typed = TypedProperties.encode(properties)
    let queue = topology.commandQueue(command)
    let now = Timestamp.now
    let letter = DeadLetter(
      id: .random(), stateSince: now, command: command.rawValue, code: original.code, message: original.message,
      details: original.details, serverID: message.command.serverID, clientID: message.command.clientID,
      operation: message.key?.id.description, attempt: message.attempt, actor: original.actor, receivedAt: now,
      lastSeenAt: now, queue: queue, exchange: topology.commandsExchange, routingKey: command.rawValue, body: body,
      bodySize: body.count, bodySHA256: SHA256BodyDigest.of(body),
      properties: String(decoding: typed.properties, as: UTF8.self),
      headers: String(decoding: typed.headers ?? Array("[]".utf8), as: UTF8.self),
      sameMessage: MessageIdentity(queue: queue, properties: properties, body: .whole(body)).bytes,
      editedFrom: original.id)
    return Edited(letter: letter, key: message.key)
  }

  /// Those of the original; what said that it was another command, or no JSON, is mended with the body.
  private func properties() throws(CommandFailure) -> Properties {
    var properties: Properties
    do throws(JSONFault) {
      properties = try original.typedProperties()
    } catch {
      throw CommandFailure(
        .defect, "the properties of letter \(original.id) cannot be read: \(error.message) Nothing was changed")
    }
    if properties.type != nil { properties.type = command.rawValue }
    properties.contentType = "application/json"
    properties.contentEncoding = nil
    return properties
  }

  /// The body with a new `operationUuid`.
  private func minted(_ body: [UInt8], _ properties: Properties) throws(CommandFailure) -> [UInt8] {
    let document: Detail
    do throws(JSONFault) {
      document = try JSONReader.document(body)
    } catch {
      // The worker's own words, where it finds something to say.
      if case .failure(let refusal) = CommandReader(settings).read(body, as: command, properties) {
        throw refused(refusal.rejection)
      }
      throw CommandFailure(.refused, "the edited body: \(PlainText.clean(error.message)) Nothing was changed")
    }
    guard case .fields(let fields) = document else {
      throw CommandFailure(.refused, "the edited body is no JSON object. Nothing was changed")
    }
    var writer = JSONWriter()
    let operation = Detail.Field(Self.operationField, .text(UUID128.random().description))
    writer.value(fields.filter { $0.name != Self.operationField } + [operation])
    return writer.bytes
  }

  private func refused(_ rejection: Rejection) -> CommandFailure {
    CommandFailure(
      .refused,
      "the edited body would be refused: \(rejection.code.rawValue): \(PlainText.clean(rejection.message)) "
        + "Nothing was changed")
  }
}
