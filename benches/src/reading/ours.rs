//! Our own API: GraphQL with all fields.

use serde_json::json;

use super::question::{Draw, Question};
use crate::dice::Dice;
use crate::load::{Maker, post};
use crate::server::Server;

/// All fields that are values.
const FIELDS: &str = "id timestamp action tableName recordId previousRecordId userId username oldValues newValues \
    description ipAddress correlationId transactionId metadata source databaseRole recordedBy";

/// How arguments are drawn, from a log with so many entries.
type Drawing = fn(&mut Dice, usize) -> Draw;

/// Requests for the question, with what each entry is asked besides.
pub fn maker(server: &Server, question: Question, more: &'static str, entries: usize, drawing: Drawing) -> Maker {
    let (address, token) = (server.address.clone(), server.token.clone());
    let page = format!("nodes {{ {FIELDS} {more} }} pageInfo {{ hasNextPage endCursor }}");
    let headers = format!("authorization: Bearer {token}\r\n");
    std::sync::Arc::new(move |dice: &mut Dice| {
        let draw = drawing(dice, entries);
        let (query, variables) = match question {
            Question::Newest => (format!("{{ auditLogs(first: 50) {{ {page} }} }}"), json!({})),
            Question::UserAndDates => (
                format!("query ($filter: AuditLogFilter) {{ auditLogs(first: 50, filter: $filter) {{ {page} }} }}"),
                json!({"filter": {"userId": [draw.user], "start": instant(draw.start), "end": instant(draw.end)}}),
            ),
            Question::History => (
                format!(
                    "query ($table: String!, $id: ID!) \
                     {{ objectHistory(tableName: $table, recordId: $id, first: 50) {{ {page} }} }}"
                ),
                json!({"table": draw.table, "id": draw.record}),
            ),
            Question::One => (
                format!("query ($id: ID!) {{ auditLog(id: $id) {{ {FIELDS} {more} }} }}"),
                json!({"id": draw.id.to_string()}),
            ),
            Question::Offset => {
                let offset = 100_000.min(entries / 2);
                (format!("{{ auditLogs(first: 50, offset: {offset}) {{ {page} }} }}"), json!({}))
            }
        };
        post(&address, "/graphql", &headers, &json!({"query": query, "variables": variables}).to_string())
    })
}

fn instant(day: chrono::NaiveDate) -> String {
    format!("{day}T00:00:00Z")
}
