import Lifecycle

/// A command in the one form that all bodies which mean the same have, hashed.
///
/// The form is made from the decoded command, so white space, order, defaults, `null` and spellings are gone already;
/// the key, `attempt` and `notAfter` say nothing about what is asked for and are left out. It is: `ostler.1`, a NUL, the
/// command's name, a NUL, then for each field that has a value its number (``CommandField``) and its value (an integer
/// in 8 bytes, a UUID in 16, a flag in 1, a text as its length in 4 bytes and its UTF-8), in the order written below.
/// Big-endian. Stores keep fingerprints for more than a year: this form never changes.
struct CanonicalBody {
  private(set) var bytes: [UInt8] = []

  init(_ command: Command, ifVersion: Int64?) {
    bytes.reserveCapacity(128)
    put("ostler.1\0")
    put(command.name.rawValue)
    bytes.append(0)
    switch command {
    case .allocate(let request): put(request)
    case .onServer(let server, let command):
      field(.serverId, server.rawValue)
      put(command)
    case .setQuota(let key, let limit):
      tenant(key.clientID, key.contractID)
      place(key.locationID, key.instanceTypeID)
      field(.limit, limit.map(Int64.init))
    case .snapshot(.all): break
    case .snapshot(.server(let id)): field(.serverId, id.rawValue)
    case .snapshot(.location(let id)): field(.locationId, id.rawValue)
    }
    field(.ifVersion, ifVersion)
  }

  /// The first 128 bits of the form's SHA-256.
  var fingerprint: Fingerprint {
    SHA256BodyDigest.of(bytes).withUnsafeBytes { raw in
      Fingerprint(
        high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }

  private mutating func put(_ request: AllocateRequest) {
    place(request.locationID, request.instanceTypeID)
    tenant(request.clientID, request.contractID)
    field(.overflow, request.overflow)
  }

  private mutating func put(_ command: ServerCommand) {
    switch command {
    case .deallocate(let client, let allocation):
      field(.clientId, client.rawValue)
      field(.allocationId, allocation)
    case .compensate(let client, let allocation, let reason):
      field(.clientId, client.rawValue)
      field(.allocationId, allocation)
      field(.reason, reason)
    case .isolate(let isolation, let baseline):
      field(.subState, isolation.subState.rawValue)
      field(.reason, isolation.reason)
      field(.baselineId, baseline)
    case .unisolate: break
    case .available(let baseline): field(.baselineId, baseline)
    case .quarantine(let caseID, let reason):
      field(.caseId, caseID)
      field(.reason, reason)
    case .unquarantine(let outcome, let caseID, let reason):
      field(.outcome, outcome.rawValue)
      field(.caseId, caseID)
      field(.reason, reason)
    case .enroll(let enrollment): put(enrollment)
    case .reclassify(let change):
      field(.locationId, change.locationID?.rawValue)
      field(.instanceTypeId, change.instanceTypeID?.rawValue)
      field(.name, change.name)
      field(.reason, change.reason)
    case .decommission(let reason): field(.reason, reason)
    }
  }

  private mutating func put(_ enrollment: Enrollment) {
    place(enrollment.locationID, enrollment.instanceTypeID)
    field(.name, enrollment.name)
    let state: String
    switch enrollment.state {
    case .new: state = "new"
    case .backToBaseline: state = "backToBaseline"
    case .available: state = "available"
    case .allocated: state = "allocated"
    case .isolated: state = "isolated"
    case .quarantined: state = "quarantined"
    }
    field(.state, state)
    if case .isolated(let subState) = enrollment.state { field(.subState, subState.rawValue) }
    if let tenancy = enrollment.state.tenancy {
      tenant(tenancy.clientID, tenancy.contractID)
      field(.quotaType, tenancy.quotaType?.rawValue)
    }
    field(.reason, enrollment.reason)
    field(.since, enrollment.since?.milliseconds)
  }

  private mutating func place(_ location: LocationID, _ type: InstanceTypeID) {
    field(.locationId, location.rawValue)
    field(.instanceTypeId, type.rawValue)
  }

  private mutating func tenant(_ client: ClientID, _ contract: ContractID?) {
    field(.clientId, client.rawValue)
    field(.contractId, contract?.rawValue)
  }

  // MARK: Parts

  private mutating func field(_ field: CommandField, _ value: Int64?) {
    guard let value else { return }
    bytes.append(field.rawValue)
    put(UInt64(bitPattern: value))
  }

  private mutating func field(_ field: CommandField, _ value: UUID128?) {
    guard let value else { return }
    bytes.append(field.rawValue)
    put(value.high)
    put(value.low)
  }

  private mutating func field(_ field: CommandField, _ value: Bool) {
    bytes.append(field.rawValue)
    bytes.append(value ? 1 : 0)
  }

  private mutating func field(_ field: CommandField, _ value: String?) {
    guard let value else { return }
    bytes.append(field.rawValue)
    withUnsafeBytes(of: UInt32(value.utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
    put(value)
  }

  private mutating func put(_ word: UInt64) {
    withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }
}
