/// Tells which side of a connection serves, where no TCP flag says who opened it.
enum ServicePorts {
    /// Ports above 1023 that common servers listen on, by their vendors' defaults.
    private static let wellKnown: Set<UInt16> = [
        1433, 1521, 1883, 2049, 2181, 2379, 2380, 3000, 3268, 3269, 3306, 3389, 4317, 4318, 4369, 5044, 5432, 5433,
        5601,
        5671, 5672, 5900, 5984, 5985, 5986, 6379, 6380, 6443, 7000, 7001, 7077, 7199, 7474, 7687, 8000, 8008, 8080,
        8081,
        8082, 8086, 8088, 8089, 8090, 8123, 8125, 8200, 8300, 8301, 8443, 8500, 8529, 8600, 8883, 8888, 9000, 9042,
        9090,
        9091, 9092, 9093, 9094, 9095, 9096, 9098, 9100, 9160, 9200, 9300, 9411, 9418, 9443, 10250, 10255, 10256, 11211,
        15010, 15012, 15017, 15021, 15672, 16379, 18080, 26257, 26379, 27017, 27018, 27019, 28015, 50051, 61613, 61616,
    ]

    /// Built once: a set lookup per record would cost more than reading the record.
    private static let ranks: [UInt8] = (0...65_535).map { port in
        if port < 1024 { return 0 }
        if wellKnown.contains(UInt16(port)) { return 1 }
        // Linux gives out 32768 to 60999 as ephemeral ports by default.
        return port < 32_768 ? 2 : 3
    }

    /// True if the first port is the server's. The answer for swapped ports is the opposite, so both directions of one
    /// connection agree; with equal ports neither answer is better, and both say false.
    static func isServer(_ port: UInt16, against other: UInt16) -> Bool {
        let rank = ranks[Int(port)]
        let otherRank = ranks[Int(other)]
        return rank == otherRank ? port < other : rank < otherRank
    }
}
