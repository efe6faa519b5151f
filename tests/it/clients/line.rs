//! The line between client and server, which can be cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Carries connections to the server, until it is cut.
#[derive(Clone)]
pub struct Line {
    pub address: SocketAddr,
    /// The connections that are open; none while the line is cut.
    open: Arc<Mutex<Option<JoinSet<()>>>>,
}

impl Line {
    pub async fn to(server: SocketAddr) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its number");
        let line = Line { address, open: Arc::new(Mutex::new(Some(JoinSet::new()))) };
        let open = Arc::clone(&line.open);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.expect("a connection");
                // While the line is cut, a connection ends where it began.
                if let Some(tasks) = open.lock().await.as_mut() {
                    tasks.spawn(async move {
                        let mut server = TcpStream::connect(server).await.expect("the server listens");
                        // It ends with whoever hangs up, in whatever way.
                        drop(copy_bidirectional(&mut client, &mut server).await);
                    });
                }
            }
        });
        line
    }

    /// Ends all connections, and those to come.
    pub async fn cut(&self) {
        if let Some(mut tasks) = self.open.lock().await.take() {
            tasks.shutdown().await;
        }
    }

    pub async fn mend(&self) {
        self.open.lock().await.get_or_insert_default();
    }
}
