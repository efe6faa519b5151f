-- `application_context` stays as it is: what it takes and gives is the same.
drop function afterimage.set_settings(text[]);
drop function afterimage.pin_settings();
drop function afterimage.recording(regclass, text, text, json, text);
drop function afterimage.recording_now(oid, text, text, json, text);
drop function afterimage.record_id(oid, int2[], text);
drop function afterimage.value(text, text, text);
drop function afterimage.shape(regclass);
drop function afterimage.key_columns(oid);
drop function afterimage.live_columns(oid);
drop function afterimage.column_name(oid, int);
drop function afterimage.form(oid);
drop function afterimage.is_superseded(xid);
