import Lifecycle

/// ⁶ `reclassify`: = where nothing would differ. The state stays what it is, its run or cause included.
enum ReclassifyCells {
  static let all: [CellCase] = [StateName.new, .backToBaseline, .isolated].flatMap { name -> [CellCase] in
    let server = Fixture.server(Fixture.state(name))
    let same: [(String, Reclassification)] = [
      ("nothing given", Reclassification(reason: "checked")),
      (
        "all as it is",
        Reclassification(
          locationID: Fixture.location, instanceTypeID: Fixture.type, name: Fixture.name, reason: "checked")
      ),
      ("the location as it is", Reclassification(locationID: Fixture.location)),
      ("the type as it is", Reclassification(instanceTypeID: Fixture.type)),
      ("the name as it is", Reclassification(name: Fixture.name)),
    ]
    let location = LocationID(19)
    let type = InstanceTypeID(41)
    return same.map { CellCase("⁶ \($0.0)", .reclassify($0.1), on: server, .unchanged) } + [
      changed("another location", server, location: location), changed("another type", server, type: type),
      changed("another name", server, name: "rack-8"),
      changed("everything", server, location: location, type: type, name: "rack-8"),
      changed("one of three", server, location: Fixture.location, type: type, name: Fixture.name),
      changed("a first name", Fixture.server(Fixture.state(name), name: nil), name: "rack-8"),
    ]
  }

  private static func changed(
    _ about: String, _ server: Server, location: LocationID? = nil, type: InstanceTypeID? = nil, name: String? = nil
  ) -> CellCase {
    let reason = server.state == .isolated(Fixture.isolation) ? Fixture.isolation.reason : "moved"
    var after = Fixture.after(server, server.state, reason: reason)
    after.locationID = location ?? server.locationID
    after.instanceTypeID = type ?? server.instanceTypeID
    after.name = name ?? server.name
    return CellCase(
      "⁶ \(about)",
      .reclassify(Reclassification(locationID: location, instanceTypeID: type, name: name, reason: "moved")),
      on: server, .applied(Transition(server: after, event: .reclassified, allocation: .none)))
  }
}
