import Logging
import Worker

/// Sets up logging, once a process.
enum LogSystem {
  static func start(_ settings: Settings.Log) -> Logger {
    let level = Logger.Level(settings.level)
    let format = settings.format
    LoggingSystem.bootstrap { label in
      switch format {
      case .text: TextLogHandler(label: label, logLevel: level)
      case .json: JSONLogHandler(label: label, logLevel: level)
      }
    }
    return Logger(label: "ostler")
  }
}

extension Logger.Level {
  fileprivate init(_ level: LogLevel) {
    self =
      switch level {
      case .trace: .trace
      case .debug: .debug
      case .info: .info
      case .notice: .notice
      case .warning: .warning
      case .error: .error
      case .critical: .critical
      }
  }
}
