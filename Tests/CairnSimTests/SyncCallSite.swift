import CairnSim
import Foundation

/// Tells callers of a sync apart by the address they call from.
enum SyncCallSite {
    /// The frames of the disk between this function and the caller: this function, its thunk, the disk, its witness,
    /// and for a file also the file. Where an optimiser leaves some out, callers of one caller are told apart instead.
    @Sendable static func current(_ operation: FaultDisk.Operation) -> UInt {
        let depth = operation == .sync ? 6 : 5
        let addresses = Thread.callStackReturnAddresses
        return addresses.count > depth ? addresses[depth].uintValue : 0
    }
}
