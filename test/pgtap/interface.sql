-- The SQL interface: views with their columns and types, functions, settings,
-- and a comment on every object.  What is listed here does not change within a
-- major version.

BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SELECT no_plan();

-- Views, column by column and in order

CREATE FUNCTION pg_temp.columns_of(view regclass) RETURNS SETOF text
LANGUAGE sql AS $$
    SELECT attname || ' ' || format_type(atttypid, atttypmod)
    FROM pg_attribute
    WHERE attrelid = view AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
$$;

CREATE TEMP TABLE cluster_columns AS
SELECT line FROM unnest(ARRAY[
    'userid oid',
    'dbid oid',
    'clusterid bigint',
    'pattern text',
    'confidence text',
    'queryid bigint',
    'query text',
    'parent_queryid bigint',
    'parent_query text',
    'link text',
    'loops bigint',
    'calls bigint',
    'max_calls bigint',
    'duplicate_calls bigint',
    'parent_rows bigint',
    'rows bigint',
    'total_exec_time double precision',
    'max_exec_time double precision',
    'total_gap_time double precision',
    'max_loop_time double precision',
    'shared_blks_hit bigint',
    'shared_blks_read bigint',
    'application_name text',
    'tags jsonb',
    'advice text',
    'rewrite text',
    'first_seen timestamp with time zone',
    'last_seen timestamp with time zone',
    'muted boolean']) AS line;

SELECT results_eq('SELECT pg_temp.columns_of(''pg_nplusone'')', 'SELECT line FROM cluster_columns',
                  'pg_nplusone has the documented columns');
SELECT results_eq('SELECT pg_temp.columns_of(''pg_nplusone_session'')', 'SELECT line FROM cluster_columns',
                  'pg_nplusone_session has the same columns');
SELECT set_eq('SELECT split_part(pg_temp.columns_of(''pg_nplusone_info''), '' '', 1)',
              ARRAY['clusters', 'max_clusters', 'dealloc', 'dropped', 'stats_reset', 'last_saved'],
              'pg_nplusone_info has the documented columns');
SELECT results_eq('SELECT pg_temp.columns_of(''pg_nplusone_heavy_reads'')', $$SELECT unnest(ARRAY[
    'userid oid', 'dbid oid', 'queryid bigint', 'query text', 'finding text', 'calls bigint', 'rows bigint',
    'mean_rows double precision', 'total_bytes double precision', 'mean_bytes double precision', 'columns text[]',
    'column_share double precision[]', 'application_name text', 'tags jsonb', 'advice text',
    'first_seen timestamp with time zone', 'last_seen timestamp with time zone'])$$,
                  'pg_nplusone_heavy_reads has the documented columns');
SELECT results_eq('SELECT pg_temp.columns_of(''pg_nplusone_connections'')', $$SELECT unnest(ARRAY[
    'userid oid', 'dbid oid', 'application_name text', 'sessions bigint', 'statements bigint',
    'mean_statements double precision', 'mean_session_time double precision', 'connect_share double precision',
    'advice text'])$$,
                  'pg_nplusone_connections has the documented columns');
SELECT set_eq('SELECT split_part(pg_temp.columns_of(''pg_nplusone_totals''), '' '', 1)',
              ARRAY['pattern', 'confidence', 'loops', 'calls', 'duplicate_calls', 'rows', 'total_exec_time',
                    'total_gap_time'],
              'pg_nplusone_totals has the documented columns');

-- Functions, their arguments and defaults

SELECT function_returns('pg_nplusone_reset', ARRAY['oid', 'oid', 'bigint'], 'bigint');
SELECT has_function('pg_nplusone_session_reset', ARRAY[]::text[]);
SELECT function_returns('pg_nplusone_session_statements', ARRAY[]::text[], 'bigint');
SELECT is(pg_get_function_arguments('pg_nplusone_reset'::regproc),
          'userid oid DEFAULT 0, dbid oid DEFAULT 0, clusterid bigint DEFAULT 0',
          'pg_nplusone_reset takes its arguments by name, all of them optional');

-- Settings: default, and the context that says who may change them

PREPARE setting(text) AS
    SELECT ARRAY[boot_val || coalesce(unit, ''), context] FROM pg_settings WHERE name = 'pg_nplusone.' || $1;

SELECT results_eq('EXECUTE setting(''max'')', $$VALUES (ARRAY['1000', 'postmaster'])$$, 'pg_nplusone.max');
SELECT results_eq('EXECUTE setting(''query_size'')', $$VALUES (ARRAY['2048B', 'postmaster'])$$, 'pg_nplusone.query_size');
SELECT results_eq('EXECUTE setting(''track'')', $$VALUES (ARRAY['top', 'superuser'])$$, 'pg_nplusone.track');
SELECT results_eq('EXECUTE setting(''threshold'')', $$VALUES (ARRAY['5', 'user'])$$, 'pg_nplusone.threshold');
SELECT results_eq('EXECUTE setting(''idle_gap'')', $$VALUES (ARRAY['500ms', 'user'])$$, 'pg_nplusone.idle_gap');
SELECT results_eq('EXECUTE setting(''min_confidence'')', $$VALUES (ARRAY['suspected', 'superuser'])$$, 'pg_nplusone.min_confidence');
SELECT results_eq('EXECUTE setting(''sample_rows'')', $$VALUES (ARRAY['64', 'superuser'])$$, 'pg_nplusone.sample_rows');
SELECT results_eq('EXECUTE setting(''heavy_result'')', $$VALUES (ARRAY['100kB', 'superuser'])$$, 'pg_nplusone.heavy_result');
SELECT results_eq('EXECUTE setting(''heavy_rows'')', $$VALUES (ARRAY['10000', 'superuser'])$$, 'pg_nplusone.heavy_rows');
SELECT results_eq('EXECUTE setting(''heavy_offset'')', $$VALUES (ARRAY['1000', 'superuser'])$$, 'pg_nplusone.heavy_offset');
SELECT results_eq('EXECUTE setting(''connection_rate'')', $$VALUES (ARRAY['60', 'sighup'])$$, 'pg_nplusone.connection_rate');

-- Every object says what it is

SELECT is_empty($$
    SELECT pg_describe_object(classid, objid, objsubid)
    FROM pg_depend
    WHERE refclassid = 'pg_extension'::regclass
      AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_nplusone')
      AND deptype = 'e'
      AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
      AND obj_description(objid, classid::regclass::name) IS NULL
$$, 'every view and function has a comment');

-- Privileges

SELECT table_privs_are('pg_nplusone', 'public', ARRAY['SELECT'], 'anyone may read pg_nplusone');
SELECT table_privs_are('pg_nplusone_session', 'public', ARRAY['SELECT'], 'anyone may read pg_nplusone_session');
SELECT table_privs_are('pg_nplusone_info', 'public', ARRAY['SELECT'], 'anyone may read pg_nplusone_info');
SELECT table_privs_are('pg_nplusone_heavy_reads', 'public', ARRAY['SELECT'], 'anyone may read pg_nplusone_heavy_reads');
SELECT table_privs_are('pg_nplusone_connections', 'public', ARRAY['SELECT'], 'anyone may read pg_nplusone_connections');
SELECT ok(NOT has_function_privilege('public', 'pg_nplusone_reset(oid, oid, bigint)', 'EXECUTE'),
          'not everyone may reset');

SELECT * FROM finish();
ROLLBACK;
