//! The wire format from outside: what is written reads back, what is read from elsewhere
//! is judged right, and the published schema agrees with both.

mod parse;
mod records;
mod round_trip;
mod schema;
