/// The parts of `arn:aws:ecs:eu-west-1:111122223333:service/shop/checkout`.
struct AmazonResourceName {
    var service: String
    var region: String
    var account: String
    /// What follows the account: `service/shop/checkout`, `alarm:checkout-5xx`.
    var resource: String

    init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", !parts[5].isEmpty else { return nil }
        service = String(parts[2])
        region = String(parts[3])
        account = String(parts[4])
        resource = String(parts[5])
    }
}
