/// What went wrong with a read model: the code decides what a caller does, the message is for people.
package struct ReadModelError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// The statement is wrong, or an argument of it.
        case query
        /// The statement would change something, or is more than one.
        case refused
        /// The statement ran into its time limit and was stopped.
        case timeLimit
        /// No saved query has this name.
        case unknownQuery
        /// The file cannot be written: read-only media, no permission, a full disk.
        case notWritable
        /// The file is no read model, or is damaged. A rebuild makes a new one.
        case damaged
        /// Another process kept the file locked for longer than the busy limit.
        case busy
        /// SQLite failed in another way.
        case database
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
