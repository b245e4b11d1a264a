import Lifecycle

/// A set of fields, in one word.
struct CommandFieldSet: OptionSet, Sendable {
  let rawValue: UInt32
  init(rawValue: UInt32) { self.rawValue = rawValue }
  init(_ fields: CommandField...) { rawValue = fields.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }

  func contains(_ field: CommandField) -> Bool { rawValue & 1 << UInt32(field.rawValue) != 0 }

  /// The names, in the order of ``CommandField``.
  var names: [String] { CommandField.allCases.filter { contains($0) }.map(\.text) }

  /// The fields that the body of a command of this name may have.
  static func allowed(for command: CommandName) -> CommandFieldSet {
    switch command {
    case .allocate: allocate
    case .deallocate: deallocate
    case .compensate: compensate
    case .isolate: isolate
    case .unisolate: onServer
    case .available: available
    case .quarantine: quarantine
    case .unquarantine: unquarantine
    case .enroll: enroll
    case .reclassify: reclassify
    case .decommission: decommission
    case .setQuota: setQuota
    case .snapshot: snapshot
    }
  }

  private static let common = CommandFieldSet(.operationUuid, .attempt, .notAfter)
  private static let onServer = common.union(CommandFieldSet(.serverId, .ifVersion))

  private static let allocate = common.union(
    CommandFieldSet(.locationId, .instanceTypeId, .clientId, .contractId, .overflow))
  private static let deallocate = onServer.union(CommandFieldSet(.clientId, .allocationId))
  private static let compensate = onServer.union(CommandFieldSet(.clientId, .allocationId, .reason))
  private static let isolate = onServer.union(CommandFieldSet(.subState, .reason, .baselineId))
  private static let available = onServer.union(CommandFieldSet(.baselineId))
  private static let quarantine = onServer.union(CommandFieldSet(.caseId, .reason))
  private static let unquarantine = onServer.union(CommandFieldSet(.outcome, .reason, .caseId))
  private static let enroll = common.union(
    CommandFieldSet(
      .serverId, .locationId, .instanceTypeId, .name, .state, .subState, .reason, .clientId, .contractId, .quotaType,
      .since))
  private static let reclassify = onServer.union(CommandFieldSet(.locationId, .instanceTypeId, .name, .reason))
  private static let decommission = onServer.union(CommandFieldSet(.reason))
  private static let setQuota = common.union(
    CommandFieldSet(.clientId, .contractId, .locationId, .instanceTypeId, .limit))
  private static let snapshot = common.union(CommandFieldSet(.serverId, .locationId))
}
