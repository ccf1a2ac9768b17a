/// What is wrong with a window of samples, and where.
package struct SampleWindowError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Part: Hashable, Sendable, CustomStringConvertible {
        case header
        case directory
        case keys
        /// Samples were given that no window can hold.
        case input
        case values(group: Int)
        case times(group: Int)

        package var description: String {
            switch self {
            case .header: "its header"
            case .directory: "its directory"
            case .keys: "its keys"
            case .input: "its samples"
            case .values(let group): "group \(group) of values"
            case .times(let group): "group \(group) of times"
            }
        }
    }

    package var part: Part
    package var reason: String
    /// Where the part begins in the window.
    package var offset: Int?
    /// The number of the series that cannot be read, if it is only one.
    package var series: Int?
    /// What the reader was told to call the window.
    package var window: String

    init(_ part: Part, _ reason: String, offset: Int? = nil, series: Int? = nil, window: String = "") {
        self.part = part
        self.reason = reason
        self.offset = offset
        self.series = series
        self.window = window
    }

    package var description: String {
        var text = "cannot use a window of samples"
        if !window.isEmpty { text = "cannot use window \(window) of samples" }
        text += ", \(part)"
        if let offset { text += " at byte \(offset)" }
        if let series { text += ", series \(series)" }
        return text + ": \(reason)"
    }
}
