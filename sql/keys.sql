--
-- Keys: the value that an equality compares a column with, whatever its type,
-- however it comes, and wherever in the plan it ends up.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
CREATE EXTENSION IF NOT EXISTS citext;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA keys;
SET search_path = keys, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';

--
-- The types.  Two tables without a foreign key: what links them is the values.
--
CREATE TYPE colour AS ENUM ('red', 'orange', 'yellow', 'green', 'blue', 'indigo', 'violet');
CREATE DOMAIN customer_no AS integer CHECK (value > 0);
CREATE TABLE item (
    n integer,
    int2 int2, int4 int4, int8 int8, oid oid, uuid uuid,
    text text, varchar varchar(20), bpchar char(8), citext citext, name name,
    "numeric" numeric, "decimal" numeric(8,2), date date,
    "timestamp" timestamp, "timestamptz" timestamptz, bytea bytea,
    enum colour, domain customer_no
);
CREATE TABLE detail (LIKE item);
INSERT INTO item
SELECT n, k, k * 1000, k * 10000000000, k + 20000, md5(k::text)::uuid,
       'key ' || k, 'key ' || k, 'key ' || k, 'Key ' || k, 'key ' || k,
       k, k + 0.5, date '2020-01-01' + k::integer,
       timestamp '2020-01-01 12:00' + k * interval '1 hour',
       timestamptz '2020-01-01 12:00' + k * interval '1 hour',
       decode(md5(k::text), 'hex'),
       (enum_range(NULL::colour))[k - 30], k
  FROM generate_series(1, 7) n, LATERAL (SELECT 31 + n * 4 % 7 AS k) key;
INSERT INTO detail SELECT * FROM item ORDER BY text;

CREATE TABLE type (no integer, name text);
INSERT INTO type
SELECT attnum, attname FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 1;
SELECT jsonb_agg(to_jsonb(item) ORDER BY n) AS items FROM item \gset
\pset tuples_only on
\pset format unaligned

-- as constants: the statements differ from one execution to the next
SELECT statement
  FROM (SELECT no, 0 AS step, 'SELECT pg_nplusone_session_reset()' AS statement FROM type
        UNION ALL
        SELECT no, 1, format('SELECT n, %I FROM item ORDER BY n', name) FROM type
        UNION ALL
        SELECT no, 1 + n::integer,
               format(CASE WHEN name ~ '^(int|num|dec|oid|dom)'
                           THEN 'SELECT n FROM detail WHERE %I = %s'
                           ELSE 'SELECT n FROM detail WHERE %I = %L' END,
                      name, item ->> name)
          FROM type, jsonb_array_elements(:'items'::jsonb) WITH ORDINALITY AS list(item, n)
        UNION ALL
        SELECT no, 99, 'SELECT pattern, confidence, link, calls FROM pg_nplusone_session'
          FROM type) AS statements
 ORDER BY no, step \gexec

-- as parameters of a prepared statement, which soon has a generic plan
SET plan_cache_mode = auto;
SELECT statement
  FROM (SELECT no, 0 AS step, 'SELECT pg_nplusone_session_reset()' AS statement FROM type
        UNION ALL
        SELECT no, 1, format('PREPARE look AS SELECT n FROM detail WHERE %I = $1', name) FROM type
        UNION ALL
        SELECT no, 2, format('SELECT n, %I FROM item ORDER BY n', name) FROM type
        UNION ALL
        SELECT no, 2 + n::integer, format('EXECUTE look(%L)', item ->> name)
          FROM type, jsonb_array_elements(:'items'::jsonb) WITH ORDINALITY AS list(item, n)
        UNION ALL
        SELECT no, 98, 'DEALLOCATE look' FROM type
        UNION ALL
        SELECT no, 99, 'SELECT pattern, confidence, link, calls FROM pg_nplusone_session'
          FROM type) AS statements
 ORDER BY no, step \gexec

--
-- A key that changes its type on the way from the list to the look-up
--
SELECT statement
  FROM (VALUES ('int4',    'int8',    'int4 = %s::bigint'),
               ('int4',    'quoted',  'int4 = ''%s'''),
               ('int4',    'text',    'int4 = ''%s''::text::integer'),
               ('int4',    'numeric', 'int4 = %s.0'),
               ('int2',    'int4',    'int2 = %s'),
               ('int4',    'string',  'int4::text = ''%s'''),
               ('uuid',    'cast',    'uuid = ''%s''::text::uuid'),
               ('uuid',    'string',  'uuid::text = ''%s'''),
               ('varchar', 'text',    'varchar = ''%s''::text'),
               ('text',    'collate', 'text COLLATE "C" = ''%s'''),
               ('bpchar',  'text',    'bpchar = ''%s''::text'),
               ('int4',    'swapped', '%s = int4')) AS way(name, type, clause),
       LATERAL (
        SELECT 0 AS step, 'SELECT pg_nplusone_session_reset()' AS statement
        UNION ALL
        SELECT 1, format('SELECT n, %I FROM item ORDER BY n', name)
        UNION ALL
        SELECT 1 + n::integer,
               'SELECT n FROM detail WHERE ' || format(clause, item ->> name)
          FROM jsonb_array_elements(:'items'::jsonb) WITH ORDINALITY AS list(item, n)
        UNION ALL
        SELECT 99, 'SELECT pattern, confidence, link, calls FROM pg_nplusone_session') AS statements
 ORDER BY name, type, step \gexec

