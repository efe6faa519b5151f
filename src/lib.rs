//! Afterimage.

pub mod audit;
pub mod auth;
pub mod capture;
pub mod feed;
pub mod graphql;
pub mod store;
