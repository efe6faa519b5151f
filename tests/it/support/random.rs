//! Random tests that can be run again.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A run of its own each time, which can be had again: `AFTERIMAGE_SEED` with what a failure printed.
pub fn runner(cases: u32) -> TestRunner {
    let seed = match std::env::var("AFTERIMAGE_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => getrandom::u64().expect("randomness of the system"),
    };
    println!("AFTERIMAGE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_time: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
