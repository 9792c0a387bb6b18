import Dispatch

/// Looks at the model folders and their files now and then.
///
/// Looking is a handful of stat(2) calls: it works on every file system, over container volumes and network mounts
/// where change notifications do not arrive.
final class ModelWatcher: @unchecked Sendable {  // guard: the timer is set once; Dispatch serialises its handler
    private let timer: any DispatchSourceTimer

    /// - Parameter interval: between two looks; a change is loaded once two of them agree.
    init(store: ModelStore, interval: Duration) {
        let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "model.watcher"))
        timer.schedule(deadline: .now() + interval.timeInterval, repeating: interval.timeInterval)
        timer.setEventHandler { store.look() }
        self.timer = timer
        timer.resume()
    }

    func stop() { timer.cancel() }

    deinit { timer.cancel() }
}
