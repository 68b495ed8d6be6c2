-- Many servers read as one, through postgres_fdw.
--
--   psql -d observer -f fleet.sql
--   psql -d observer -c "CALL fleet.add('shop-1', 'host=db1 dbname=shop', 'observer', 'secret')"
--   psql -d observer -c 'SELECT * FROM fleet.pg_nplusone ORDER BY wasted_time DESC LIMIT 10'
--
-- Takes a superuser, in a database of any PostgreSQL from 15 on; that server
-- needs neither the module nor the extension.  Running it again replaces the
-- views and functions and keeps the members.  See docs/fleets.md.

\set ON_ERROR_STOP on
SET client_min_messages = warning;

BEGIN;

CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SCHEMA IF NOT EXISTS fleet;
COMMENT ON SCHEMA fleet IS 'pg_nplusone on many servers, read as one';

-- A member's role may see what others ran there, so not everyone reads here.
DO $$
BEGIN
    IF to_regrole('fleet_reader') IS NULL THEN
        CREATE ROLE fleet_reader;
    END IF;
END
$$;

--
-- Members
--

CREATE TABLE IF NOT EXISTS fleet.member (
    server text PRIMARY KEY CHECK (server ~ '^[A-Za-z0-9_.:-]{1,50}$'),
    enabled boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE fleet.member IS 'the databases that are read; a server of that name and a schema fleet:NAME belong to each';
COMMENT ON COLUMN fleet.member.enabled IS 'false: left out of what is read';

CREATE OR REPLACE FUNCTION fleet.schema_of(server text) RETURNS text
LANGUAGE SQL IMMUTABLE
RETURN 'fleet:' || server;

COMMENT ON FUNCTION fleet.schema_of(text) IS 'schema with the foreign tables of a member';

-- Names in place of identifiers, which mean something else on each server.  A
-- type regclass would be looked up here.
CREATE OR REPLACE PROCEDURE fleet.import_tables(server text, remote_schema text)
LANGUAGE plpgsql
AS $$
DECLARE
    local_schema text := fleet.schema_of(server);
BEGIN
    IF to_regnamespace(quote_ident(local_schema)) IS NOT NULL THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', local_schema);
    END IF;
    EXECUTE format('CREATE SCHEMA %I', local_schema);
    EXECUTE format('IMPORT FOREIGN SCHEMA %I LIMIT TO (pg_nplusone, pg_nplusone_activity, pg_nplusone_requests,
                        pg_nplusone_totals, pg_nplusone_index_hints, pg_nplusone_heavy_reads, pg_nplusone_connections,
                        pg_nplusone_info) FROM SERVER %I INTO %I',
                   remote_schema, server, local_schema);
    EXECUTE format('ALTER FOREIGN TABLE %I.pg_nplusone_index_hints ALTER COLUMN relation TYPE text', local_schema);
    EXECUTE format('CREATE FOREIGN TABLE %I.databases (oid oid, datname name)
                        SERVER %I OPTIONS (schema_name ''pg_catalog'', table_name ''pg_database'')',
                   local_schema, server);
    EXECUTE format('CREATE FOREIGN TABLE %I.roles (oid oid, rolname name)
                        SERVER %I OPTIONS (schema_name ''pg_catalog'', table_name ''pg_roles'')',
                   local_schema, server);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO fleet_reader', local_schema);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO fleet_reader', local_schema);
END
$$;

COMMENT ON PROCEDURE fleet.import_tables(text, text) IS
'make the foreign tables of a member anew, as after an update of its extension';

-- "connection" is what libpq calls a connection string, for its simple form
-- name=value, and becomes options of the server.  Any role here reads by the
-- role there that is named.
CREATE OR REPLACE PROCEDURE fleet.add(server text, connection text, username text, password text DEFAULT NULL,
                                      remote_schema text DEFAULT 'public')
LANGUAGE plpgsql
AS $$
DECLARE
    options text;