-- as a parameter of another type
PREPARE as_text(text) AS SELECT n FROM detail WHERE int4 = $1::integer;
PREPARE as_bigint(bigint) AS SELECT n FROM detail WHERE int4 = $1;
PREPARE as_varchar(varchar) AS SELECT n FROM detail WHERE text = $1;

SELECT pg_nplusone_session_reset();
SELECT n, int4 FROM item ORDER BY n;
SELECT format('EXECUTE as_text(%L)', item ->> 'int4')
  FROM jsonb_array_elements(:'items') item \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT n, int4 FROM item ORDER BY n;
SELECT format('EXECUTE as_bigint(%s)', item ->> 'int4')
  FROM jsonb_array_elements(:'items') item \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT n, text FROM item ORDER BY n;
SELECT format('EXECUTE as_varchar(%L)', item ->> 'text')
  FROM jsonb_array_elements(:'items') item \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

DEALLOCATE ALL;

--
-- Lists of one element are keys
--
SELECT statement
  FROM (VALUES ('any 1', 'int4 IN (%s)'),
               ('any 2', 'int4 = ANY (''{%s}'')'),
               ('any 3', 'int4 = ANY (ARRAY[%s])'),
               ('any 4', 'int8 = ANY (''{%s0000000}''::bigint[])')) AS way(name, clause),
       LATERAL (
        SELECT 0 AS step, 'SELECT pg_nplusone_session_reset()' AS statement
        UNION ALL
        SELECT 1, 'SELECT n, int4, int8 FROM item ORDER BY n'
        UNION ALL
        SELECT 1 + n::integer,
               'SELECT n FROM detail WHERE ' || format(clause, item ->> 'int4')
          FROM jsonb_array_elements(:'items'::jsonb) WITH ORDINALITY AS list(item, n)
        UNION ALL
        SELECT 99, 'SELECT pattern, confidence, link, calls FROM pg_nplusone_session') AS statements
 ORDER BY name, step \gexec

PREPARE any_of(integer[]) AS SELECT n FROM detail WHERE int4 = ANY ($1);
SELECT pg_nplusone_session_reset();
SELECT n, int4 FROM item ORDER BY n;
SELECT format('EXECUTE any_of(''{%s}'')', item ->> 'int4')
  FROM jsonb_array_elements(:'items') item \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
DEALLOCATE any_of;

--
-- Keys of several columns
--
CREATE TABLE line (tenant integer, order_no integer, line_no integer,
                   PRIMARY KEY (tenant, order_no, line_no));
INSERT INTO line SELECT 7, 500 + n * 3 % 7, 70 + n FROM generate_series(1, 6) n;

