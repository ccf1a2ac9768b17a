import CairnFlowLogs

/// Who or what drops the traffic, as far as flow logs can say it.
package enum DropCause: String, Sendable, CaseIterable {
    /// Our attempts left us, accepted by our own rules, and nothing came back.
    case thirdPartySilentDrop = "third-party-silent-drop"
    /// The same, seen from both clusters: the peer itself, or the way to it.
    case peerSilent = "peer-silent"
    /// Our security group or network ACL refused the opening of connections.
    case ownRule = "own-security-rule"
    /// Our network ACL refused what came back: a security group remembers the connection and would not.
    case ownReturnRule = "own-network-acl-return"
    case blockPublicAccess = "own-block-public-access"
    case encryptionControl = "own-encryption-control"
    /// Clients' attempts reached us, accepted by our rules, and our side said nothing.
    case ownServiceSilent = "own-service-silent"
    case peerResets = "peer-resets"
    case ownResets = "own-resets"
    /// Packets of living connections are lost on one of the two ways.
    case oneWayLoss = "one-way-loss"

    /// Whose doing it is.
    package enum Owner: String, Sendable {
        case us
        case thirdParty = "third-party"
        case environment
        case unknown
    }

    package var owner: Owner {
        switch self {
        case .thirdPartySilentDrop, .peerResets: .thirdParty
        case .peerSilent: .environment
        case .ownRule, .ownReturnRule, .blockPublicAccess, .encryptionControl, .ownServiceSilent, .ownResets: .us
        case .oneWayLoss: .unknown
        }
    }

    /// What a person should know about it, and who can change it.
    package var explanation: String {
        switch self {
        case .thirdPartySilentDrop:
            "our rules let every attempt out and nothing came back: a firewall that is not ours, not our security group"
        case .peerSilent: "both clusters reach it in vain: the peer itself or the way to it, not our security group"
        case .ownRule: "our own security group or network ACL refused them, no third party"
        case .ownReturnRule: "our own network ACL refused what came back, no third party and no security group"
        case .blockPublicAccess: "our own VPC block public access refused them, no third party"
        case .encryptionControl: "our own encryption control refused them, no third party"
        case .ownServiceSilent: "our rules let them in and our side did not answer"
        case .peerResets: "the other end reset them, not our security group"
        case .ownResets: "our end reset them"
        case .oneWayLoss: "connections live and packets are lost on the way back"
        }
    }

    /// - Parameters:
    ///   - opening: counts of the finding's minutes from whoever opens connections, and
    ///   - answering: what came back.
    static func of(
        _ kind: DropKind, role: PeerRole, side: DropSide, opening: FlowCounts, answering: FlowCounts
    ) -> DropCause {
        switch kind {
        case .reject:
            // What leaves our interface as an answer passed the security group when it was opened.
            return answering.rejects - min(answering.rejects, answering.lateRejects)
                > opening.rejects - min(opening.rejects, opening.lateRejects) ? .ownReturnRule : .ownRule
        case .unanswered:
            if role == .client { return .ownServiceSilent }
            return side == .both ? .peerSilent : .thirdPartySilentDrop
        case .reset:
            let isByPeer = (answering.resets >= opening.resets) == (role == .server)
            return isByPeer ? .peerResets : .ownResets
        case .asymmetric: return .oneWayLoss
        }
    }

    /// The same, when the log says by its field `reject-reason` which of our rules it was.
    func refined(by rejectReason: String) -> DropCause {
        guard self == .ownRule || self == .ownReturnRule else { return self }
        return switch rejectReason {
        case "BPA": .blockPublicAccess
        case "EC": .encryptionControl
        default: self
        }
    }
}
