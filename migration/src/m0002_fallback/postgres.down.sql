-- `application_context` and `refuse_truncate` stay as they are: what they take and give is the same.
drop function afterimage.moved_from(text);
drop function afterimage.moved_to(oid, text);
drop function afterimage.leaves(oid, oid, text);
drop function afterimage.may_move(oid, text, text);
drop table afterimage.moved_row;
drop function afterimage.set_settings(text[]);
drop function afterimage.pin_settings();
drop function afterimage.recording(regclass, text, text, json, text);
drop function afterimage.recording_now(oid, text, text, json, text);
drop function afterimage.record_id(oid, int2[], text);
drop function afterimage.value(text, text, text);
drop function afterimage.shape(regclass);
drop function afterimage.key_columns(oid);
drop function afterimage.live_columns(oid);
drop function afterimage.is_behind(oid);
drop function afterimage.column_name(oid, int);
drop function afterimage.form(oid);
drop function afterimage.is_superseded(xid);
