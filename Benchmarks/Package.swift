// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The worker's own package, as SwiftPM calls it: by the name of its folder.
let worker = URL(fileURLWithPath: Context.packageDirectory).deletingLastPathComponent().lastPathComponent.lowercased()

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "OstlerBenchmarks",
  dependencies: [
    .package(path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // What echo and load generator share over librabbitmq: as little as possible.
    .target(name: "Wire", linkerSettings: [.linkedLibrary("rabbitmq")]),
    .executableTarget(name: "echo", dependencies: ["Wire"]),
    .executableTarget(
      name: "bench",
      dependencies: [
        "Wire",
        // Not called, but built together with it.
        .product(name: "ostler", package: worker),
        .product(name: "micro", package: worker),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict
    ),
  ]
)
