//! A connection as the system sees it: bytes.

use std::io::{self, IoSlice, Write as _};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

/// How long a peer that still sends gets to read what it was told last.
const FAREWELL: Duration = Duration::from_secs(5);

/// A socket that fails once its peer has taken no byte of what is to be sent for too long, and that is closed so that
/// the peer sees the last byte.
pub(super) struct Wire {
    /// None once it is closed.
    socket: Option<TcpStream>,
    patience: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Whether the peer sends no more, or is gone.
    is_over: bool,
    /// Given back when the connection is closed, whatever became of it in between.
    place: Option<OwnedSemaphorePermit>,
}

impl Wire {
    pub(super) fn new(socket: TcpStream, patience: Duration, place: OwnedSemaphorePermit) -> Self {
        Wire { socket: Some(socket), patience, stalled: None, is_over: false, place: Some(place) }
    }

    fn guarded(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
        write_now: impl FnOnce(&std::net::TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let mut written = write(Pin::new(socket), context);
        if written.is_pending() {
            let patience = self.patience;
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
            if stalled.as_mut().poll(context).is_ready() {
                written = Poll::Ready(anyway(socket, write_now));
            }
        }
        if written.is_ready() {
            self.stalled = None;
        }
        self.is_over |= matches!(written, Poll::Ready(Err(_)));
        written
    }
}

/// Writes where the system has not said that there is room: it says so only once there is much, which for a slow reader
/// may be long after it has taken something.
fn anyway(socket: &TcpStream, write: impl FnOnce(&std::net::TcpStream) -> io::Result<usize>) -> io::Result<usize> {
    let socket = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned()?);
    write(&socket).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing"),
        _ => error,
    })
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let Some(socket) = &mut self.socket else { return Poll::Ready(Ok(())) };
        let read = Pin::new(socket).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) => self.is_over |= buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => self.is_over = true,
            Poll::Pending => {}
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.guarded(context, |socket, context| socket.poll_write(context, bytes), |mut socket| socket.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.guarded(
            context,
            |socket, context| socket.poll_write_vectored(context, slices),
            |mut socket| socket.write_vectored(slices),
        )
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was written is the system's.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Some(socket) => Pin::new(socket).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Drop for Wire {
    /// A socket that is closed while there is unread input is reset, and the peer may never see what it was told last: a
    /// refusal, or the close code of a WebSocket.
    fn drop(&mut self) {
        let (Some(socket), Some(place)) = (self.socket.take(), self.place.take()) else { return };
        if self.is_over {
            return;
        }
        // Without a runtime the process is about to end.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _place = place;
                // Either way it is closed then.
                let _ = tokio::time::timeout(FAREWELL, part(socket)).await;
            });
        }
    }
}

/// Says that nothing more comes, and passes over what does until the peer says so too.
async fn part(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    let mut passed = [0; 4_096];
    while socket.read(&mut passed).await? > 0 {}
    Ok(())
}
