//! Entries put into the log, by hand and by plain SQL, and found there again.

use serde_json::{Value, json};

use super::{Api, Kind, World};

/// What a client writes to record an entry with this key; `more` adds to it or overrides it, null takes away.
pub fn by_hand(key: &str, more: Value) -> Value {
    let mut input = json!({"userId": "42", "action": "READ", "tableName": "t", "recordId": key});
    for (name, value) in more.as_object().expect("an object") {
        input[name] = value.clone();
    }
    input
}

impl Api {
    /// Records entries by hand, as an administrator; their ids.
    pub async fn record(&self, inputs: impl Into<Value>) -> Vec<String> {
        let mutation = "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { id } } }";
        let data = self.ask(mutation, json!({"i": inputs.into()})).await;
        let entries = data["createAuditLogs"]["auditLogs"].as_array().expect("entries");
        entries.iter().map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// The keys of the entries that a filter means, the oldest first, in one line. That `totalCount` agrees is seen to.
    pub async fn keys(&self, filter: Value) -> String {
        let query =
            "query($f: AuditLogFilter) { auditLogs(filter: $f, first: 1000) { totalCount nodes { recordId } } }";
        let data = self.ask(query, json!({"f": filter})).await;
        let nodes = data["auditLogs"]["nodes"].as_array().expect("nodes");
        assert_eq!(data["auditLogs"]["totalCount"], nodes.len(), "{filter}");
        let keys: Vec<&str> = nodes.iter().rev().map(|node| node["recordId"].as_str().unwrap_or("-")).collect();
        keys.join(" ")
    }

    /// How many entries there are.
    pub async fn entries(&self) -> i64 {
        let data = self.ask("{ auditLogs { totalCount } }", json!({})).await;
        data["auditLogs"]["totalCount"].as_i64().expect("a count")
    }
}

impl World {
    /// The log's name in SQL.
    pub fn log(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "afterimage_log",
            Kind::Postgres => "afterimage.log",
        }
    }

    /// Puts entries into the log by SQL, as a trigger of any kind could: the columns, and rows of values in brackets.
    pub async fn insert(&self, columns: &str, rows: &str) {
        self.sql(&format!("insert into {} ({columns}) values {rows}", self.log())).await;
    }
}
