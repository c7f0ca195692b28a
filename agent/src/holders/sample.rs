//! Elements of arrays, chosen at random.

/// Marsaglia's xorshift.
pub struct Random(u64);

impl Random {
    /// Begins anew in each process.
    pub fn new() -> Random {
        Random(0x9E37_79B9_7F4A_7C15 ^ u64::from(std::process::id()))
    }

    /// An index in one of so many equal parts of an array.
    pub fn within(&mut self, part: usize, parts: usize, length: u32) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let length = length as usize;
        let (first, next) = (part * length / parts, (part + 1) * length / parts);
        first + (self.0 % (next - first).max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_own_element() {
        let mut random = Random::new();
        for (parts, length) in [(1, 1), (7, 7), (7, 100), (256, 1 << 30)] {
            let mut last = None;
            for part in 0..parts {
                let index = random.within(part, parts, length);
                assert!(index < length as usize && last < Some(index));
                last = Some(index);
            }
        }
    }
}
