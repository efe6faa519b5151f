//! Who makes the change, as the triggers find it out: most applications' transactions say nothing, some leave a context,
//! and the server says of its own what no application can claim. Each has an INSERT of its own, so that a change costs no
//! more than what there is to record of it.

use super::image::record_id;
use super::name::literal;
use super::require_user::refusal;
use crate::capture::table::{Choice, Table};

/// What each function begins with. Names without a table before them are variables, whatever the table's columns are
/// called.
///
/// Each expression costs its setting up once a transaction. So this one tells all that is to be known first: what the
/// application says, `''` where it says nothing, and null where that is not the question, since the server makes the
/// change or the table was altered, which `altered` asks. In an INSERT, an expression would be set up for each statement
/// and evaluated for each row: so the role that is logged in, with the one that it has taken on, is a variable too.
pub(super) fn head(altered: &str) -> String {
    format!(
        "#variable_conflict use_variable
DECLARE
  context text := CASE WHEN {altered} OR current_setting('afterimage.server', true) = 'on' THEN NULL
    ELSE coalesce(current_setting('afterimage.context', true), '') END;
  database_role text :=
    concat_ws(' as ', session_user, nullif(nullif(current_setting('role'), 'none'), session_user));
"
    )
}

/// Reads the context, where there is nothing unusual in it: one pass over the text, and no call of another function.
/// Whatever is long, malformed or odd is left to the function that knows what becomes of it: what is no longer than this
/// may hold each part in full, but for those whose types say how long they may be.
const LISTEN: &str = "  DECLARE said afterimage.heard; BEGIN
    BEGIN
      said := json_populate_record(NULL::afterimage.heard,
        CASE WHEN octet_length(context) <= 1000 AND strpos(context, E'\\\\u0000') = 0 THEN context ELSE '' END::json);
      said.\"ipAddress\" := host(CASE WHEN strpos(said.\"ipAddress\", '/') > 0 THEN '' ELSE said.\"ipAddress\" END::inet);
    EXCEPTION WHEN OTHERS THEN
      DECLARE a afterimage.author := afterimage.application_context(context); BEGIN
        said := ROW(a.user_id, a.username, a.description, a.ip_address, a.correlation_id, a.metadata);
      END;
    END;
";

/// What an INSERT into the log says of the author.
pub(super) struct Author {
    /// The columns, each with a comma before it.
    pub(super) columns: &'static str,
    /// Their values.
    pub(super) values: &'static str,
    /// Whether the change may reverse an entry.
    reverses: bool,
}

const NOBODY: Author = Author { columns: "", values: "", reverses: false };
const APPLICATION: Author = Author {
    columns: ", user_id, username, description, ip_address, correlation_id, metadata",
    values: ", nullif(said.\"userId\", ''), said.username, said.description, said.\"ipAddress\", said.\"correlationId\", \
             said.metadata",
    reverses: false,
};
const SERVER: Author = Author {
    columns: ", user_id, username, description, ip_address, correlation_id, metadata, source, recorded_by, undo_of",
    values: ", a.user_id, a.username, a.description, a.ip_address, a.correlation_id, a.metadata, a.source, a.recorded_by",
    reverses: true,
};

impl Author {
    /// The values, with that of the entry which the change reverses: only an undo knows of one.
    pub(super) fn values(&self, table: &Table, action: &str, row: &str) -> String {
        if !self.reverses {
            return self.values.to_owned();
        }
        let (table_name, record_id) = (literal(&table.name), record_id(table, row));
        format!(
            "{}, CASE WHEN a.source = 'UNDO' THEN afterimage.reversed_entry({table_name}, {record_id}, '{action}') END",
            self.values
        )
    }
}

/// Records by the statements that `insert` makes for each kind of author; first it refuses, where a user is required and
/// there is none. `rows` is the transition table of a statement's trigger; `altered` is what ends the call where the
/// table was altered, unless that was done before.
pub(super) fn by_author(
    table: &Table,
    choice: &Choice,
    rows: Option<&str>,
    altered: &str,
    insert: impl Fn(&Author) -> String,
) -> String {
    let refusal = |user: &str| if choice.requires_user { refusal(table, rows, user) } else { String::new() };
    format!(
        "  IF context <> '' THEN\n{LISTEN}{}{}  END;\n  \
         ELSIF context IS NULL THEN\n{altered}  DECLARE a afterimage.author := afterimage.author(); BEGIN\n{}{}  END;\n  \
         ELSE\n{}{}  END IF;\n",
        refusal("nullif(said.\"userId\", '')"),
        insert(&APPLICATION),
        refusal("a.user_id"),
        insert(&SERVER),
        refusal("NULL::text"),
        insert(&NOBODY),
    )
}
