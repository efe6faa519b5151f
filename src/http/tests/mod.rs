//! The router as a client sees it, over a small schema.

mod addresses;
mod contract;
mod cors;
mod http;
mod http2;
mod multipart;
mod paths;
mod patience;
mod persisted;
mod plans;
mod server_sent;
mod socket;
mod socket_close;
mod socket_slow;
mod world;
