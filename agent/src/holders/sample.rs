//! Elements of arrays, chosen at random.
//!
//! Not one of each part of the array: what stands side by side may lead to the same object, which is
//! noticed only where neighbours may be chosen, too.

use std::collections::HashMap;

/// Marsaglia's xorshift.
pub struct Random(u64);

impl Random {
    /// Begins anew in each process.
    pub fn new() -> Random {
        Random(0x9E37_79B9_7F4A_7C15 ^ u64::from(std::process::id()))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// So many indexes of an array, each once: all of them, or some in random order.
    pub fn some_of(&mut self, count: usize, length: usize) -> Vec<usize> {
        if count >= length {
            return (0..length).collect();
        }
        // Fisher and Yates' shuffle; what is not in there stands in its own place.
        let mut moved = HashMap::with_capacity(count);
        (0..count)
            .map(|place| {
                let from = place + self.below(length - place);
                let first = moved.remove(&place).unwrap_or(place);
                match from == place {
                    true => first,
                    false => moved.insert(from, first).unwrap_or(from),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_element_is_chosen_once_at_the_most() {
        let mut random = Random::new();
        for (count, length) in [
            (0, 0),
            (0, 9),
            (1, 1),
            (7, 7),
            (7, 8),
            (99, 100),
            (256, 1 << 30),
        ] {
            let chosen = random.some_of(count, length);
            assert_eq!(chosen.len(), count);
            assert!(chosen.iter().all(|&index| index < length), "{chosen:?}");
            let distinct: HashSet<usize> = chosen.into_iter().collect();
            assert_eq!(distinct.len(), count);
        }
    }

    #[test]
    fn all_elements_are_chosen_alike() {
        let mut random = Random::new();
        let mut times = [0; 10];
        for _ in 0..10_000 {
            random
                .some_of(3, 10)
                .into_iter()
                .for_each(|index| times[index] += 1);
        }
        assert!(
            times.iter().all(|times| (2_700..3_300).contains(times)),
            "{times:?}"
        );
    }
}
