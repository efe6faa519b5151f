//! Who works in the sample worlds.

use super::dice::Dice;

/// Someone who makes changes.
pub(super) struct Person {
    /// The user id that their entries carry: the key in `users`, where they have a row there.
    pub(super) id: &'static str,
    /// Login name.
    pub(super) username: &'static str,
    /// Name in full.
    pub(super) full_name: &'static str,
    /// What they are in `users`.
    pub(super) role: &'static str,
    /// Where they sit; a job of the server's own has no address.
    pub(super) address: Option<&'static str>,
    /// The program that they use.
    pub(super) client: &'static str,
}

const WEB: &str = "stockroom-web 4.2";
const HANDHELD: &str = "handheld 1.8";
const TERMINAL: &str = "workshop-terminal 2.0";

/// Shorthand for the list below.
const fn person(
    id: &'static str,
    username: &'static str,
    full_name: &'static str,
    role: &'static str,
    address: &'static str,
    client: &'static str,
) -> Person {
    Person { id, username, full_name, role, address: Some(address), client }
}

/// The staff, in the order of their keys in `users`. Those who travel come in over IPv6.
pub(super) static STAFF: [Person; 12] = [
    person("1", "ann", "Ann Keller", "manager", "10.0.4.11", WEB),
    person("2", "ben", "Ben Okafor", "clerk", "10.0.4.12", WEB),
    person("3", "carla", "Carla Mendes", "clerk", "10.0.4.13", WEB),
    person("4", "dmitri", "Dmitri Ivanov", "driver", "2001:db8:4::21", HANDHELD),
    person("5", "elif", "Elif Aydin", "clerk", "10.0.4.15", WEB),
    person("6", "farid", "Farid Rahimi", "manager", "10.0.4.16", WEB),
    person("7", "grace", "Grace Lindqvist", "driver", "2001:db8:4::22", HANDHELD),
    person("8", "hiro", "Hiro Tanaka", "clerk", "10.0.7.31", TERMINAL),
    person("9", "ines", "Ines Duarte", "clerk", "10.0.7.32", TERMINAL),
    person("10", "jonas", "Jonas Weber", "clerk", "10.0.7.33", TERMINAL),
    person("11", "kim", "Kim Nguyen", "manager", "10.0.7.30", TERMINAL),
    person("12", "liam", "Liam O'Brien", "clerk", "10.0.4.19", HANDHELD),
];

/// Whom the stockroom's managers answer to in the demo.
pub(super) static ANN: &Person = &STAFF[0];
/// The other manager of the stockroom.
pub(super) static FARID: &Person = &STAFF[5];
/// The manager of the workshop.
pub(super) static KIM: &Person = &STAFF[10];
/// A helper for the season, who leaves.
pub(super) static LIAM: &Person = &STAFF[11];

/// The job that takes over price lists at night.
pub(super) static PRICE_IMPORT: Person = Person {
    id: "job:price-import",
    username: "price import",
    full_name: "Price import",
    role: "job",
    address: None,
    client: "price-import 3",
};

/// An auditor from outside.
pub(super) static AUDITOR: Person =
    person("audit-7", "vera.stone", "Vera Stone", "auditor", "203.0.113.40", "audit-desk 1");

/// Who books what comes and goes.
pub(super) fn stockroom(dice: &mut Dice) -> &'static Person {
    &STAFF[*dice.one_of(&[1, 1, 2, 2, 3, 4, 6])]
}

/// Who decides on products and prices.
pub(super) fn manager(dice: &mut Dice) -> &'static Person {
    if dice.one_in(2) { ANN } else { FARID }
}

/// Who stands at the machines.
pub(super) fn workshop(dice: &mut Dice) -> &'static Person {
    &STAFF[*dice.one_of(&[7, 7, 8, 9, 10])]
}
