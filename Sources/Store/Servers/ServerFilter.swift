package import Lifecycle

/// Which servers to list; what is `nil` does not matter.
package struct ServerFilter: Hashable, Sendable {
  package var state: StateName?
  package var location: LocationID?
  package var instanceType: InstanceTypeID?
  /// Holds the server now.
  package var client: ClientID?

  package init(
    state: StateName? = nil, location: LocationID? = nil, instanceType: InstanceTypeID? = nil,
    client: ClientID? = nil
  ) {
    self.state = state
    self.location = location
    self.instanceType = instanceType
    self.client = client
  }

  var isLocationOnly: Bool { location != nil && state == nil && instanceType == nil && client == nil }
}
