//! How a page is asked for: the Relay arguments and an offset, checked once.

use super::{Error, Position, Result};

/// The most entries that a page may hold.
pub const MAX_PAGE_SIZE: u64 = 1_000;
/// The entries that a page holds where nothing else is said.
pub const DEFAULT_PAGE_SIZE: u64 = 50;

/// From which end of the list a page is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSide {
    /// The most recent entries.
    First,
    /// The oldest entries.
    Last,
}

/// A page of a list that runs from the most recent entry to the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many entries at the most.
    pub size: u64,
    /// Which end.
    pub side: PageSide,
    /// Only entries older than this place.
    pub after: Option<Position>,
    /// Only entries more recent than this place.
    pub before: Option<Position>,
    /// How many entries to skip.
    pub offset: u64,
}

impl PageRequest {
    /// Checks the arguments of a connection.
    ///
    /// # Errors
    /// BAD_USER_INPUT where they are out of range or exclude each other.
    pub fn new(
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
        offset: Option<i32>,
    ) -> Result<PageRequest> {
        if first.is_some() && last.is_some() {
            return Err(Error::bad_input("`first` and `last` exclude each other: give one of them"));
        }
        let size = |name: &str, value: i32| match u64::try_from(value) {
            Ok(size @ 1..=MAX_PAGE_SIZE) => Ok(size),
            _ => Err(Error::bad_input(format!("`{name}` is {value}; it must be between 1 and {MAX_PAGE_SIZE}"))),
        };
        let (side, size) = match (first, last) {
            (Some(first), _) => (PageSide::First, size("first", first)?),
            (None, Some(last)) => (PageSide::Last, size("last", last)?),
            (None, None) => (PageSide::First, DEFAULT_PAGE_SIZE),
        };
        if offset.is_some() && (after.is_some() || before.is_some() || last.is_some()) {
            return Err(Error::bad_input("`offset` excludes `after`, `before` and `last`: page by one or the other"));
        }
        let offset = u64::try_from(offset.unwrap_or(0))
            .map_err(|_| Error::bad_input("`offset` is negative; it must be 0 or more"))?;
        Ok(PageRequest {
            size,
            side,
            after: after.map(Position::of_cursor).transpose()?,
            before: before.map(Position::of_cursor).transpose()?,
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_fifty_entries_unless_told_otherwise() {
        let page = PageRequest::new(None, None, None, None, None).unwrap();
        assert_eq!((page.size, page.side, page.offset), (50, PageSide::First, 0));
    }

    #[test]
    fn sizes_out_of_range_are_refused_and_not_clipped() {
        for size in [0, -1, 1_001, 100_000] {
            assert!(PageRequest::new(Some(size), None, None, None, None).is_err(), "first: {size}");
            assert!(PageRequest::new(None, None, Some(size), None, None).is_err(), "last: {size}");
        }
    }

    #[test]
    fn arguments_that_exclude_each_other_are_refused() {
        let cursor = Position { timestamp: chrono::DateTime::UNIX_EPOCH, id: 1 }.to_cursor();
        assert!(PageRequest::new(Some(1), None, Some(1), None, None).is_err());
        assert!(PageRequest::new(None, Some(&cursor), None, None, Some(0)).is_err());
        assert!(PageRequest::new(None, None, None, Some(&cursor), Some(0)).is_err());
        assert!(PageRequest::new(None, None, Some(1), None, Some(0)).is_err());
        assert!(PageRequest::new(None, None, None, None, Some(-1)).is_err());
    }
}
