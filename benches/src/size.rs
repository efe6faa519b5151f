//! How much is measured. `AFTERIMAGE_BENCH_SIZE=small` is for those who work on the benchmarks: it shows that they run,
//! and its figures are worth nothing.

/// Whether the whole is measured.
pub fn is_full() -> bool {
    match std::env::var("AFTERIMAGE_BENCH_SIZE").as_deref() {
        Err(_) | Ok("" | "full") => true,
        Ok("small") => false,
        Ok(other) => panic!("AFTERIMAGE_BENCH_SIZE is small or full, not {other:?}"),
    }
}

/// A tenth of it in a small run.
pub fn scaled(full: usize) -> usize {
    if is_full() { full } else { full / 10 }
}

/// How many rounds: this many, or as many as `AFTERIMAGE_BENCH_ROUNDS` says.
pub fn rounds(full: usize) -> usize {
    match std::env::var("AFTERIMAGE_BENCH_ROUNDS") {
        Ok(text) => text.parse().expect("AFTERIMAGE_BENCH_ROUNDS is a number"),
        Err(_) if is_full() => full,
        Err(_) => full.min(2),
    }
}
