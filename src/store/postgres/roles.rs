//! Which database role may do what, on PostgreSQL.

/// What the role of the server needs on the log. `{role}` is the quoted role.
pub(crate) const GRANT_RUNTIME: &str = "\
    GRANT USAGE ON SCHEMA afterimage TO {role}; \
    GRANT SELECT, INSERT ON afterimage.log, afterimage.era, afterimage.recorded_key TO {role}; \
    GRANT USAGE ON SEQUENCE afterimage.log_id_seq TO {role}; \
    GRANT SELECT, INSERT, UPDATE, DELETE ON afterimage.server_context, afterimage.server_undo, \
      afterimage.rollup_position, afterimage.rollup_count, afterimage.rollup_user, afterimage.rollup_trash TO {role}; \
    GRANT SELECT ON afterimage.tracked_table, afterimage.afterimage_migrations, afterimage.reversal TO {role}; \
    GRANT EXECUTE ON FUNCTION afterimage.current_era(), afterimage.shape(regclass), \
      afterimage.is_superseded(xid), afterimage.printed(anyelement, boolean) TO {role}; \
    DO $grant$ DECLARE writer regprocedure; BEGIN \
      FOR writer IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'afterimage'::regnamespace \
                       AND p.proname LIKE 'write\\_as\\_%' \
      LOOP EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', writer, $role${role}$role$); END LOOP; \
    END $grant$";

/// The roles that were granted that before, quoted: those that may say what an undo reverses.
pub(crate) const RUNTIME_ROLES: &str = "\
    SELECT DISTINCT quote_ident(r.rolname) \
      FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee \
     WHERE c.oid = 'afterimage.server_undo'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner";

/// What the role that owns the capture functions needs: it writes the log, and learns who made a change. Nothing where
/// the simple set-up has no such role, or the present one is no member of it.
pub(crate) const GRANT_CAPTURE: &str = "\
    DO $$ BEGIN \
      IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'afterimage_capture' AND pg_has_role(oid, 'MEMBER')) THEN \
        GRANT USAGE ON SCHEMA afterimage TO afterimage_capture; \
        GRANT INSERT ON afterimage.log TO afterimage_capture; \
        GRANT SELECT, INSERT, DELETE ON afterimage.moved_row TO afterimage_capture; \
        GRANT SELECT ON afterimage.era, afterimage.server_context, afterimage.server_undo TO afterimage_capture; \
        GRANT EXECUTE ON FUNCTION afterimage.current_era(), afterimage.author(), \
          afterimage.reversed_entry(text, text, text), \
          afterimage.application_context(text), afterimage.canonical_address(text), \
          afterimage.shape(regclass), afterimage.is_behind(oid), afterimage.live_columns(oid), afterimage.key_columns(oid), \
          afterimage.column_name(oid, int), afterimage.form(oid), afterimage.is_superseded(xid), \
          afterimage.recording(regclass, text, text, json, text), \
          afterimage.recording_now(oid, text, text, json, text), afterimage.value(text, text, text), \
          afterimage.record_id(oid, int2[], text), afterimage.pin_settings(), afterimage.set_settings(text[]), \
          afterimage.may_move(oid, text, text), afterimage.leaves(oid, oid, text), \
          afterimage.moved_to(oid, text), afterimage.moved_from(text), afterimage.marked(json, text[], jsonb[]) \
          TO afterimage_capture; \
      END IF; \
    END $$";

/// Sentences about rights that the server has and should not have.
pub(crate) const WARNINGS: &str = "\
    SELECT 'the server''s database role is a superuser: it could change the log; see the README on roles' \
      FROM pg_roles WHERE rolname = current_user AND rolsuper \
    UNION ALL \
    SELECT 'the server''s database role owns the log: it could change it; see the README on roles' \
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'afterimage' AND c.relname = 'log' AND pg_has_role(c.relowner, 'USAGE') \
       AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \
    UNION ALL \
    SELECT 'the server''s database role may not keep its counters (' || string_agg(c.oid::regclass::text, ', ') || '): \
            summaries and the trash are counted in the log itself, which takes long where that is large; run \
            `afterimage migrate` with `--runtime-role`' \
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'afterimage' AND c.relkind = 'r' AND c.relname LIKE 'rollup\\_%' \
       AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
                AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) \
    HAVING count(*) > 0";

/// Begins a new era where this is another life of the database than the last one that was seen here. The timeline is
/// that of the log being written: the control file tells of a promotion only with the next checkpoint.
pub(crate) const SETTLE_ERA: &str = "\
    INSERT INTO afterimage.era (era, system_identifier, database_oid, timeline) \
    SELECT last.era + 1, now.* \
      FROM (SELECT * FROM afterimage.era ORDER BY era DESC LIMIT 1) last, \
           (SELECT s.system_identifier::text, d.oid::bigint, \
                   ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint \
              FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()) now (system, oid, timeline) \
     WHERE (last.system_identifier, last.database_oid, last.timeline) \
           IS DISTINCT FROM (now.system, now.oid, now.timeline) \
    ON CONFLICT DO NOTHING";