BEGIN
    INSERT INTO fleet.member (server) VALUES (add.server);
    SELECT string_agg(format('%I %L', split_part(word, '=', 1), substr(word, strpos(word, '=') + 1)), ', ')
      INTO options
      FROM regexp_split_to_table(btrim(connection), '\s+') AS word;
    IF connection !~ '(^|\s)connect_timeout=' THEN
        options := options || ', connect_timeout ''5''';
    END IF;
    EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw
                        OPTIONS (%s, fetch_size ''1000'', keep_connections ''off'')',
                   server, options);
    EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (%s)', server,
                   concat_ws(', ', format('user %L', username), format('password %L', password),
                             CASE WHEN password IS NULL THEN 'password_required ''false''' END));
    CALL fleet.import_tables(server, remote_schema);
END
$$;

COMMENT ON PROCEDURE fleet.add(text, text, text, text, text) IS
'add a database to the fleet: its name here, how to connect (host=… port=… dbname=…), the role and its password there, and the schema of the extension';

CREATE OR REPLACE PROCEDURE fleet.remove(server text)
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', fleet.schema_of(server));
    EXECUTE format('DROP SERVER IF EXISTS %I CASCADE', server);
    DELETE FROM fleet.member m WHERE m.server = remove.server;
END
$$;

COMMENT ON PROCEDURE fleet.remove(text) IS 'take a database out of the fleet';

--
-- Reading
--

-- What a member is asked is planned here and sent there as one statement, with
-- joins, conditions, order and limit.  One that does not answer takes a warning
-- and no more: the others are what was asked for, too.
CREATE OR REPLACE FUNCTION fleet.read(query text) RETURNS SETOF record
LANGUAGE plpgsql
AS $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT m.server FROM fleet.member m WHERE m.enabled ORDER BY m.server LOOP
        BEGIN
            RETURN QUERY EXECUTE format('SELECT %L::text, answer.* FROM (%s) AS answer', name,
                replace(query, '@', quote_ident(fleet.schema_of(name)) || '.'));
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'fleet: % is left out: %', name, SQLERRM;
        END;
    END LOOP;
END
$$;

COMMENT ON FUNCTION fleet.read(text) IS
'rows of a query from every member that answers, the member''s name before them; @ in the query stands for the schema with its tables';

CREATE OR REPLACE VIEW fleet.pg_nplusone AS
SELECT *,
       CASE WHEN query <> '<insufficient privilege>' THEN
           lpad(to_hex(hashtextextended((coalesce(parent_query, '') || E'\n' || query) COLLATE "C", 0)), 16, '0')
       END AS signature
  FROM fleet.read($$
    SELECT d.datname::text, r.rolname::text, c.clusterid, c.pattern, c.confidence, c.queryid, c.query, c.parent_queryid,
           c.parent_query, c.link, c.loops, c.calls, c.max_calls, c.duplicate_calls, c.parent_rows, c.rows,
           c.total_exec_time, c.max_exec_time, c.total_gap_time, c.total_exec_time + c.total_gap_time, c.max_loop_time,
           c.shared_blks_hit, c.shared_blks_read, c.application_name, c.tags, c.advice, c.rewrite, c.first_seen,
           c.last_seen, c.muted
      FROM @pg_nplusone c
      LEFT JOIN @databases d ON d.oid = c.dbid
      LEFT JOIN @roles r ON r.oid = c.userid
  $$) AS t (server text, database text, role text, clusterid bigint, pattern text, confidence text, queryid bigint,
            query text, parent_queryid bigint, parent_query text, link text, loops bigint, calls bigint,
            max_calls bigint, duplicate_calls bigint, parent_rows bigint, rows bigint, total_exec_time double precision,
            max_exec_time double precision, total_gap_time double precision, wasted_time double precision,
            max_loop_time double precision, shared_blks_hit bigint, shared_blks_read bigint, application_name text,
            tags jsonb, advice text, rewrite text, first_seen timestamptz, last_seen timestamptz, muted boolean);

