//! Afterimage.

pub mod audit;
pub mod auth;
pub mod capture;
pub mod cli;
pub mod config;
pub mod demo;
pub mod feed;
pub mod graphql;
pub mod http;
pub mod server;
pub mod store;
pub mod undo;
