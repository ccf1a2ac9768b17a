/// How the numbers of a group become bytes before these are deflated.
///
/// Numbers that are nearly always tiny share a byte, as digits in a small base; the largest digit says that the number
/// follows among the tokens. Deflate's codes cannot be shorter than a bit and waste a part of one, so three numbers a
/// byte come out smaller than one, and a third of the bytes pass through the decoder.
enum Packing: UInt8, CaseIterable {
    case tokens = 1
    case pairs = 2
    case triples = 3
    case quads = 4
    case octets = 8

    /// Numbers in a byte.
    var perByte: Int { Int(rawValue) }

    /// Digits are 0 to base - 1; base - 1 is the escape.
    var base: Int {
        switch self {
        case .tokens: 256
        case .pairs: 16
        case .triples: 6
        case .quads: 4
        case .octets: 2
        }
    }

    /// The digit that says that the number, less this digit, is the next token.
    var escape: Int { base - 1 }

    func bytes(for count: Int) -> Int { (count + perByte - 1) / perByte }

    /// Which packing numbers deserve, by how many are small.
    /// - Parameter below: how many of `count` numbers are below a limit.
    static func choose(count: Int, below: (UInt64) -> Int) -> Packing {
        for packing in [Packing.octets, .quads, .triples, .pairs] {
            // An escape costs a token with a code of its own: up to one number in 32 that is less than what digits save.
            if (count - below(UInt64(packing.escape))) * 32 <= count { return packing }
        }
        return .tokens
    }
}

/// What each byte of a packing holds, ready for the decoder.
final class PackingTable: Sendable {
    let packing: Packing
    /// `perByte` entries for each byte: the number a digit stands for, `escapeMark` for the escape.
    let digits: [Int8]
    /// For each byte how many of its digits are escapes; `invalid` for bytes that no digits make.
    let escapes: [UInt8]

    static let escapeMark: Int8 = 127
    static let invalid: UInt8 = 255

    private init(_ packing: Packing) {
        self.packing = packing
        var digits: [Int8] = []
        var escapes: [UInt8] = []
        let base = packing.base
        for byte in 0..<256 {
            var rest = byte
            var count: UInt8 = 0
            for _ in 0..<packing.perByte {
                let digit = rest % base
                rest /= base
                if digit == packing.escape { count += 1 }
                digits.append(
                    digit == packing.escape ? PackingTable.escapeMark : Int8(Zigzag.decode(UInt64(digit))))
            }
            escapes.append(rest == 0 ? count : PackingTable.invalid)
        }
        self.digits = digits
        self.escapes = escapes
    }

    static let pairs = PackingTable(.pairs)
    static let triples = PackingTable(.triples)
    static let quads = PackingTable(.quads)
    static let octets = PackingTable(.octets)

    /// Nil for tokens, which are one to a byte and need no table.
    static func of(_ packing: Packing) -> PackingTable? {
        switch packing {
        case .tokens: nil
        case .pairs: pairs
        case .triples: triples
        case .quads: quads
        case .octets: octets
        }
    }
}
