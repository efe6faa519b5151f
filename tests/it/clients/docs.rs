//! The documentation for those who write clients.