COMMENT ON VIEW fleet.pg_nplusone IS
'pg_nplusone of all members: with names in place of identifiers, and the time in all (wasted_time) and the signature that the report has';

CREATE OR REPLACE VIEW fleet.pg_nplusone_activity AS
SELECT *
  FROM fleet.read($$
    SELECT a.pid, d.datname::text, r.rolname::text, a.application_name, a.pattern, a.confidence, a.queryid, a.query,
           a.parent_queryid, a.calls, a.parent_rows, a.started
      FROM @pg_nplusone_activity a
      LEFT JOIN @databases d ON d.oid = a.datid
      LEFT JOIN @roles r ON r.oid = a.userid
  $$) AS t (server text, pid integer, database text, role text, application_name text, pattern text, confidence text,
            queryid bigint, query text, parent_queryid bigint, calls bigint, parent_rows bigint, started timestamptz);

COMMENT ON VIEW fleet.pg_nplusone_activity IS 'loops that are running now, on all members';

CREATE OR REPLACE VIEW fleet.pg_nplusone_requests AS
SELECT *
  FROM fleet.read($$
    SELECT d.datname::text, r.rolname::text, q.application_name, q.route, q.units, q.statements, q.mean_statements,
           q.max_statements, q.units_with_loops, q.total_exec_time, q.mean_time, q.max_time
      FROM @pg_nplusone_requests q
      LEFT JOIN @databases d ON d.oid = q.dbid
      LEFT JOIN @roles r ON r.oid = q.userid
  $$) AS t (server text, database text, role text, application_name text, route text, units bigint, statements bigint,
            mean_statements double precision, max_statements bigint, units_with_loops bigint,
            total_exec_time double precision, mean_time double precision, max_time double precision);

COMMENT ON VIEW fleet.pg_nplusone_requests IS 'statements per unit of work, on all members';

CREATE OR REPLACE VIEW fleet.pg_nplusone_totals AS
SELECT *
  FROM fleet.read($$
    SELECT t.pattern, t.confidence, t.loops, t.calls, t.duplicate_calls, t.rows, t.total_exec_time, t.total_gap_time
      FROM @pg_nplusone_totals t
     WHERE t.loops > 0
  $$) AS t (server text, pattern text, confidence text, loops bigint, calls bigint, duplicate_calls bigint, rows bigint,
            total_exec_time double precision, total_gap_time double precision);

COMMENT ON VIEW fleet.pg_nplusone_totals IS 'sums over all loops that have ended, of all members; those of nothing are left out';

CREATE OR REPLACE VIEW fleet.pg_nplusone_index_hints AS
SELECT *
  FROM fleet.read($$
    SELECT h.clusterid, r.rolname::text, h.queryid, h.query, h.relation, h.ddl, h.reason, h.finding, h.calls,
           h.total_exec_time, h.cost_before, h.cost_after, h.estimated_saving, h.index_size, h.verified, h.first_seen,
           h.last_seen
      FROM @pg_nplusone_index_hints h
      LEFT JOIN @roles r ON r.oid = h.userid
  $$) AS t (server text, clusterid bigint, role text, queryid bigint, query text, relation text, ddl text, reason text,
            finding text, calls bigint, total_exec_time double precision, cost_before double precision,
            cost_after double precision, estimated_saving double precision, index_size bigint, verified text,
            first_seen timestamptz, last_seen timestamptz);

COMMENT ON VIEW fleet.pg_nplusone_index_hints IS
'indexes that the databases of the members lack; each is asked about its own database, and its planner for what is not verified yet';

