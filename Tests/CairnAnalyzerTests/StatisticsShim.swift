import Foundation

/// What test data needs of mathematics.
enum StatisticsShim {
    static func log(_ value: Double) -> Double { Foundation.log(value) }
    static func exp(_ value: Double) -> Double { Foundation.exp(value) }
    static func sin(_ value: Double) -> Double { Foundation.sin(value) }
    static func power(_ value: Double, _ exponent: Double) -> Double { pow(value, exponent) }
}
