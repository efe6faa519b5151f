//! Reading on from a place for one subscriber: page after page, the next one while this one is taken. An outage is waited
//! out, as the poller does.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::place::Place;
use super::poller::patience;
use super::reader::{Page, Reader, Source};
use crate::audit::{Code, Error, Result};

/// A reader and where it is.
pub(super) struct Replay {
    /// None while it reads ahead.
    reader: Option<Reader>,
    source: Source,
    /// Where the last page ended.
    place: Place,
    until: Option<Place>,
    /// The page after it, where it is being read. Dropped, that ends.
    ahead: JoinSet<(Reader, Result<Page>)>,
}

impl Replay {
    pub fn new(source: &Source, place: Place) -> Replay {
        Replay { reader: None, source: source.clone(), place, until: None, ahead: JoinSet::new() }
    }

    /// Where the last page ended.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// From here on it reads up to this place, and no longer up to the present.
    pub fn stop_at(&mut self, until: Place) {
        self.until = Some(until);
    }

    /// The next page.
    ///
    /// # Errors
    /// UNAVAILABLE where the database is away.
    pub async fn try_next(&mut self) -> Result<Page> {
        let page = match self.ahead.join_next().await {
            // Its reader, and what that had learned, is gone with a task that failed.
            Some(ended) => ended.map_err(Error::internal).and_then(|(reader, page)| {
                self.reader = Some(reader);
                page
            })?,
            None => {
                let reader = self.reader.get_or_insert_with(|| self.source.reader());
                reader.read(&self.place, self.until.as_ref()).await?
            }
        };
        self.place = page.place.clone();
        if page.more {
            self.read_ahead();
        }
        Ok(page)
    }

    /// The next page, whenever the database can be read.
    ///
    /// # Errors
    /// Where no patience helps.
    pub async fn next(&mut self) -> Result<Page> {
        let mut pause = Duration::ZERO;
        loop {
            match self.try_next().await {
                Err(error) if error.code() == Code::Unavailable => {
                    if pause.is_zero() {
                        tracing::warn!(%error, "a subscriber cannot catch up");
                    }
                    pause = patience(pause);
                    sleep(pause).await;
                }
                other => return other,
            }
        }
    }

    fn read_ahead(&mut self) {
        let mut reader = self.reader.take().unwrap_or_else(|| self.source.reader());
        let (place, until) = (self.place.clone(), self.until.clone());
        self.ahead.spawn(async move {
            let page = reader.read(&place, until.as_ref()).await;
            (reader, page)
        });
    }
}
