//! What a process has used, as the system counts it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

/// Clock ticks a second, in which the system counts processor time: 100 on every Linux that is not a curiosity.
const TICKS: u64 = 100;

/// Megabytes of memory that the process holds.
pub fn resident_megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory is told");
    let kilobytes: f64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
    kilobytes / 1_000.0
}

/// Processor time of the process and of its threads, and of its children that have ended.
pub fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields.split_whitespace().skip(11).take(4).filter_map(|text| text.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// Processor time of a process and all that descend from it: of PostgreSQL with its backends.
pub fn processor_time_of_family(pid: u32) -> Duration {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|text| text.parse().ok());
    processor_time(pid) + children.map(processor_time_of_family).sum::<Duration>()
}

/// The processor time of each of this process's threads, to the nanosecond.
pub struct Threads(HashMap<OsString, u64>);

impl Threads {
    /// As it is now.
    pub fn now() -> Threads {
        let threads = fs::read_dir("/proc/self/task").expect("Linux tells of threads");
        let time = |thread: fs::DirEntry| -> Option<(OsString, u64)> {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            Some((thread.file_name(), text.split(' ').next()?.parse().ok()?))
        };
        // A thread that ends while it is looked at is none any more.
        Threads(threads.filter_map(|thread| time(thread.ok()?)).collect())
    }

    /// What the threads that live have used since then.
    pub fn since(&self) -> Duration {
        let now = Threads::now().0;
        let used = now.iter().map(|(thread, time)| time - self.0.get(thread).unwrap_or(&0));
        Duration::from_nanos(used.sum())
    }
}
