//! Random tests that can be run again.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The same one each time, so that a failure is of what was changed. `AFTERIMAGE_SEED=random` goes hunting: it prints
/// the seed that has a failure again as `AFTERIMAGE_SEED`.
pub fn seed() -> u64 {
    let seed = match std::env::var("AFTERIMAGE_SEED") {
        Ok(seed) if seed == "random" => getrandom::u64().expect("randomness of the system"),
        Ok(seed) => seed.parse().expect("a number, or `random`"),
        Err(_) => 1,
    };
    println!("AFTERIMAGE_SEED={seed}");
    seed
}

/// A run of random cases that can be had again by its seed.
pub fn runner(cases: u32) -> TestRunner {
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_time: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
