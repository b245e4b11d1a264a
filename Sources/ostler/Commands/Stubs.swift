import ArgumentParser
struct ServersCommand: ParsableCommand {}
struct ServerCommand: ParsableCommand {}
struct AllocationsCommand: ParsableCommand {}
struct QuotasCommand: ParsableCommand {}
struct DeadLettersCommand: ParsableCommand {}
struct EventsCommand: ParsableCommand {}
