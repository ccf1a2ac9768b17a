package import CairnFlowLogs
package import HTTPTypes

/// Where a call comes from, also behind proxies: each adds the address of its peer at the end of `X-Forwarded-For`, and
/// what a caller wrote there itself stands before that.
package enum CallerAddress {
    /// Proxies behind each other: more are made up.
    private static let hopsMax = 32

    /// - Parameters:
    ///   - peer: the address of the other end of the connection.
    ///   - trusted: proxies that add what they saw, and nothing else.
    /// - Returns: the last address that no trusted proxy has, in its one canonical form; a header is looked at only where
    ///   a trusted proxy sent it, and up to what is no address.
    package static func of(peer: String, headers: HTTPFields, trusted: [IPPrefix]) -> String {
        guard var known = IPAddress(peer) else { return peer }
        func isTrusted(_ address: IPAddress) -> Bool { trusted.contains { $0.contains(address) } }
        guard isTrusted(known), let name = HTTPField.Name("X-Forwarded-For") else { return known.description }
        let hops = headers[values: name].flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        for hop in hops.reversed().prefix(hopsMax) {
            guard let address = address(hop) else { break }
            known = address
            guard isTrusted(known) else { break }
        }
        return known.description
    }

    /// An address as proxies write it: alone, with a port, or in brackets.
    private static func address(_ hop: Substring) -> IPAddress? {
        let text = hop.drop { $0 == " " || $0 == "\t" }
        let end = text.lastIndex { $0 != " " && $0 != "\t" }
        guard let end else { return nil }
        let trimmed = text[...end]
        if let address = IPAddress(String(trimmed)) { return address }
        if trimmed.hasPrefix("[") {
            guard let close = trimmed.firstIndex(of: "]") else { return nil }
            let rest = trimmed[trimmed.index(after: close)...]
            guard rest.isEmpty || isPort(rest) else { return nil }
            return IPAddress(String(trimmed[trimmed.index(after: trimmed.startIndex)..<close]))
        }
        guard let colon = trimmed.lastIndex(of: ":"), isPort(trimmed[colon...]) else { return nil }
        let address = IPAddress(String(trimmed[..<colon]))
        return address?.isV4 == true ? address : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard text.hasPrefix(":"), (2...6).contains(text.utf8.count) else { return false }
        return text.dropFirst().utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
