//! The router as a client sees it, over a small schema.

mod http;
mod paths;
mod socket;
mod socket_close;
mod world;
