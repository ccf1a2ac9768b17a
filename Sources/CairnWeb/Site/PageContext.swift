package import CairnBytes

/// What every page of the server knows besides its document: who looks, when, and how its links begin.
package struct PageContext: Sendable, Hashable {
    package struct Viewer: Sendable, Hashable {
        package var name: String
        package var mayApprove: Bool

        package init(name: String, mayApprove: Bool) {
            self.name = name
            self.mayApprove = mayApprove
        }
    }

    package var now: Timestamp
    /// Nil before somebody has logged in.
    package var viewer: Viewer?
    /// What a form sends back to prove that the page came from here; nil leaves out every form that changes something.
    package var formToken: String?
    package var ledgerOrigin: String
    /// What stands before every path: empty, or `/cairn` behind a proxy.
    package var prefix: String

    package init(
        now: Timestamp, viewer: Viewer? = nil, formToken: String? = nil, ledgerOrigin: String, prefix: String = ""
    ) {
        self.now = now
        self.viewer = viewer
        self.formToken = formToken
        self.ledgerOrigin = ledgerOrigin
        self.prefix = prefix
    }

    var mayDecide: Bool { viewer?.mayApprove == true && formToken != nil }
    var links: SiteLinks { SiteLinks(prefix: prefix) }
}
