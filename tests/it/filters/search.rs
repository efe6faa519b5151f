//! `search`.

use serde_json::{Value, json};

use crate::support::{Api, Kind, World, both, by_hand};

async fn holds(api: &Api, cases: &[(&str, &str)]) {
    for (text, keys) in cases {
        assert_eq!(api.keys(json!({"search": text})).await, *keys, "{text:?}");
    }
}

/// Records a text of JSON that a `Value` would not keep.
async fn record_raw(api: &Api, key: &str, values: &str) {
    let body = format!(
        r#"{{"query":"mutation($v: JSON) {{ createAuditLog(input: {{userId: 1, action: DELETE, tableName: \"t\",
            recordId: \"{key}\", oldValues: $v}}) {{ auditLog {{ id }} }} }}","variables":{{"v":{values}}}}}"#
    )
    .replace('\n', " ");
    let (_, answer) = api.post(&api.token(&[afterimage::auth::Role::Admin]), &body).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
}

both! {
    async fn description_name_key_and_values_are_searched(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([
            by_hand("needle-1", json!({})),
            by_hand("b", json!({"description": "a needle in hay"})),
            by_hand("c", json!({"username": "needleman"})),
            by_hand("d", json!({"action": "DELETE", "oldValues": {"n": "the needle"}})),
            by_hand("e", json!({"action": "CREATE", "newValues": {"n": "needle"}})),
            by_hand("f", json!({"action": "CREATE", "newValues": {"n": {"deep": ["needle"]}}})),
            // Nothing of these is searched.
            by_hand("g", json!({"userId": "needle", "correlationId": "needle", "metadata": {"n": "needle"}})),
            by_hand("h", json!({"tableName": "needle", "action": "CREATE", "newValues": {"needle": 1}})),
        ])).await;
        assert_eq!(api.keys(json!({"search": "needle"})).await, "needle-1 b c d e f");
        assert_eq!(api.keys(json!({"search": "needle", "action": ["DELETE"]})).await, "d");
    }

    async fn ascii_letters_are_found_in_either_case_and_others_as_they_are(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([
            by_hand("a", json!({"description": "Straße ÄRGER", "username": "ANN"})),
            by_hand("b", json!({"action": "DELETE", "oldValues": {"n": "ÄRger Ann", "m": {"x": "ÄRger aNN"}}})),
        ])).await;
        holds(&api, &[("ann", "a b"), ("ANN", "a b"), ("ÄRGER", "a b"), ("Ärger", "a b"), ("ärger", ""),
            ("STRAßE", "a"), ("STRASSE", ""), ("straẞe", "")]).await;
    }

    async fn wildcards_are_text(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([
            by_hand("a", json!({"description": "100%", "username": "x_y"})),
            by_hand("b", json!({"description": "100 %", "username": "xzy"})),
            by_hand("c", json!({"description": r"C:\temp\%_"})),
            by_hand("d", json!({"action": "DELETE", "oldValues": {"n": "50%_\\"}})),
        ])).await;
        holds(&api, &[("100%", "a"), ("x_y", "a"), ("%", "a b c d"), ("_", "a c d"), (r"\", "c d"), (r"\temp", "c"),
            (r"\%", "c"), (r"%_\", "d"), ("0%%", "")]).await;
    }

    async fn numbers_are_found_by_their_exact_digits(world: World) {
        let api = Api::start(&world).await;
        record_raw(&api, "a", r#"{"n":1.10}"#).await;
        record_raw(&api, "b", r#"{"n":1.1}"#).await;
        record_raw(&api, "c", r#"{"n":12345678901234567890.1234567891}"#).await;
        record_raw(&api, "d", r#"{"n":1e400,"m":-0}"#).await;
        record_raw(&api, "e", r#"{"n":true,"m":false,"o":null}"#).await;
        record_raw(&api, "f", r#"{"n":{"deep":[1.10]}}"#).await;
        holds(&api, &[("1.10", "a f"), ("1.1", "a b f"), ("4567890.12345678", "c"), ("7891", "c"), ("1e400", "d"),
            ("1E400", "d"), ("-0", "d"), ("tru", "e"), ("false", "e"), ("null", ""), ("Inf", "")]).await;
    }

    /// Such a key is not what it looks like in a JSON path.
    async fn numbers_under_odd_names_are_found_by_their_exact_digits(world: World) {
        let api = Api::start(&world).await;
        let names = [r#"plain"#, r#"a.b"#, r#"a\"b"#, r#"it's"#, r#"back\\slash"#, "ü", r#"\u00fc2"#, "$", "[0]", r#"t\tn\n"#,
            "", r#"\""#, r#"a\"].x"#];
        for (number, name) in names.iter().enumerate() {
            record_raw(&api, &format!("k{number}"), &format!(r#"{{"other":0,"{name}":7.{number:02}0}}"#)).await;
        }
        for (number, name) in names.iter().enumerate() {
            let found = api.keys(json!({"search": format!("7.{number:02}0")})).await;
            assert_eq!(found, format!("k{number}"), "{name}");
        }
    }

    async fn an_empty_text_is_in_every_text(world: World) {
        let api = Api::start(&world).await;
        world.insert("action, table_name, record_id, new_values",
            "('CREATE', 't', null, '{\"n\": null}'), ('CREATE', 't', null, '{\"n\": 1}'), ('READ', 't', 'a', null)").await;
        assert_eq!(api.keys(json!({"search": ""})).await, "- a");
    }
}

/// What a user keeps in a column of JSON must not break the search over all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_document_of_a_user_breaks_search_or_changed_field_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    world.sql("create table documents (id integer primary key, d json)").await;
    api.track("documents").await;
    for (id, document) in [
        r#""a\u0000b""#,
        r#"{"x":"\ud800"}"#,
        r#"{"\u0000":1}"#,
        r#"["needle"]"#,
        "null",
        r#"{"$json":"needle"}"#,
        r#"{"x":"\ude00"}"#,
    ]
    .iter()
    .enumerate()
    {
        world.sql(&format!("insert into documents values ({id}, '{document}')")).await;
    }
    assert_eq!(api.keys(json!({"tableName": "documents", "search": "needle"})).await, "3 5");
    assert_eq!(api.keys(json!({"tableName": "documents", "changedField": "d"})).await, "0 1 2 3 4 5 6");
}
