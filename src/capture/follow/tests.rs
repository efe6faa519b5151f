//! What is hidden after the columns of a table have become others, by their names alone and by their numbers.

use super::*;
use crate::capture::table::Form;

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A table as it is, its columns with their numbers.
fn table(relation: Option<i64>, columns: &[(&str, i32)]) -> Table {
    let column = |(name, number): &(&str, i32)| Column {
        name: (*name).to_owned(),
        number: *number,
        type_name: "text".to_owned(),
        form: Form::Text,
        generated: false,
    };
    Table {
        name: "t".to_owned(),
        sql_name: "t".to_owned(),
        relation,
        owner: None,
        partitioned: false,
        columns: columns.iter().map(column).collect(),
        primary_key: owned(&["id"]),
    }
}

/// One that was tracked: `secret` redacted, `quiet` ignored, as far as it had them.
fn tracked(relation: Option<i64>, columns: &[&str]) -> Tracked {
    let numbers = (1..).zip(columns).filter(|(_, name)| ["secret", "quiet"].contains(name));
    let numbers = numbers.filter(|_| relation.is_some()).map(|(number, name)| ((*name).to_owned(), number));
    Tracked {
        table_name: "t".to_owned(),
        relation,
        primary_key: owned(&["id"]),
        columns: owned(columns),
        redacted_columns: owned(&["secret"]),
        ignored_columns: owned(&["quiet"]),
        hidden_numbers: numbers.collect(),
        tracked_since: chrono::Utc::now(),
        requires_user: false,
        paused_since: None,
        whole_at: chrono::Utc::now(),
    }
}

/// What is redacted beyond `secret` where only names are known.
fn by_place(then: &[&str], now: &[&str]) -> Vec<String> {
    let columns: Vec<(&str, i32)> = now.iter().copied().zip(0..).collect();
    let hidden = hidden(&table(None, &columns), &tracked(None, then));
    assert_eq!((&hidden.redacted[0][..], &hidden.ignored[..]), ("secret", &owned(&["quiet"])[..]));
    hidden.redacted[1..].to_vec()
}

fn by_number(then: &[&str], now: &[(&str, i32)]) -> (Vec<String>, Vec<String>) {
    let hidden = hidden(&table(Some(7), now), &tracked(Some(7), then));
    (hidden.redacted, hidden.ignored)
}

#[test]
fn a_hidden_column_in_its_place_puts_nothing_in_doubt() {
    let then = ["id", "a", "secret", "b"];
    for now in [
        &["id", "a", "secret", "b"][..],
        &["id", "a", "secret", "b", "c"],
        &["id", "z", "secret", "b"],
        &["id", "secret", "b"],
    ] {
        assert!(by_place(&then, now).is_empty(), "{now:?}");
    }
    assert!(by_place(&["k", "secret"], &["id", "k", "secret"]).is_empty(), "a rebuild has given it another key");
    assert!(by_place(&["id", "a"], &["id", "b"]).is_empty(), "one that was gone already is none of the new ones");
}

#[test]
fn a_hidden_column_that_moved_is_looked_for_where_it_was_and_among_the_new_ones() {
    for (then, now, expected) in [
        // Renamed; renamed and replaced, at the end or in its place.
        (&["id", "a", "secret", "b"][..], &["id", "a", "was", "b"][..], &["was"][..]),
        (&["id", "a", "secret", "b"], &["id", "a", "was", "b", "secret"], &["was"]),
        (&["id", "a", "secret"], &["id", "a", "was", "secret"], &["was"]),
        (&["id", "a", "secret"], &["id", "a", "was", "secret", "c"], &["was"]),
        (&["id", "a", "secret"], &["id", "c", "a", "secret"], &["c"]),
        // Two that have swapped their names.
        (&["id", "a", "b", "secret"], &["id", "secret", "b", "a"], &["a"]),
        (&["id", "a", "secret", "b", "c"], &["id", "a", "b", "secret", "c"], &["b"]),
        (&["id", "secret", "a"], &["id", "a", "secret"], &["a"]),
        // A column was dropped, and the hidden one has its name.
        (&["id", "a", "secret", "b"], &["id", "a", "b"], &["a", "b"]),
        (&["id", "a", "secret", "b"], &["id", "a", "b", "c"], &["c", "a", "b"]),
        (&["id", "a", "secret", "b"], &["id", "a", "b", "secret"], &["a", "b"]),
        (&["id", "x", "a", "secret"], &["id", "a"], &["a"]),
        (&["id", "a", "secret"], &["id", "a"], &["a"]),
    ] {
        assert_eq!(by_place(then, now), owned(expected), "{then:?} {now:?}");
    }
    assert_eq!(by_place(&["id", "secret", "quiet"], &["id", "quiet", "secret"]), owned(&[]), "both are hidden");
}

#[test]
fn a_numbered_column_is_followed_under_any_name_and_in_the_way_in_which_it_was_hidden() {
    let then = ["id", "a", "secret", "quiet"];
    let all = |redacted: &[&str], ignored: &[&str]| (owned(redacted), owned(ignored));
    for (now, expected) in [
        (&[("id", 1), ("a", 2), ("was", 3), ("quiet", 4), ("secret", 5)][..], all(&["secret", "was"], &["quiet"])),
        (&[("id", 1), ("secret", 2), ("a", 3), ("quiet", 4)], all(&["secret", "a"], &["quiet"])),
        (&[("id", 1), ("a", 2), ("quiet", 3), ("secret", 4)], all(&["quiet"], &["secret"])),
        (&[("id", 1), ("a", 3), ("quiet", 4), ("secret", 5)], all(&["secret", "a"], &["quiet"])),
        (&[("id", 1), ("a", 2), ("quiet", 4), ("secret", 5), ("c", 6)], all(&["secret"], &["quiet"])),
        (&[("id", 1), ("a", 2), ("quiet", 4)], all(&["secret"], &["quiet"])),
        // What was copied, before the hidden one was dropped.
        (&[("id", 1), ("a", 2), ("quiet", 4), ("c", 5)], all(&["secret", "c"], &["quiet"])),
    ] {
        assert_eq!(by_number(&then, now), expected, "{now:?}");
    }
}

#[test]
fn the_numbers_of_another_table_of_the_name_mean_nothing() {
    let before = tracked(Some(7), &["id", "a", "secret"]);
    let hidden = hidden(&table(Some(8), &[("id", 1), ("a", 3), ("secret", 4)]), &before);
    assert_eq!(hidden.redacted, owned(&["secret"]));
}

#[test]
fn whoever_tracks_it_is_told() {
    let before = tracked(Some(7), &["id", "secret", "a"]);
    let kept = Hidden { redacted: owned(&["secret"]), ignored: Vec::new() };
    let numbered = follow(&table(Some(7), &[("id", 1), ("a", 2), ("secret", 3)]), &before, &kept);
    assert_eq!(
        numbered.told,
        ["The hidden column \"secret\" is called \"a\" now, and stays hidden, as does \"secret\", which is another \
            column by now."]
    );
    let placed = follow(&table(None, &[("id", 0), ("b", 1)]), &tracked(None, &["id", "secret"]), &kept);
    assert_eq!(placed.lost, Some(("secret".to_owned(), "b".to_owned())));
    assert_eq!(
        placed.told,
        [
            "The hidden column \"secret\" is not where it was: \"b\" may be the same under another name, and is redacted."
        ]
    );
}
