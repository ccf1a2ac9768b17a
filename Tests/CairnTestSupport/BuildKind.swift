/// How the tests were built.
package enum BuildKind {
    /// True without optimisation: a call stack then has every caller in it, since none is inlined.
    package static let isDebug: Bool = {
        #if DEBUG
            true
        #else
            false
        #endif
    }()

    package static let needsDebug =
        "callers are told apart by the call stack, which inlining changes; tools/test runs it in debug"
}
