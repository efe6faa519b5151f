//! The columns' types, and values for them. Some differ only in bytes, some only in how they are written.

use crate::support::Kind;

/// A type, and values as SQL writes them.
pub type Values = (&'static str, &'static [&'static str]);

const POSTGRES: &[Values] = &[
    ("int", &["0", "1", "-2147483648", "7"]),
    ("bigint", &["9223372036854775807", "9007199254740993", "0"]),
    ("numeric", &["1.0", "1.00", "'NaN'", "12345678901234567890.123456789"]),
    ("numeric(20,4)", &["1.5", "-0.0001", "9999999999999999.9999"]),
    ("double precision", &["0.1", "1e308", "'-0'", "0", "'NaN'", "5e-324"]),
    ("real", &["0.1", "'Infinity'", "3.4e38"]),
    ("text", &["''", "'a'", "'A'", "E'line\\n\"x\\\\'", "'ä😀'", "'null'", "'{\"$json\":\"x\"}'"]),
    ("varchar(5)", &["'abc'", "'abc  '", "''"]),
    ("char(4)", &["'ab'", "''"]),
    ("boolean", &["true", "false"]),
    ("bytea", &["''", "'\\x00ff'", "'\\x5c'"]),
    ("date", &["'2020-02-29'", "'infinity'", "'0044-03-15 BC'"]),
    ("timestamp", &["'2020-01-01 00:00:00.000001'", "'-infinity'"]),
    ("timestamptz", &["'2020-01-01 00:00+05:45'", "'2020-06-01 12:00:00.5+00'"]),
    ("interval", &["'30 days'", "'1 mon'", "'-1 day +00:00:01'"]),
    ("json", &["'{\"b\":1, \"a\" : 1.10}'", "'null'", "'{\"b\":1,\"a\":1.10}'", "' [1]'"]),
    ("jsonb", &["'{\"b\": 1.10}'", "'null'", "'[]'"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000001'", "'ffffffff-0000-0000-0000-000000000001'"]),
    ("int[]", &["'{}'", "'{1,NULL}'", "'[2:3]={1,2}'", "'{{1},{2}}'"]),
    ("text[]", &["'{a,NULL,\"NULL\"}'", "'{}'"]),
    ("int4range", &["'empty'", "'[1,5)'", "'(,)'"]),
    ("inet", &["'10.0.0.1/8'", "'::1'"]),
    ("bit(3)", &["B'101'", "B'000'"]),
    ("mood", &["'fine'", "'so \"so\"'"]),
    ("money_amount", &["'(1.50,EUR)'", "'(,\"\")'"]),
    ("percentage", &["0", "100.0", "100.00"]),
];

const ANYTHING: &[&str] =
    &["0", "1", "9223372036854775807", "0.1", "1.0", "9e999", "''", "'1'", "'ä\"\\'", "x''", "x'00ff'", "char(10)"];

const SQLITE: &[Values] = &[
    ("", ANYTHING),
    ("integer", ANYTHING),
    ("real", &["0.1", "1", "1e300", "-9e999", "'x'"]),
    ("text", &["''", "'a'", "'A'", "1", "1.5", "x'61'", "'a' || char(0) || 'b'"]),
    ("numeric", ANYTHING),
    ("blob", ANYTHING),
    ("text collate nocase", &["'a'", "'A'", "'b'"]),
    ("varchar(3)", &["'abcdef'", "5"]),
    ("date", &["'2020-01-01'", "18000", "1.5"]),
];

/// What must be there before tables of these types can be made.
pub fn setup(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => {
            "create type mood as enum ('fine', 'so \"so\"'); \
             create type money_amount as (amount numeric, currency text); \
             create domain percentage as numeric check (value between 0 and 100)"
        }
        Kind::Sqlite => "select 1",
    }
}

/// The type at this place of the list, which has no end.
pub fn values(kind: Kind, place: u8) -> Values {
    let list = if kind == Kind::Postgres { POSTGRES } else { SQLITE };
    list[usize::from(place) % list.len()]
}
