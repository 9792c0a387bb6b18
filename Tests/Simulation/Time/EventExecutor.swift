/// Runs the steps of tasks as events.
final class EventExecutor: TaskExecutor {
    private let scheduler: Scheduler

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        scheduler.after(1000) { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
