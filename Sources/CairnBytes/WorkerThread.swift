#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A thread of its own, for work that computes or blocks for long: Swift's tasks share as many threads as there are
/// cores, and one that blocks holds up all others.
package final class WorkerThread: @unchecked Sendable {
    // Written once before anybody else can see the object, and read by `join` alone.
    private var handle: pthread_t?

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// As large as the main thread's; memory is taken only as it is used.
    private static let stackBytes = 8 << 20

    /// Starts the thread; where the system has none left, the work is done here and now.
    package init(_ body: @escaping @Sendable () -> Void) {
        if !start(body) { body() }
    }

    /// Nil where the system has no thread left: for work that waits for what its caller does next.
    package static func ifAvailable(_ body: @escaping @Sendable () -> Void) -> WorkerThread? {
        let thread = WorkerThread()
        return thread.start(body) ? thread : nil
    }

    private init() {}

    private func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let work = unsafe Unmanaged.passRetained(Work(body))
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        unsafe pthread_attr_init(attributes)
        unsafe pthread_attr_setstacksize(attributes, WorkerThread.stackBytes)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let result = unsafe pthread_create(&thread, attributes, workerThreadMain, work.toOpaque())
        unsafe pthread_attr_destroy(attributes)
        unsafe attributes.deallocate()
        if result == 0 {
            handle = thread
            return true
        }
        unsafe work.release()
        return false
    }

    /// Waits until the work is done; call it once.
    package func join() {
        guard let thread = handle else { return }
        handle = nil
        pthread_join(thread, nil)
    }

    /// Runs `body` with 0, 1, ... on as many threads and returns when all are done.
    package static func run(_ count: Int, _ body: @escaping @Sendable (_ index: Int) -> Void) {
        let others = (1..<max(1, count)).map { index in WorkerThread { body(index) } }
        if count > 0 { body(0) }
        for other in others { other.join() }
    }

    fileprivate static func main(_ argument: UnsafeMutableRawPointer) {
        unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
    }
}

#if canImport(Darwin)
    private func workerThreadMain(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        unsafe WorkerThread.main(argument)
        return nil
    }
#else
    private func workerThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let argument = unsafe argument { unsafe WorkerThread.main(argument) }
        return nil
    }
#endif
