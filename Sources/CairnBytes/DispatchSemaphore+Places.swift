package import Dispatch

extension DispatchSemaphore {
    /// A semaphore with free places, which may be let go while some of them are taken: work that is stopped by an error
    /// does so. One that starts with a value ends the process then.
    package convenience init(places: Int) {
        self.init(value: 0)
        for _ in 0..<places { signal() }
    }
}
