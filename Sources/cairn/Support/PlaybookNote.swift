import CairnRecorder

/// What people are told of a playbook that a command was given as a file.
enum PlaybookNote {
    static func tell(_ receipt: PlaybookReceipt) {
        if receipt.isNew {
            Terminal.note(
                "registered the playbook \(receipt.id), version \(receipt.version), at position \(receipt.position) "
                    + "(SHA-256 \(receipt.digest))")
        } else if receipt.version < receipt.newestVersion {
            Terminal.note(
                "note: the log has version \(receipt.newestVersion) of the playbook \(receipt.id); a plan that names "
                    + "no playbook_version is of that one")
        }
    }
}
