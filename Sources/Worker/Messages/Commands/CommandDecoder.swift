import AMQP
import Lifecycle

/// Reads commands from messages (section 2 of the contract).
///
/// The order of checks: where it came from, content type and encoding, size, JSON, unknown fields, the common fields,
/// the fields of the command, the key. The first that fails is the refusal.
package enum CommandDecoder {
  package static func decode(_ envelope: CommandEnvelope) -> Result<CommandMessage, Refusal> {
    let body: JSONObject
    do throws(Rejection) {
      try checkOrigin(envelope)
      try checkContent(envelope)
      body = try read(envelope)
    } catch {
      return .failure(Salvage.refusal(error, of: envelope))
    }
    var unknown: JSONObject.Field?
    let fields = CommandFields(body, unknown: &unknown, allowed: .allowed(for: envelope.command))
    do throws(Rejection) {
      if let unknown {
        throw FieldProblem.unknown(body.text(unknown.name), kind: unknown.value.kind, command: envelope.command)
      }
      return .success(try message(fields, envelope))
    } catch {
      return .failure(Salvage.refusal(error, of: envelope, fields))
    }
  }

  // MARK: The envelope

  private static func checkOrigin(_ envelope: CommandEnvelope) throws(Rejection) {
    let command = envelope.command.rawValue
    let exchange = envelope.namespace + ".commands"
    if envelope.exchange != exchange {
      throw misrouted("exchange", kind: envelope.exchange.isEmpty ? .absent : .string, allowed: exchange, command)
    }
    if envelope.routingKey != command { throw misrouted("routing-key", kind: .string, allowed: command, command) }
    if let type = envelope.type, !type.isEmpty, type != command {
      throw misrouted("type", kind: .string, allowed: command, command)
    }
  }

  private static func misrouted(_ path: String, kind: JSONKind, allowed: String, _ command: String) -> Rejection {
    FieldProblem.refusal(
      .misrouted, path: path, kind: kind, allowed: .text(allowed),
      message: "A message in the queue of \(command) did not come as that command: its \(path) is not \(allowed). "
        + "Publish commands to their exchange with the command's name as routing key, and that or no type.")
  }

  private static func checkContent(_ envelope: CommandEnvelope) throws(Rejection) {
    if !ContentHeader.isJSON(envelope.contentType) {
      throw unsupported("content-type", allowed: ContentHeader.allowedType)
    }
    if !ContentHeader.isPlain(envelope.contentEncoding) {
      throw unsupported("content-encoding", allowed: ContentHeader.allowedEncoding)
    }
  }

  private static func unsupported(_ path: String, allowed: String) -> Rejection {
    FieldProblem.refusal(
      .unsupportedContent, path: path, kind: .string, allowed: .text(allowed),
      message: "The property \(path) says that the body is not plain JSON; allowed is \(allowed). "
        + "Send the body as JSON in UTF-8.")
  }

  fileprivate static func read(_ envelope: CommandEnvelope) throws(Rejection) -> JSONObject {
    guard case .bytes(let bytes) = envelope.body, bytes.count <= envelope.maxBytes else {
      throw FieldProblem.refusal(
        .tooLarge, path: "body", kind: .bytes, allowed: .text("at most \(envelope.maxBytes) bytes"),
        message: "The body has \(envelope.body.size) bytes; allowed are at most \(envelope.maxBytes) "
          + "(commands.maxBytes). Send a smaller one, or raise the setting.",
        more: [
          Detail.Field("size", .integer(Int64(envelope.body.size))),
          Detail.Field("maxBytes", .integer(Int64(envelope.maxBytes))),
        ])
    }
    do throws(JSONFault) { return try JSONReader.object(bytes) } catch { throw FieldProblem.malformed(error) }
  }

  // MARK: The body

  private static func message(
    _ fields: CommandFields, _ envelope: CommandEnvelope
  ) throws(Rejection) -> CommandMessage {
    let uuid = try fields.uuid(.operationUuid)
    let attempt = try fields.integer(.attempt, in: 1...1000) ?? 1
    let notAfter = try fields.time(.notAfter)
    let ifVersion = try fields.integer(.ifVersion, in: 1...maxIdentifier)
    let command = try fields.command(envelope.command)
    if envelope.requireBaselineID, case .onServer(_, .available(baselineID: nil)) = command {
      throw FieldProblem.invalid(
        .baselineId, kind: fields.kind(.baselineId),
        allowed: .text("the baselineId of the run that succeeded (baseline.requireId is true)"))
    }
    let id: OperationID? = if let uuid { .uuid(uuid) } else { try messageID(envelope) }
    if id == nil, envelope.requireKey || envelope.command == .allocate { throw missingKey(fields, envelope) }
    return CommandMessage(
      command: command, key: id.map { OperationKey(command, id: $0) }, attempt: Int(attempt), notAfter: notAfter,
      ifVersion: ifVersion, fingerprint: CanonicalBody(command, ifVersion: ifVersion).fingerprint)
  }

  /// The message-id as the name of the operation. An empty one is none; one that is a UUID counts by its value.
  fileprivate static func messageID(_ envelope: CommandEnvelope) throws(Rejection) -> OperationID? {
    guard let text = envelope.messageID, !text.isEmpty else { return nil }
    guard ShortString.byteCount(text) <= ShortString.maxBytes else {
      throw FieldProblem.invalid(
        "message-id", kind: .string, problem: "is longer than 255 bytes", allowed: .text("1 to 255 bytes"))
    }
    return UUID128(text).map(OperationID.uuid) ?? .messageID(text)
  }

  private static func missingKey(_ fields: CommandFields, _ envelope: CommandEnvelope) -> Rejection {
    FieldProblem.refusal(
      .missingOperationUUID, path: CommandField.operationUuid.text, kind: fields.kind(.operationUuid),
      allowed: .text("a UUID of 36 characters (RFC 9562), or a message-id of 1 to 255 bytes"),
      message: "The command \(envelope.command.rawValue) has neither operationUuid nor a message-id, and needs one "
        + "so that it is not carried out twice. Send it with an operationUuid of its own.")
  }
}

/// What can be read of a message that is refused.
private enum Salvage {
  /// Of a message that was refused before its body was looked at, or because of it.
  static func refusal(_ rejection: Rejection, of envelope: CommandEnvelope) -> Refusal {
    guard let body = try? CommandDecoder.read(envelope) else {
      return Refusal(rejection: rejection, operation: (try? CommandDecoder.messageID(envelope))?.description)
    }
    var unknown: JSONObject.Field?
    let fields = CommandFields(body, unknown: &unknown, allowed: .allowed(for: envelope.command))
    return refusal(rejection, of: envelope, fields)
  }

  static func refusal(_ rejection: Rejection, of envelope: CommandEnvelope, _ fields: CommandFields) -> Refusal {
    let uuid = try? fields.uuid(.operationUuid)
    let id: OperationID? = if let uuid { .uuid(uuid) } else { try? CommandDecoder.messageID(envelope) }
    return Refusal(
      rejection: rejection, serverID: try? fields.identifier(.serverId), clientID: try? fields.identifier(.clientId),
      operation: id?.description)
  }
}
