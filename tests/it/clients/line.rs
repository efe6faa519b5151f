//! The line between client and server, which can be cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Carries connections to a server, until it is cut.
#[derive(Clone)]
pub struct Line {
    pub address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    /// The connections that are open; none while the line is cut.
    open: Arc<Mutex<Option<JoinSet<()>>>>,
}

impl Line {
    pub async fn to(server: SocketAddr) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its number");
        let line =
            Line { address, server: Arc::new(Mutex::new(server)), open: Arc::new(Mutex::new(Some(JoinSet::new()))) };
        tokio::spawn(line.clone().carry(listener));
        line
    }

    async fn carry(self, listener: TcpListener) {
        loop {
            let (mut client, _) = listener.accept().await.expect("a connection");
            let server = *self.server.lock().await;
            // While the line is cut, or nobody listens at its end, a connection ends where it began.
            if let Some(tasks) = self.open.lock().await.as_mut() {
                tasks.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        // It ends with whoever hangs up, in whatever way.
                        drop(copy_bidirectional(&mut client, &mut server).await);
                    }
                });
            }
        }
    }

    /// Leads connections to come to another server.
    pub async fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().await = server;
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
