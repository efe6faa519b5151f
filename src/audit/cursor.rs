//! Cursors: opaque to clients, tagged with their kind, and checked for damage. That of a page is here; the feed makes its
//! own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Entry, Error, Result};

/// The tag of a cursor into pages, ordered by instant and id.
const KIND: u8 = b'p';
const LENGTH: usize = 1 + 8 + 8;
const CHECKSUM: usize = 4;

/// A place in the order of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The instant of the entry at this place.
    pub timestamp: DateTime<Utc>,
    /// Its id.
    pub id: i64,
}

impl Position {
    /// The place of an entry.
    pub fn of(entry: &Entry) -> Position {
        Position { timestamp: entry.timestamp, id: entry.id }
    }

    /// The cursor that names this place.
    pub fn to_cursor(self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH + CHECKSUM);
        bytes.push(KIND);
        bytes.extend(self.timestamp.timestamp_micros().to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        seal(bytes)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is damaged, or comes from elsewhere.
    pub fn of_cursor(cursor: &str) -> Result<Position> {
        Position::decode(cursor).ok_or_else(|| {
            Error::bad_input(
                "the cursor is none of this list: pass an `endCursor`, `startCursor` or an edge's `cursor`",
            )
        })
    }

    fn decode(cursor: &str) -> Option<Position> {
        let body = unseal(cursor)?;
        if body.len() != LENGTH || body[0] != KIND {
            return None;
        }
        let micros = i64::from_be_bytes(body[1..9].try_into().ok()?);
        let id = i64::from_be_bytes(body[9..17].try_into().ok()?);
        Some(Position { timestamp: DateTime::from_timestamp_micros(micros)?, id })
    }
}

/// A cursor of these bytes, the first of which is its kind.
pub fn seal(mut bytes: Vec<u8>) -> String {
    bytes.extend(checksum(&bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a cursor; none where it is damaged, or no cursor at all.
pub fn unseal(cursor: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if sum != checksum(body) {
        return None;
    }
    bytes.truncate(bytes.len() - CHECKSUM);
    Some(bytes)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::digest(bytes);
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_brings_its_place_back() {
        let place = Position { timestamp: DateTime::from_timestamp_micros(1_772_357_400_123_456).unwrap(), id: 7 };
        assert_eq!(Position::of_cursor(&place.to_cursor()).unwrap(), place);
    }

    #[test]
    fn a_damaged_or_foreign_cursor_is_refused() {
        let cursor = Position { timestamp: DateTime::UNIX_EPOCH, id: 7 }.to_cursor();
        let damaged = cursor.replacen('A', "B", 1);
        for cursor in ["", "7", "!!", "bGlzdDo3", &damaged, &cursor[1..]] {
            assert!(Position::of_cursor(cursor).is_err(), "{cursor}");
        }
    }
}
