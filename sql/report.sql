--
-- pg_nplusone_report(): the same document as text, as JSON and as a page.
--
-- Names and texts come from anybody, so what is hostile in them is the theme.
--
SELECT getdatabaseencoding() <> 'UTF8' AS skip \gset
\if :skip
\quit
\endif
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pg_nplusone;
RESET client_min_messages;
SET timezone = 'UTC';

--
-- The extension's schema may hold what others put there before.  Nothing of it
-- is taken for what the report is made of: functions and operators that fit
-- the operands better than those of the system.
--
CREATE SCHEMA regress_report;
DO $$
DECLARE
    op text;
    l text;
    r text;
    types text[] := '{text,bigint,integer,"double precision",numeric,name,oid,boolean,jsonb}';
BEGIN
    FOREACH op IN ARRAY '{||,+,-,*,/,=,<>,<,>,<=,>=,->,->>}'::text[] LOOP
        FOREACH l IN ARRAY types LOOP
            FOREACH r IN ARRAY types LOOP
                CONTINUE WHEN EXISTS (SELECT FROM pg_operator
                                       WHERE oprnamespace = 'pg_catalog'::regnamespace
                                         AND oprname = op AND oprleft = l::regtype
                                         AND oprright = r::regtype);
                EXECUTE format('CREATE OR REPLACE FUNCTION regress_report.impostor(%s, %s)
                                RETURNS text LANGUAGE sql AS $f$ SELECT (1 / 0)::text $f$', l, r);
                EXECUTE format('CREATE OPERATOR regress_report.%s
                                (LEFTARG = %s, RIGHTARG = %s, FUNCTION = regress_report.impostor)', op, l, r);
            END LOOP;
        END LOOP;
    END LOOP;
    EXECUTE 'CREATE FUNCTION regress_report.format(text, bigint) RETURNS text LANGUAGE sql AS $f$ SELECT (1 / 0)::text $f$';
    EXECUTE 'CREATE FUNCTION regress_report.concat_ws(text, text, text, text) RETURNS text LANGUAGE sql AS $f$ SELECT (1 / 0)::text $f$';
    EXECUTE 'CREATE FUNCTION regress_report.pg_nplusone_report_time(numeric) RETURNS text LANGUAGE sql AS $f$ SELECT (1 / 0)::text $f$';
END
$$;
CREATE EXTENSION pg_nplusone SCHEMA regress_report;
SELECT p.oid::regprocedure AS function, pg_describe_object(d.refclassid, d.refobjid, 0) AS captured_by
  FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
 WHERE p.proname LIKE 'pg\_nplusone%' AND d.deptype = 'n'
   AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_class'::regclass)
   AND NOT EXISTS (SELECT FROM pg_depend m
                    WHERE m.classid = d.refclassid AND m.objid = d.refobjid
                      AND m.deptype = 'e');
DROP EXTENSION pg_nplusone;
SET client_min_messages = warning;
DROP SCHEMA regress_report CASCADE;
RESET client_min_messages;

-- Nor does it matter where the extension moves to, or what a caller searches.
CREATE EXTENSION pg_nplusone;
CREATE SCHEMA regress_elsewhere;
CREATE SCHEMA regress_report;
CREATE VIEW regress_report.pg_nplusone AS SELECT 1 / 0 AS clusterid;
CREATE FUNCTION regress_report.pg_nplusone_report_check(text, integer) RETURNS text
    LANGUAGE sql AS $$ SELECT (1 / 0)::text $$;
ALTER EXTENSION pg_nplusone SET SCHEMA regress_elsewhere;
SET search_path = regress_report, pg_catalog;
SELECT regress_elsewhere.pg_nplusone_report() IS NOT NULL AS text,
       regress_elsewhere.pg_nplusone_report('json') IS NOT NULL AS json,
       regress_elsewhere.pg_nplusone_report('html') IS NOT NULL AS html;
RESET search_path;
ALTER EXTENSION pg_nplusone SET SCHEMA public;
SET client_min_messages = warning;
DROP SCHEMA regress_report, regress_elsewhere CASCADE;
RESET client_min_messages;

--
-- Formats and widths
--
SELECT pg_nplusone_report('xml');
SELECT pg_nplusone_report(NULL);
SELECT pg_nplusone_report('text', 59);
SELECT left(pg_nplusone_report('HTML'), 15) AS any_case;

--
-- A loop from end to end
--
SELECT pg_nplusone_reset() IS NOT NULL AS reset;
SELECT split_part(pg_nplusone_report(), E'\n', 1) AS report;
CREATE TABLE "<script>" (id integer PRIMARY KEY, "a&b'c" text);
INSERT INTO "<script>" SELECT g, 'x' FROM generate_series(1, 12) g;
CREATE TABLE report_line (id integer PRIMARY KEY, "script_id" integer REFERENCES "<script>");
INSERT INTO report_line SELECT g, g FROM generate_series(1, 12) g;
ANALYZE "<script>", report_line;
SELECT pg_nplusone_session_reset();
\set ECHO none
\o /dev/null
SELECT id, script_id FROM report_line ORDER BY id;
SELECT format('SELECT "a&b''c" FROM "<script>" WHERE id = %s', g) FROM generate_series(1, 12) g \gexec
\o
\set ECHO all
SELECT jsonb_pretty(c - '{rank,clusterid,queryid,parent_queryid,role,database,signature,wasted_time,total_exec_time,max_exec_time,total_gap_time,max_loop_time,shared_blks_hit,shared_blks_read,first_seen,last_seen,tags,advice,rewrite,application_name}'::text[]) AS cluster
  FROM jsonb_array_elements(pg_nplusone_report('json')::jsonb -> 'clusters') c
 WHERE c ->> 'query' LIKE '%<script>%';
SELECT (c ->> 'rank')::integer >= 1 AS rank,
       c ->> 'clusterid' = p.clusterid::text AS clusterid,
       c ->> 'signature' ~ '^[0-9a-f]{16}$' AS signature,
       c ->> 'role' = current_user AS role, c ->> 'database' = current_database() AS database,
       abs((c ->> 'wasted_time')::float8 - p.total_exec_time - p.total_gap_time) < 0.01 AS wasted,
       (c ->> 'last_seen')::timestamptz = p.last_seen AS last_seen
  FROM pg_nplusone p,
       jsonb_array_elements(pg_nplusone_report('json')::jsonb -> 'clusters') c
 WHERE c ->> 'query' LIKE '%<script>%' AND p.query LIKE '%<script>%';
SELECT pg_nplusone_report('html') LIKE '%&lt;script&gt;%' AS escaped,
       pg_nplusone_report('html') LIKE '%<script%' AS not_escaped,
       pg_nplusone_report('html') ~ '[^\u0001-\u007e]' AS not_ascii;

-- the document's keys, which are stable
SELECT string_agg(k, ' ' ORDER BY k) AS document
  FROM jsonb_object_keys(pg_nplusone_report_document()) k;
SELECT string_agg(k, ' ' ORDER BY k) AS totals
  FROM jsonb_object_keys(pg_nplusone_report_document() -> 'totals') k;
SELECT string_agg(k, ' ' ORDER BY k) AS cluster
  FROM jsonb_object_keys(pg_nplusone_report_document() -> 'clusters' -> 0) k;

-- others see what the views show them
CREATE ROLE regress_nplusone_reader;
SET ROLE regress_nplusone_reader;
SELECT c ->> 'query' AS query, c -> 'clusterid' AS clusterid, c -> 'signature' AS signature,
       c -> 'parent_query' AS parent, c -> 'link' AS link, c -> 'calls' AS calls
  FROM jsonb_array_elements(pg_nplusone_report('json')::jsonb -> 'clusters') c
 WHERE (c ->> 'calls')::integer = 12;
SELECT pg_nplusone_report() LIKE '%script%' AS text_tells,
       pg_nplusone_report('html') LIKE '%script%' AS html_tells,
       pg_nplusone_report('html') LIKE '%&lt;insufficient privilege&gt;%' AS html_masked;
RESET ROLE;
DROP ROLE regress_nplusone_reader;
DROP TABLE report_line, "<script>";

--
-- From a document that was kept
--
CREATE TEMP TABLE kept AS SELECT $${
  "format_version": 1, "generated_at": "2030-01-02T03:04:05Z", "stats_reset": null,
  "server_version": "15.1", "extension_version": "1.0", "database": "sh\"op<b>",
  "totals": {"clusters": 2, "muted": 1, "loops": 13, "calls": 630, "wasted_time": 2140.0},
  "clusters": [
    {"rank": 1, "clusterid": "42", "role": "web", "database": "sh\"op<b>", "pattern": "forward_fk",
     "confidence": "proven", "link": "post.author_id -> \"</pre><script>alert(1)</script>\".id",
     "query": "SELECT * FROM \"</pre><script>alert(1)</script>\"\n WHERE id = $1",
     "parent_query": "SELECT id, author_id FROM post ORDER BY id DESC LIMIT $1",
     "loops": 12, "calls": 600, "max_calls": 50, "duplicate_calls": 380, "parent_rows": 600,
     "rows": 600, "wasted_time": 2000.0, "total_exec_time": 400.0, "total_gap_time": 1600.0,
     "max_loop_time": 181.5, "shared_blks_hit": 1800, "shared_blks_read": 3,
     "application_name": "gunicorn & 'co'", "tags": {"route": "/posts", "\"><i": "\u001b[31m\u202e"},
     "advice": "Post.objects.select_related('author')",
     "rewrite": "SELECT p.id, p.author_id, a.*\n  FROM post AS p\n  JOIN \"</pre><script>alert(1)</script>\" AS a ON a.id = p.author_id\n ORDER BY p.id DESC LIMIT $1",
     "muted": false},
    {"rank": 2, "clusterid": null, "role": "etl", "database": "shop", "pattern": "insert",
     "confidence": "likely", "link": null, "query": "<insufficient privilege>",
     "parent_query": null, "loops": 1, "calls": 30, "max_calls": 30, "duplicate_calls": 0,
     "parent_rows": 0, "rows": 30, "wasted_time": 140.0, "total_exec_time": 14.0,
     "total_gap_time": 126.0, "max_loop_time": 150.0, "shared_blks_hit": 60,
     "shared_blks_read": 0, "application_name": null, "tags": null, "advice": null,
     "rewrite": null, "muted": true}],
  "index_hints": [
    {"clusterid": "42", "query": "SELECT 1", "relation": "post",
     "ddl": "CREATE INDEX CONCURRENTLY ON public.post USING btree (author_id, a_column_with_a_long_name, another_one)",
     "finding": null, "reason": "equality on \"a<b\"", "cost_before": 900, "cost_after": 8.3,
     "estimated_saving": 350.0, "index_size": 16384, "verified": "actual values",
     "plan_before": "Seq Scan on \"<post>\"", "plan_after": "Index Scan on \"<post>\""}],
  "requests": [
    {"route": "/posts/<id>", "application_name": "\"web\"", "mean_statements": 51.0,
     "max_statements": 51, "units": 12, "units_with_loops": 12, "mean_time": 190.25, "max_time": 220.5}],
  "heavy_reads": [
    {"role": "web", "database": "shop", "queryid": "7", "query": "SELECT id, title, a_column_with_a_long_name, \"<b>\" FROM document WHERE published AND author_id = $1",
     "finding": "wide_columns", "calls": 120, "rows": 24000, "mean_rows": 200.0, "total_bytes": 393216000, "mean_bytes": 3276800,
     "columns": ["a_column_with_a_long_name", "<b>"], "column_share": [0.72, 0.256], "application_name": "\"web\"",
     "tags": {"route": "/documents/<id>"}, "advice": "Document.objects.defer('a_column_with_a_long_name', '<b>')",
     "first_seen": "2030-01-01T00:00:00Z", "last_seen": "2030-01-02T00:00:00Z"},
    {"role": "web", "database": "shop", "queryid": null, "query": "<insufficient privilege>", "finding": "deep_offset",
     "calls": 3, "rows": 90000, "mean_rows": 30000.0, "total_bytes": null, "mean_bytes": null, "columns": null,
     "column_share": null, "application_name": null, "tags": null, "advice": null,
     "first_seen": "2030-01-01T00:00:00Z", "last_seen": "2030-01-02T00:00:00Z"}],
  "connections": [
    {"role": "web", "database": "sh\"op<b>", "application_name": "php-fpm & a pool of workers with a long name", "sessions": 36000,
     "statements": 108000, "mean_statements": 3.0, "mean_session_time": 41.5, "connect_share": 0.64,
     "advice": "Keep connections: each of these sessions was opened for three statements, and most of its time went by before the first of them."},
    {"role": "etl", "database": "shop", "application_name": "psql", "sessions": 2, "statements": 800, "mean_statements": 400.0,
     "mean_session_time": 90000.0, "connect_share": 0.001, "advice": null}]
}$$::jsonb AS document;
\pset tuples_only on
\pset format unaligned
SELECT pg_nplusone_report_text(document, 80) FROM kept;
SELECT pg_nplusone_report_text(document, 130) FROM kept;
SELECT regexp_replace(pg_nplusone_report_html(document), '<style>.*</style>', '') FROM kept;
\pset tuples_only off
\pset format aligned

-- no line is longer than it may be, whatever the width
SELECT width AS too_narrow, line
  FROM kept, generate_series(60, 240, 20) width,
       string_to_table(pg_nplusone_report_text(
           jsonb_set(document, '{totals,clusters}', '1000'), width), E'\n') line
 WHERE length(line) > width - 2;

--
-- Lines of a terminal
--
-- words, hard breaks, words longer than a line, a limit on lines
SELECT pg_nplusone_report_fit('one two  three' || E'\t' || 'four five', 10, 0, 0);
SELECT pg_nplusone_report_fit(E'SELECT 1\n  FROM t', 20, 4, 0);
SELECT pg_nplusone_report_fit('abcdefghijklmnopqrstuvwxyz', 10, 2, 0);
SELECT pg_nplusone_report_fit(E'one two\nthree four five', 12, 0, 1);
SELECT pg_nplusone_report_fit('one two three four five', 10, 0, 2);
-- what commands a terminal is written out
SELECT pg_nplusone_report_fit('a' || chr(27) || '[2J' || chr(8238) || 'b', 40, 0, 0);
-- characters that take two columns, and such that take none
SELECT pg_nplusone_report_fit(repeat(chr(26085), 6), 10, 0, 0);
SELECT length(pg_nplusone_report_fit(repeat('e' || chr(769), 10), 10, 0, 0)) AS of_10_columns;

--
-- Text of a page
--
SELECT pg_nplusone_report_escape(E'<a href="x" title=''y''>&amp;</a>\r\n\t' || chr(233) || chr(128512));
SELECT pg_nplusone_report_escape(chr(8) || chr(8238) || chr(133));

--
-- Times
--
SELECT ms, pg_nplusone_report_time(ms)
  FROM unnest('{0,0.004,9.99,10,999.9,1000,59999,60000,3600000,360000000}'::float8[]) ms;
