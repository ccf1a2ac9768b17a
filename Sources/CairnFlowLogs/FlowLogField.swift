/// The fields of VPC flow log records, versions 2 to 11, in the order AWS lists them
/// (vpc/latest/userguide/flow-log-records.md). Raw values are the names in header lines.
package enum FlowLogField: String, CaseIterable, Sendable {
    // Version 2, the default line.
    case version
    case accountID = "account-id"
    case interfaceID = "interface-id"
    case sourceAddress = "srcaddr"
    case destinationAddress = "dstaddr"
    case sourcePort = "srcport"
    case destinationPort = "dstport"
    case protocolNumber = "protocol"
    case packets
    case bytes
    case start
    case end
    case action
    case logStatus = "log-status"
    // Version 3.
    case vpcID = "vpc-id"
    case subnetID = "subnet-id"
    case instanceID = "instance-id"
    case tcpFlags = "tcp-flags"
    case type
    case packetSourceAddress = "pkt-srcaddr"
    case packetDestinationAddress = "pkt-dstaddr"
    // Version 4.
    case region
    case zoneID = "az-id"
    case sublocationType = "sublocation-type"
    case sublocationID = "sublocation-id"
    // Version 5.
    case packetSourceService = "pkt-src-aws-service"
    case packetDestinationService = "pkt-dst-aws-service"
    case flowDirection = "flow-direction"
    case trafficPath = "traffic-path"
    // Version 6, records of transit gateways only.
    case resourceType = "resource-type"
    case gatewayID = "tgw-id"
    case gatewayAttachmentID = "tgw-attachment-id"
    case gatewaySourceAccountID = "tgw-src-vpc-account-id"
    case gatewayDestinationAccountID = "tgw-dst-vpc-account-id"
    case gatewaySourceVPCID = "tgw-src-vpc-id"
    case gatewayDestinationVPCID = "tgw-dst-vpc-id"
    case gatewaySourceSubnetID = "tgw-src-subnet-id"
    case gatewayDestinationSubnetID = "tgw-dst-subnet-id"
    case gatewaySourceInterface = "tgw-src-eni"
    case gatewayDestinationInterface = "tgw-dst-eni"
    case gatewaySourceZoneID = "tgw-src-az-id"
    case gatewayDestinationZoneID = "tgw-dst-az-id"
    case gatewayPairAttachmentID = "tgw-pair-attachment-id"
    case packetsLostNoRoute = "packets-lost-no-route"
    case packetsLostBlackhole = "packets-lost-blackhole"
    case packetsLostTooLarge = "packets-lost-mtu-exceeded"
    case packetsLostExpired = "packets-lost-ttl-expired"
    // Version 7, tasks with a network interface of their own only.
    case ecsClusterARN = "ecs-cluster-arn"
    case ecsClusterName = "ecs-cluster-name"
    case ecsContainerInstanceARN = "ecs-container-instance-arn"
    case ecsContainerInstanceID = "ecs-container-instance-id"
    case ecsContainerID = "ecs-container-id"
    case ecsSecondContainerID = "ecs-second-container-id"
    case ecsServiceName = "ecs-service-name"
    case ecsTaskDefinitionARN = "ecs-task-definition-arn"
    case ecsTaskARN = "ecs-task-arn"
    case ecsTaskID = "ecs-task-id"
    // Versions 8, 9 and 10.
    case rejectReason = "reject-reason"
    case resourceID = "resource-id"
    case encryptionStatus = "encryption-status"
    // Version 11.
    case instanceTag = "instance-tag"
    case instanceTag2 = "instance-tag-2"
    case interfaceTag = "interface-tag"
    case interfaceTag2 = "interface-tag-2"
    case autoScalingGroupTag = "asg-tag"
    case autoScalingGroupTag2 = "asg-tag-2"
    case interfaceType = "interface-type"
    case nextHopInterfaceID = "next-hop-interface-id"
    case nextHopSubnetID = "next-hop-subnet-id"
    case nextHopZoneID = "next-hop-az-id"
    case nextHopVPCID = "next-hop-vpc-id"
    case nextHopInterfaceType = "next-hop-interface-type"

    /// Accepts the names of Parquet and Athena columns (`account_id`) beside those of text files (`account-id`).
    package init?(name: String) {
        self.init(rawValue: String(name.map { $0 == "_" ? "-" : $0 }))
    }

    /// What a value of this field is, which decides how it is read and compared.
    package enum Content: Sendable {
        case text, address, port, number, time
    }

    package var content: Content {
        switch self {
        case .sourceAddress, .destinationAddress, .packetSourceAddress, .packetDestinationAddress: .address
        case .sourcePort, .destinationPort: .port
        case .start, .end: .time
        case .version, .protocolNumber, .packets, .bytes, .tcpFlags, .trafficPath, .packetsLostNoRoute,
            .packetsLostBlackhole, .packetsLostTooLarge, .packetsLostExpired, .encryptionStatus:
            .number
        default: .text
        }
    }
}
