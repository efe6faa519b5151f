//! Afterimage.

pub mod audit;
pub mod auth;
pub mod capture;
pub mod graphql;
pub mod http;
