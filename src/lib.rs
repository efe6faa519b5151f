//! Afterimage is an audit log server. It records who changed what in a database, by triggers on the tables that it is
//! told to track; it shows the log over GraphQL, live and back in time, and over REST; and it undoes what an entry records.
//!
//! # The words
//!
//! | word | meaning |
//! |---|---|
//! | entry | one record of the log: an action on one object, by someone, at one instant |
//! | object | one row of one table: table name and record id |
//! | tracked table | a table whose changes are captured by triggers |
//! | image | the row, or its changed columns, before (old) or after (new) |
//! | context | what the application says of a transaction: user, name, address, description, correlation id, metadata |
//! | feed | the committed entries, each once, as they come |
//! | cursor | an opaque place in a page, or in the feed |
//! | fold | adding what was committed since to the counters and the trash that are kept beside the log |
//! | era | one life of one database: raised when a dump is restored elsewhere; always 1 on SQLite |
//!
//! # The rooms
//!
//! One room, one subject; each uses only those below it.
//!
//! | room | subject |
//! |---|---|
//! | [`cli`] | the command line, one file a command |
//! | [`server`] | the server put together |
//! | [`demo`] | the two sample worlds, and their traffic |
//! | [`rest`] | the REST API: entries, objects, the trash, counts and undo by path, and the OpenAPI document of it |
//! | [`http`] | the router, GraphQL over HTTP, WebSocket and streams, health, GraphiQL |
//! | [`graphql`] | the schema: types over the words, resolvers over the services |
//! | [`time`] | one object as it is, as it was, and who set each of its fields |
//! | [`undo`] | what reversing an entry means, and doing it |
//! | [`feed`] | committed entries, each once, as they come |
//! | [`capture`] | tracked tables: the catalogue of a table, its triggers, their health |
//! | [`store`] | the log in the database: append, find, page, count; and what it adds up to, kept beside it |
//! | [`auth`], [`config`] | bearer tokens, settings |
//! | `generations` | what is worth keeping of what clients send, in bounded room |
//! | [`audit`] | the words: entry, action, filter, page, error. No SQL, no GraphQL |
//!
//! Beside them the packages `afterimage-entity` (a row of the log, of a tracked table, of the sample tables) and
//! `afterimage-migration` (the log's own tables). Rows become words at the border of [`store`], words become GraphQL at
//! the border of [`graphql`], and the JSON of paths at that of [`rest`].
//!
//! What PostgreSQL and SQLite do differently stands in files of that name, in each room that needs them; which one is
//! meant is decided once, when the server connects, and asked at one place in each such room ([`store::Kind`]).
//!
//! # One change, one request
//!
//! An application commits `update products set price_cents = 900 where id = 7`. The trigger that [`capture`] generated
//! for `products` compares the row's columns byte for byte, puts the changed ones into two images, asks the database who
//! set the context, and inserts one row into the log, in the same transaction. If someone listens, the [`feed`] sees the
//! row once it is committed, and hands it to every subscriber whose filter it meets.
//!
//! An auditor asks for `auditLogs(filter: {userId: "42"}, first: 20)`. [`http`] checks the token and reads the variables
//! without losing a digit; [`graphql`] checks the role, and turns the filter and the page into [`audit::Filter`] and
//! [`audit::PageRequest`], refusing what is out of bounds; [`store`] renders them as SQL with every value bound, reads
//! one row more than the page holds, and gives back [`audit::Entry`]s. The images stay text from the trigger to the
//! answer: no number is ever read into a double.
//!
//! The second time, the same document is not parsed and validated again: [`graphql`] has written down its fields as a
//! plan, by which the entries go straight into the answer's text. Whatever a plan cannot answer just as the schema would,
//! the schema answers.

pub mod audit;
pub mod auth;
pub mod capture;
pub mod cli;
pub mod config;
pub mod demo;
pub mod feed;
mod generations;
pub mod graphql;
pub mod http;
pub mod rest;
pub mod server;
pub mod store;
pub mod time;
pub mod undo;
