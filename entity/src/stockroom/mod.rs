//! The sample stockroom: products in warehouses, moved by users.

pub mod inventory;
pub mod movements;
pub mod products;
pub mod transactions;
pub mod users;
pub mod warehouses;
