/// Groups the records of flow logs by any fields: what `cairn flows` does.
///
/// Threads read files and count what they read by packed keys (`FlowKeyLayout`, `FlowTally`); sorted runs of what they
/// counted are merged when rows are written (`FlowGroupRows`). Strings are made of what is shown, once for each value.
package enum FlowAggregation {
    /// Sums of one group.
    package struct Sums: Hashable, Sendable {
        package var flows: UInt64 = 0
        package var rejects: UInt64 = 0
        /// Records whose `tcp-flags` are SYN alone.
        package var synOnly: UInt64 = 0
        package var packets: UInt64 = 0
        package var bytes: UInt64 = 0

        package init(
            flows: UInt64 = 0, rejects: UInt64 = 0, synOnly: UInt64 = 0, packets: UInt64 = 0, bytes: UInt64 = 0
        ) {
            self.flows = flows
            self.rejects = rejects
            self.synOnly = synOnly
            self.packets = packets
            self.bytes = bytes
        }

        init(_ sums: UnsafePointer<UInt64>) {
            unsafe flows = sums[0]
            unsafe rejects = sums[1]
            unsafe synOnly = sums[2]
            unsafe packets = sums[3]
            unsafe bytes = sums[4]
        }
    }

    package struct Row: Hashable, Sendable {
        /// In the order of the query's columns; `-` for a missing value.
        package var key: [String]
        package var sums: Sums

        package init(key: [String], sums: Sums) {
            self.key = key
            self.sums = sums
        }
    }

    /// The columns after the key.
    package static let sumNames = ["flows", "rejects", "syn_only", "packets", "bytes"]
}
