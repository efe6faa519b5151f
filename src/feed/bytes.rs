//! Numbers in few bytes, for cursors: seven bits a byte, the least first.

/// Bytes of a cursor in the making.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A cursor of a kind.
    pub fn new(kind: u8) -> Writer {
        Writer(vec![kind])
    }

    /// Bytes that are to be part of others.
    pub fn part() -> Writer {
        Writer(Vec::new())
    }

    pub fn put(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A number that may be negative: small ones of either sign take few bytes.
    pub fn put_signed(&mut self, number: i64) {
        self.put(((number << 1) ^ (number >> 63)) as u64);
    }

    pub fn append(&mut self, part: Writer) {
        self.0.extend(part.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What is left to read of a cursor.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub fn take(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for (place, byte) in self.0.iter().copied().enumerate() {
            let bits = u64::from(byte & 0x7f);
            let shift = u32::try_from(place * 7).ok()?;
            let shifted = bits.checked_shl(shift)?;
            if shifted >> shift != bits {
                return None;
            }
            number |= shifted;
            if byte < 0x80 {
                self.0 = &self.0[place + 1..];
                return Some(number);
            }
        }
        None
    }

    pub fn take_signed(&mut self) -> Option<i64> {
        let number = self.take()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number that is an id.
    pub fn take_id(&mut self) -> Option<i64> {
        i64::try_from(self.take()?).ok()
    }

    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), i64::MAX as u64, u64::MAX];
        let signed = [0, -1, 1, 63, -64, 64, i64::MIN, i64::MAX, -1_772_357_400_123_456];
        let mut writer = Writer::new(b'x');
        numbers.iter().for_each(|number| writer.put(*number));
        signed.iter().for_each(|number| writer.put_signed(*number));
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes[1..]);
        assert!(numbers.iter().all(|number| reader.take() == Some(*number)));
        assert!(signed.iter().all(|number| reader.take_signed() == Some(*number)));
        assert!(reader.is_at_end() && reader.take().is_none());
    }

    #[test]
    fn what_is_cut_or_too_great_is_none() {
        assert_eq!(Reader::new(&[0x80]).take(), None);
        assert_eq!(Reader::new(&[0xff; 11]).take(), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).take(), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).take(), Some(u64::MAX));
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).take_id(), None);
    }
}
