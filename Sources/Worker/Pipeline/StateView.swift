import Lifecycle
import Store

/// What a judgement reads: the store inside a transaction, or a snapshot of it with changes kept in memory.
protocol StateView {
  func attempts(of key: OperationKey) throws(StoreError) -> [OperationRecord]
  func lostOperation(_ key: OperationKey) throws(StoreError) -> LostOperation?
  func server(_ id: ServerID) throws(StoreError) -> Server?
  func allocation(
    _ id: UUID128, of server: ServerID, sinceVersion version: Int64
  ) throws(StoreError) -> Allocation?
  func latestAllocation(
    of client: ClientID, on server: ServerID, sinceVersion version: Int64
  ) throws(StoreError) -> Allocation?
  func quotaRow(_ key: QuotaKey) throws(StoreError) -> QuotaRow?
  func quotaSituation(for request: AllocateRequest) throws(StoreError) -> QuotaSituation
  func longestAvailable(at location: LocationID, type: InstanceTypeID) throws(StoreError) -> Server?
}

extension Snapshot: StateView {}