-- one varies, the other is always the same, on whichever side it stands
SELECT pg_nplusone_session_reset();
SELECT tenant, order_no FROM line ORDER BY line_no;
SELECT format('SELECT line_no FROM line WHERE tenant = 7 AND order_no = %s', 500 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, link, calls, duplicate_calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT tenant, order_no FROM line ORDER BY line_no;
SELECT format('SELECT line_no FROM line WHERE order_no = %s AND tenant = 7', 500 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, link, calls, duplicate_calls FROM pg_nplusone_session;

-- all of them vary: the columns are compared as a row
SELECT pg_nplusone_session_reset();
SELECT order_no, line_no FROM line ORDER BY line_no;
SELECT format('SELECT tenant FROM line WHERE (order_no, line_no) = (%s, %s)', 500 + n * 3 % 7, 70 + n)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, calls, duplicate_calls FROM pg_nplusone_session;

--
-- Wherever the equality lands in the plan.  What runs is shown first.
--
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 2000) n;
INSERT INTO post SELECT 5000 + n, 900 + n * 3 % 7, 'post ' || n FROM generate_series(1, 6) n;
INSERT INTO post SELECT 6000 + n, 1000 + n % 500, 'post ' || n FROM generate_series(1, 5000) n;
CREATE INDEX post_author_id ON post (author_id);
ANALYZE author, post;
SET max_parallel_workers_per_gather = 0;
PREPARE list AS SELECT id, author_id FROM post WHERE id < 6000 ORDER BY id;
CREATE VIEW known_author AS SELECT a.id AS author_no, upper(a.name) AS shout FROM author a;
CREATE TABLE account (id integer PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE account_low PARTITION OF account FOR VALUES FROM (0) TO (904);
CREATE TABLE account_high PARTITION OF account FOR VALUES FROM (904) TO (2000);
INSERT INTO account SELECT n, 'account ' || n FROM generate_series(1, 1999) n;
ANALYZE account;

-- an index scan
EXPLAIN (COSTS OFF) SELECT name FROM author WHERE id = 903;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM author WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- an index-only scan
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM author WHERE id = 903;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT id FROM author WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
RESET enable_bitmapscan;

-- a bitmap scan
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
EXPLAIN (COSTS OFF) SELECT name FROM author WHERE id = 903;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM author WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- a sequential scan
RESET enable_seqscan;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT name FROM author WHERE id = 903;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM author WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
RESET enable_indexscan;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;

-- a parallel scan
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT id FROM author WHERE name = 'author 903';
SELECT pg_nplusone_session_reset();
SELECT id, 'author ' || author_id AS name FROM post WHERE id < 6000 ORDER BY id;
SELECT format('SELECT id FROM author WHERE name = ''author %s''', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
SET max_parallel_workers_per_gather = 0;

-- a table of several partitions: the link names the table, not a partition
EXPLAIN (COSTS OFF) SELECT name FROM account WHERE id = 903;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM account WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- also where the partition is chosen at execution
SET plan_cache_mode = force_generic_plan;
PREPARE account_by_id(integer) AS SELECT name FROM account WHERE id = $1;
EXPLAIN (COSTS OFF) EXECUTE account_by_id(903);
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('EXECUTE account_by_id(%s)', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
DEALLOCATE account_by_id;
RESET plan_cache_mode;

-- a view: the link names the table's column
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT shout FROM known_author WHERE author_no = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- a subquery that is planned on its own
EXPLAIN (COSTS OFF)
SELECT name FROM (SELECT id, name FROM author OFFSET 0) a WHERE id = 903;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM (SELECT id, name FROM author OFFSET 0) a WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- a subquery in the WHERE clause
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT count(*) FROM author WHERE id IN (SELECT author_id FROM post WHERE author_id = %s)', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, calls FROM pg_nplusone_session;

-- a CTE, folded into the statement or not
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('WITH a AS (SELECT id, name FROM author) SELECT name FROM a WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('WITH a AS MATERIALIZED (SELECT id, name FROM author WHERE id = %s) SELECT name FROM a', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('WITH a AS MATERIALIZED (SELECT id, name FROM author) SELECT name FROM a WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- UNION ALL: a key in each branch
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM author WHERE id = %1$s UNION ALL SELECT name FROM account WHERE id = %1$s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, calls FROM pg_nplusone_session;

--
-- Joins: the filter on either side, whichever way they are joined
--
PREPARE authors AS SELECT id, name FROM author WHERE id BETWEEN 900 AND 906 ORDER BY id;

-- what the list's own rows are joined with: lazy loading through the parent
SELECT statement
  FROM (VALUES ('hash'), ('merge'), ('nestloop')) AS way(name),
       LATERAL (
        SELECT 0 AS step, 'SET enable_' || setting || ' = ' || (setting LIKE way.name || '%')::text AS statement
          FROM unnest(ARRAY['hashjoin', 'mergejoin', 'nestloop']) setting
        UNION ALL
        SELECT 1, 'SELECT pg_nplusone_session_reset()'
        UNION ALL
        SELECT 2, 'EXECUTE list'
        UNION ALL
        SELECT 2 + n, format('SELECT a.name FROM author a JOIN post p ON p.author_id = a.id WHERE p.id = %s', 5000 + n)
          FROM generate_series(1, 6) n
        UNION ALL
        SELECT 10, 'SELECT pattern, confidence, link, calls FROM pg_nplusone_session'
        UNION ALL
        SELECT 11, 'SELECT pg_nplusone_session_reset()'
        UNION ALL
        SELECT 12, 'EXECUTE authors'
        UNION ALL
        SELECT 12 + n, format('SELECT p.title, a.name FROM post p JOIN author a ON a.id = p.author_id WHERE a.id = %s ORDER BY p.id LIMIT 2', 899 + n)
          FROM generate_series(1, 7) n
        UNION ALL
        SELECT 20, 'SELECT pattern, confidence, calls FROM pg_nplusone_session') AS statements
 ORDER BY name, step, statement \gexec
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_nestloop;

-- an outer join
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT a.name FROM post p LEFT JOIN author a ON p.author_id = a.id WHERE p.id = %s', 5000 + n)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

--
-- UPDATE and DELETE by key
--
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('UPDATE author SET name = ''new'' WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('UPDATE account SET name = ''new'' WHERE id = %s', 900 + n * 3 % 7)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
EXECUTE authors;
SELECT format('DELETE FROM post WHERE author_id = %s', 899 + n)
  FROM generate_series(1, 7) n \gexec
SELECT pattern, confidence, link, calls, rows FROM pg_nplusone_session;

DEALLOCATE ALL;
SET client_min_messages = warning;
DROP SCHEMA keys CASCADE;
