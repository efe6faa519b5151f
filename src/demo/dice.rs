//! Chance that falls the same way each time, so that every demo looks alike.

/// A source of numbers that look random.
pub(super) struct Dice(u64);

impl Dice {
    /// The same seed gives the same numbers.
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A counter, scattered by two rounds of multiplying and folding: nothing here is secret, it must only look mixed.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        for factor in [0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f] {
            mixed = (mixed ^ (mixed >> 32)).wrapping_mul(factor);
        }
        mixed ^ (mixed >> 32)
    }

    /// From 0 up to, and without, `end`; 0 where that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// From the first to the last of two numbers, both included.
    pub(super) fn between(&mut self, first: i32, last: i32) -> i32 {
        let span = first.abs_diff(last) as usize + 1;
        first + self.below(span) as i32
    }

    /// Whether something happens that happens once in so many times.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of the items, which are not none.
    pub(super) fn one_of<'a, T, const N: usize>(&mut self, items: &'a [T; N]) -> &'a T {
        &items[self.below(N)]
    }

    /// One of the items, taken out; none where there is none.
    pub(super) fn draw<T>(&mut self, items: &mut Vec<T>) -> Option<T> {
        match items.len() {
            0 => None,
            length => Some(items.swap_remove(self.below(length))),
        }
    }

    /// Eight hexadecimal digits.
    pub(super) fn hex(&mut self) -> String {
        format!("{:08x}", self.next() >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_comes_up_and_no_other() {
        let mut dice = Dice::new(1);
        let mut seen = [false; 6];
        for _ in 0..200 {
            seen[(dice.between(1, 6) - 1) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        assert_eq!(Dice::new(7).hex(), Dice::new(7).hex());
        assert_ne!(Dice::new(7).hex(), Dice::new(8).hex());
    }

    #[test]
    fn nothing_is_drawn_from_nothing() {
        assert_eq!(Dice::new(1).draw::<i32>(&mut Vec::new()), None);
    }
}
