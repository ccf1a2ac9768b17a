/// What happened to the packets of a record.
package enum FlowAction: UInt8, Sendable {
    case missing, accept, reject
}

/// Whether a record tells of traffic at all. A window without traffic is a real zero; a skipped one is unknown.
package enum FlowLogStatus: UInt8, Sendable {
    case ok, noData, skipData
}

/// Which way the packets of a record went, seen from the network interface that logged it.
package enum FlowDirection: UInt8, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    case ingress, egress

    package var description: String { self == .ingress ? "ingress" : "egress" }

    package static func < (left: FlowDirection, right: FlowDirection) -> Bool { left.rawValue < right.rawValue }
}

/// Bits of `tcp-flags`, OR-ed over the window of a record. SYN-ACK is 18, so a window with only SYN seen is exactly 2.
package enum TCPFlags {
    package static let fin: UInt8 = 1
    package static let syn: UInt8 = 2
    package static let reset: UInt8 = 4
    package static let ack: UInt8 = 16
}

/// One line of a flow log with its numbers read; names (interface, subnet, ...) stay in the line.
package struct FlowRecord: Sendable {
    /// Which of the values below the line has; the others are zero.
    package struct Presence: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        package static let source = Presence(rawValue: 1)
        package static let destination = Presence(rawValue: 2)
        package static let packetSource = Presence(rawValue: 4)
        package static let packetDestination = Presence(rawValue: 8)
        package static let sourcePort = Presence(rawValue: 16)
        package static let destinationPort = Presence(rawValue: 32)
        package static let protocolNumber = Presence(rawValue: 64)
        package static let tcpFlags = Presence(rawValue: 128)
        package static let packets = Presence(rawValue: 256)
        package static let bytes = Presence(rawValue: 512)
        package static let start = Presence(rawValue: 1024)
        package static let end = Presence(rawValue: 2048)
        package static let direction = Presence(rawValue: 4096)
    }

    package var present: Presence = []
    package var status = FlowLogStatus.ok
    package var action = FlowAction.missing
    package var direction = FlowDirection.ingress
    package var protocolNumber: UInt8 = 0
    package var tcpFlags: UInt8 = 0
    package var sourcePort: UInt16 = 0
    package var destinationPort: UInt16 = 0
    package var source = IPAddress.none
    package var destination = IPAddress.none
    package var packetSource = IPAddress.none
    package var packetDestination = IPAddress.none
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Seconds since 1970, within the years 1970 to 9999.
    package var start: Int64 = 0
    package var end: Int64 = 0

    package init() {}
}

/// Takes the records of a flow log one by one. The bytes are valid during the call only.
package protocol FlowLogSink: Sendable {
    /// Called before the first record, and again when a later header line changes the order of the fields.
    mutating func begin(_ format: FlowLogFormat)
    mutating func accept(_ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds)
}
