/// Cuts a stream of JSON objects, with or without anything between them, into single objects. Brackets and commas at
/// the outermost level are skipped, so an array of objects gives its members.
struct JSONObjectSplitter: Sendable {
    enum Step {
        case more
        case object([UInt8])
        case tooLong([UInt8])
        case stray(UInt8)
    }

    private(set) var unfinished: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isTooLong = false
    private var isStray = false

    mutating func take(_ byte: UInt8, limit: Int) -> Step {
        if depth == 0 {
            switch byte {
            case UInt8(ascii: "{"):
                depth = 1
                isStray = false
                unfinished = [byte]
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"): isStray = false
            default:
                if isStray { return .more }
                isStray = true
                return .stray(byte)
            }
            return .more
        }
        if !isTooLong {
            if unfinished.count >= limit {
                isTooLong = true
                let beginning = Array(unfinished.prefix(FlowLogReject.textBytesMax))
                unfinished = []
                advance(byte)
                if depth == 0 { isTooLong = false }
                return .tooLong(beginning)
            }
            unfinished.append(byte)
        }
        advance(byte)
        guard depth == 0 else { return .more }
        if isTooLong {
            isTooLong = false
            return .more
        }
        let object = unfinished
        unfinished = []
        return .object(object)
    }

    private mutating func advance(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if byte == UInt8(ascii: "\\") { isEscaped = true }
            if byte == UInt8(ascii: "\"") { isInString = false }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }
}