CREATE OR REPLACE VIEW fleet.pg_nplusone_heavy_reads AS
SELECT *
  FROM fleet.read($$
    SELECT d.datname::text, r.rolname::text, h.queryid, h.query, h.finding, h.calls, h.rows, h.mean_rows, h.total_bytes,
           h.mean_bytes, h.columns, h.column_share, h.application_name, h.tags, h.advice, h.first_seen, h.last_seen
      FROM @pg_nplusone_heavy_reads h
      LEFT JOIN @databases d ON d.oid = h.dbid
      LEFT JOIN @roles r ON r.oid = h.userid
  $$) AS t (server text, database text, role text, queryid bigint, query text, finding text, calls bigint, rows bigint,
            mean_rows double precision, total_bytes double precision, mean_bytes double precision, columns text[],
            column_share double precision[], application_name text, tags jsonb, advice text, first_seen timestamptz,
            last_seen timestamptz);

COMMENT ON VIEW fleet.pg_nplusone_heavy_reads IS 'statements that read more than a program is likely to need, on all members';

CREATE OR REPLACE VIEW fleet.pg_nplusone_connections AS
SELECT *
  FROM fleet.read($$
    SELECT d.datname::text, r.rolname::text, n.application_name, n.sessions, n.statements, n.mean_statements,
           n.mean_session_time, n.connect_share, n.advice
      FROM @pg_nplusone_connections n
      LEFT JOIN @databases d ON d.oid = n.dbid
      LEFT JOIN @roles r ON r.oid = n.userid
  $$) AS t (server text, database text, role text, application_name text, sessions bigint, statements bigint,
            mean_statements double precision, mean_session_time double precision, connect_share double precision,
            advice text);

COMMENT ON VIEW fleet.pg_nplusone_connections IS 'client sessions that are over, on all members';

CREATE OR REPLACE VIEW fleet.pg_nplusone_info AS
SELECT m.server, m.enabled, t.server IS NOT NULL AS answers, t.clusters, t.max_clusters, t.dealloc, t.dropped,
       t.stats_reset, t.last_saved
  FROM fleet.member m
  LEFT JOIN fleet.read('SELECT i.clusters, i.max_clusters, i.dealloc, i.dropped, i.stats_reset, i.last_saved
                          FROM @pg_nplusone_info i')
       AS t (server text, clusters bigint, max_clusters bigint, dealloc bigint, dropped bigint, stats_reset timestamptz,
             last_saved timestamptz) USING (server);

COMMENT ON VIEW fleet.pg_nplusone_info IS 'all members, whether they answer, and the state of pg_nplusone there';

-- The most costly loops of each member.  Only so many rows leave it, which
-- matters where there are many members.
CREATE OR REPLACE FUNCTION fleet.top(per_server integer DEFAULT 10)
RETURNS TABLE (server text, database text, pattern text, confidence text, loops bigint, calls bigint,
               wasted_time double precision, link text, query text, advice text)
LANGUAGE SQL
AS $$
    SELECT *
      FROM fleet.read(format('
        SELECT d.datname::text, c.pattern, c.confidence, c.loops, c.calls, c.total_exec_time + c.total_gap_time,
               c.link, c.query, c.advice
          FROM @pg_nplusone c
          LEFT JOIN @databases d ON d.oid = c.dbid
         WHERE c.confidence <> ''suspected'' AND NOT c.muted
         ORDER BY c.total_exec_time + c.total_gap_time DESC
         LIMIT %s', per_server))
        AS t (server text, database text, pattern text, confidence text, loops bigint, calls bigint,
              wasted_time double precision, link text, query text, advice text)
     ORDER BY wasted_time DESC
$$;

COMMENT ON FUNCTION fleet.top(integer) IS 'the loops of each member that cost the most: likely and proven ones, not muted';

REVOKE ALL ON ALL ROUTINES IN SCHEMA fleet FROM PUBLIC;
-- fleet.read runs what it is given with the privileges of its caller
GRANT USAGE ON SCHEMA fleet TO fleet_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO fleet_reader;
GRANT EXECUTE ON FUNCTION fleet.schema_of(text), fleet.read(text), fleet.top(integer) TO fleet_reader;

COMMIT;
