import Lifecycle
import Testing

@Suite("Identifiers, contract section 2")
struct IdentifierTests {
  @Test(
    "a contract is 1 to 240 characters of A-Z 0-9 _ - .",
    arguments: [
      "A", "0", "_", "-", ".", "AZ09_-.", "C-2024.11_B", String(repeating: "Z", count: 240),
    ])
  func contract(_ text: String) {
    #expect(ContractID(text)?.rawValue == text)
    #expect(ContractID(text)?.description == text)
    #expect(ContractID("\(text) ".dropLast())?.rawValue == text)
  }

  @Test(
    "anything else is no contract; the empty one is on-demand and has no value",
    arguments: [
      "", "a", "C 1", "C/1", "C:1", "C\u{0}", "C\n", "\nC", "É", "Ａ", "C\u{301}", "[", "@", "`", "^", "C,1",
      String(repeating: "Z", count: 241),
    ])
  func noContract(_ text: String) {
    #expect(ContractID(text) == nil)
  }

  @Test("the largest number is the largest that JSON keeps exact, and 0 means nobody or any")
  func numbers() {
    #expect(maxIdentifier == 1 << 53 - 1)
    #expect(Double(maxIdentifier) + 1 == Double(maxIdentifier + 1))
    #expect(ClientID.nobody.rawValue == 0)
    #expect(LocationID.any.rawValue == 0)
    #expect(InstanceTypeID.any.rawValue == 0)
    #expect(ServerID(maxIdentifier).description == "9007199254740991")
    #expect(ServerID(9) < ServerID(10))
    #expect(QuotaRow.maxLimit == 32_767)
  }
}
