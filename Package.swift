// swift-tools-version: 6.2
import PackageDescription

/// Every target is held to the same rules; a warning is an error everywhere.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "Ostler",
  products: [
    .executable(name: "ostler", targets: ["ostler"]),
    .executable(name: "micro", targets: ["micro"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // librabbitmq, and the few inline wrappers for what Swift cannot call.
    .systemLibrary(
      name: "CRabbitMQ",
      pkgConfig: "librabbitmq",
      providers: [.apt(["librabbitmq-dev"])]
    ),
    // SHA-256 from the library that librabbitmq stands on.
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "AMQP", dependencies: ["CRabbitMQ"], swiftSettings: strict),
    .target(name: "Lifecycle", swiftSettings: strict),
    // One call of SQLite that Swift cannot make.
    .systemLibrary(name: "CSQLiteSetup", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    // One call of the C library that Swift's modules leave out.
    .systemLibrary(name: "CAllocator"),
    .target(
      name: "Store",
      dependencies: [
        "CSQLiteSetup", "Lifecycle",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: strict
    ),
    .target(
      name: "Worker",
      dependencies: [
        "AMQP", "CAllocator", "CCrypto", "Lifecycle", "Store",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "ostler",
      dependencies: [
        "AMQP", "Lifecycle", "Store", "Worker",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict
    ),
    // What several suites need: the broker, the worker as a process, events as a subscriber sees them.
    .target(
      name: "TestSupport",
      dependencies: [
        "AMQP", "Lifecycle", "Worker",
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      path: "Tests/Support",
      swiftSettings: strict
    ),
    // Steps of a command's way by themselves, for Benchmarks/; here because it needs package access.
    .executableTarget(
      name: "micro", dependencies: ["AMQP", "Lifecycle", "Store", "Worker"], path: "Benchmarks/Sources/micro",
      swiftSettings: strict),
    .testTarget(name: "LifecycleTests", dependencies: ["Lifecycle"], swiftSettings: strict),
    .testTarget(name: "AMQPTests", dependencies: ["AMQP", "TestSupport"], swiftSettings: strict),
    // The entry functions of the fuzzers with their corpus; see the end of this file.
    .testTarget(
      name: "FuzzTests", dependencies: ["AMQP", "CRabbitMQ", "Lifecycle", "Store", "Worker"],
      exclude: ["Corpus", "Dictionaries", "Driver"], swiftSettings: strict),
    .testTarget(
      name: "StoreTests",
      dependencies: ["Store", "Lifecycle", "TestSupport", .product(name: "GRDBSQLite", package: "GRDB.swift")],
      swiftSettings: strict
    ),
    .testTarget(
      name: "WorkerTests",
      dependencies: [
        "Worker", "Store", "Lifecycle", "AMQP", "TestSupport",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "ostler", "AMQP", "Store", "Lifecycle", "TestSupport", "Worker",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict
    ),
    // The worker's pipeline in a world that a seed decides.
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Worker", "Store", "Lifecycle", "AMQP", "TestSupport",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CrashTests",
      dependencies: ["ostler", "AMQP", "Lifecycle", "TestSupport", "Worker"],
      swiftSettings: strict
    ),
  ]
)

// MARK: - Builds with instruments

/// `scripts/fuzz` and `scripts/sanitize` build a part of the package, into folders of their own.
switch Context.environment["OSTLER_SANITIZER"] {
case "address":
  // The fuzzers and the tests of the client share one build: what libFuzzer needs does not disturb the tests.
  keep(["AMQPTests", "TestSupport"])
  for target in package.targets where ["AMQP", "Lifecycle", "Worker"].contains(target.name) {
    target.swiftSettings?.append(.unsafeFlags(["-sanitize=fuzzer"]))
  }
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["AMQP", "CRabbitMQ", "Lifecycle", "Store", "Worker"], path: "Tests/FuzzTests",
      exclude: ["Corpus", "CorpusTests.swift", "Dictionaries"],
      swiftSettings: strict + [.unsafeFlags(["-sanitize=fuzzer"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
case "thread":
  keep(["ostler", "TestSupport", "AMQPTests", "WorkerTests"])
  package.targets.append(.target(name: "ThreadSanitizer", path: "Tests/ThreadSanitizer"))
  for target in package.targets where target.name == "AMQP" { target.dependencies.append("ThreadSanitizer") }
default: break
}

/// Leaves the libraries and these targets.
@MainActor func keep(_ names: Set<String>) {
  let libraries: Set = ["CAllocator", "CRabbitMQ", "CCrypto", "CSQLiteSetup", "AMQP", "Lifecycle", "Store", "Worker"]
  package.targets.removeAll { !libraries.union(names).contains($0.name) }
  package.products.removeAll { !names.contains($0.name) }
}
