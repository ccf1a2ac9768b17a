import CairnBytes
import CairnModel

/// Who calls, as far as the server checked.
struct Principal: Sendable, Hashable {
    /// What events call it: a token's name, an OIDC subject.
    var actor: Actor
    var scopes: [AccessScope]
    /// The token that was shown, for limits and for revocation; nil for OIDC.
    var tokenID: String?
    /// The cluster of data that says none itself.
    var cluster: String?

    var name: String { actor.id }

    func allows(_ access: Route.Access) -> Bool {
        switch access {
        case .open, .anyToken: true
        case .scope(let scope): scopes.contains { $0.allows(scope) }
        }
    }

    init(_ token: AccessToken) {
        actor = Actor(id: token.name, type: "token")
        scopes = token.scopes
        tokenID = token.id
        cluster = token.cluster
    }

    init(actor: Actor, scopes: [AccessScope]) {
        self.actor = actor
        self.scopes = scopes
    }
}

/// A browser that logged in.
struct Session: Sendable, Hashable {
    var principal: Principal
    /// What forms send back, so that another site's page cannot send them.
    var formToken: String
    var expires: Timestamp
}
