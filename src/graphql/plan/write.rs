//! From entries to the JSON of an answer.

use crate::audit::{self, Entry, FieldChange, Json, Position};

use super::fetch::{ListAnswer, Related};
use super::fields::{Amount, ChangeField, EdgeField, EntryField, Fields, InfoField, Key, PageField, PayloadField};

/// JSON that grows.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Writer {
        Writer(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// An object of these fields.
    pub(super) fn object<F>(&mut self, fields: &[(Key, F)], mut value: impl FnMut(&mut Self, &F)) {
        self.0.push(b'{');
        for (place, (key, field)) in fields.iter().enumerate() {
            if place > 0 {
                self.0.push(b',');
            }
            self.0.push(b'"');
            self.raw(key);
            self.raw("\":");
            value(self, field);
        }
        self.0.push(b'}');
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Self, T)) {
        self.0.push(b'[');
        for (place, value) in items.into_iter().enumerate() {
            if place > 0 {
                self.0.push(b',');
            }
            item(self, value);
        }
        self.0.push(b']');
    }

    fn text(&mut self, text: &str) {
        // Nothing of a text can fail in memory.
        if serde_json::to_writer(&mut self.0, text).is_err() {
            self.raw("null");
        }
    }

    /// Text without anything that JSON would escape.
    pub(super) fn plain(&mut self, text: &str) {
        self.0.push(b'"');
        self.raw(text);
        self.0.push(b'"');
    }

    fn optional<T: ?Sized>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        match value {
            Some(value) => write(self, value),
            None => self.raw("null"),
        }
    }

    fn number(&mut self, number: i64) {
        // Nothing of a number can fail in memory.
        if serde_json::to_writer(&mut self.0, &number).is_err() {
            self.raw("null");
        }
    }

    /// Ids are strings.
    fn id(&mut self, id: i64) {
        self.0.push(b'"');
        self.number(id);
        self.0.push(b'"');
    }

    fn truth(&mut self, truth: bool) {
        self.raw(if truth { "true" } else { "false" });
    }

    pub(super) fn page(&mut self, fields: &Fields<PageField>, answer: &ListAnswer) {
        let ListAnswer { page, related, .. } = answer;
        self.object(fields, |writer, field| match field {
            PageField::Typename => writer.plain("AuditLogConnection"),
            PageField::Nodes(fields) => {
                writer.list(&page.entries, |writer, entry| writer.entry(fields, entry, related));
            }
            PageField::Edges(fields) => writer.list(&page.entries, |writer, entry| {
                writer.object(fields, |writer, field| match field {
                    EdgeField::Typename => writer.plain("AuditLogEdge"),
                    EdgeField::Cursor => writer.plain(&Position::of(entry).to_cursor()),
                    EdgeField::Node(fields) => writer.entry(fields, entry, related),
                });
            }),
            PageField::PageInfo(fields) => writer.object(fields, |writer, field| writer.info(*field, answer)),
            PageField::TotalCount => writer.number(answer.total),
        });
    }

    pub(super) fn payload(&mut self, fields: &Fields<PayloadField>, amount: Amount, recorded: &[Entry]) {
        let related = Related::default();
        self.object(fields, |writer, field| match (field, amount) {
            (PayloadField::Typename, Amount::One) => writer.plain("CreateAuditLogPayload"),
            (PayloadField::Typename, Amount::Many) => writer.plain("CreateAuditLogsPayload"),
            (PayloadField::Recorded(fields), Amount::One) => {
                writer.optional(recorded.first(), |writer, entry| writer.entry(fields, entry, &related));
            }
            (PayloadField::Recorded(fields), Amount::Many) => {
                writer.list(recorded, |writer, entry| writer.entry(fields, entry, &related));
            }
        });
    }

    fn info(&mut self, field: InfoField, answer: &ListAnswer) {
        let cursor = |writer: &mut Self, place: Option<Position>| {
            writer.optional(place.as_ref(), |writer, place| writer.plain(&place.to_cursor()));
        };
        match field {
            InfoField::Typename => self.plain("PageInfo"),
            InfoField::HasNextPage => self.truth(answer.has_older),
            InfoField::HasPreviousPage => self.truth(answer.has_newer),
            InfoField::StartCursor => cursor(self, answer.page.start()),
            InfoField::EndCursor => cursor(self, answer.page.end()),
        }
    }

    pub(super) fn entry(&mut self, fields: &Fields<EntryField>, entry: &Entry, related: &Related) {
        let text = |writer: &mut Self, text: &Option<String>| writer.optional(text.as_deref(), Self::text);
        let json = |writer: &mut Self, json: &Option<Json>| writer.optional(json.as_ref(), Self::json);
        self.object(fields, |writer, field| match field {
            EntryField::Typename => writer.plain("AuditLog"),
            EntryField::Id => writer.id(entry.id),
            EntryField::Timestamp => writer.plain(&audit::format_timestamp(entry.timestamp)),
            EntryField::Action => writer.plain(entry.action.as_str()),
            EntryField::TableName => writer.text(&entry.table_name),
            EntryField::RecordId => text(writer, &entry.record_id),
            EntryField::PreviousRecordId => text(writer, &entry.previous_record_id),
            EntryField::UserId => text(writer, &entry.user_id),
            EntryField::Username => text(writer, &entry.username),
            EntryField::OldValues => json(writer, &entry.old_values),
            EntryField::NewValues => json(writer, &entry.new_values),
            EntryField::Changes(fields) => {
                writer.list(entry.changes(), |writer, change| writer.change(fields, &change))
            }
            EntryField::Description => text(writer, &entry.description),
            EntryField::IpAddress => text(writer, &entry.ip_address),
            EntryField::CorrelationId => text(writer, &entry.correlation_id),
            EntryField::TransactionId => text(writer, &entry.transaction_id),
            EntryField::Metadata => json(writer, &entry.metadata),
            EntryField::Source => writer.plain(entry.source.as_str()),
            EntryField::DatabaseRole => text(writer, &entry.database_role),
            EntryField::RecordedBy => text(writer, &entry.recorded_by),
            EntryField::UndoOf(fields) => {
                let reversed = entry.undo_of.and_then(|id| related.by_id.get(&id));
                writer.optional(reversed, |writer, entry| writer.entry(fields, entry, related));
            }
            EntryField::UndoneBy(fields) => {
                let undoing = related.undo_of.get(&entry.id);
                writer.optional(undoing, |writer, entry| writer.entry(fields, entry, related));
            }
        });
    }

    fn change(&mut self, fields: &Fields<ChangeField>, change: &FieldChange) {
        self.object(fields, |writer, field| match field {
            ChangeField::Typename => writer.plain("FieldChange"),
            ChangeField::Field => writer.text(&change.field),
            ChangeField::Old => writer.optional(change.old.as_ref(), Self::json),
            ChangeField::New => writer.optional(change.new.as_ref(), Self::json),
            ChangeField::OldText => writer.optional(change.old_text.as_deref(), Self::text),
            ChangeField::NewText => writer.optional(change.new_text.as_deref(), Self::text),
            ChangeField::Redacted => writer.truth(change.redacted),
        });
    }

    fn json(&mut self, json: &Json) {
        self.raw(json.as_str());
    }
}
