--
-- The rewrite: one statement that gives the rows of the whole loop.
--
-- Every loop is run, its rewrite is prepared and executed with the keys of
-- the loop, and the rows of both are compared.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
SET datestyle = 'ISO';
CREATE SCHEMA shop;
CREATE SCHEMA "Odd ""Schema""";
SET search_path = shop, public;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE TABLE author (id integer PRIMARY KEY, name varchar(40), mood mood, code code UNIQUE);
CREATE TABLE post (id bigint PRIMARY KEY, author_id integer REFERENCES author, title text,
                   published boolean, rank numeric, tags text[]);
CREATE TABLE comment (id serial PRIMARY KEY, post_id bigint REFERENCES post, points integer,
                      body text, at timestamptz DEFAULT '2024-01-01');
CREATE TABLE tag (id integer PRIMARY KEY, name text UNIQUE);
CREATE TABLE post_tag (post_id bigint REFERENCES post, tag_id integer REFERENCES tag,
                       PRIMARY KEY (post_id, tag_id));
CREATE VIEW visible AS SELECT id, author_id, title FROM post WHERE published;
-- names that have to be quoted, in a schema that is not searched
CREATE TABLE "Odd ""Schema"""."Order $1" (
    "Shop ID" integer, "select" integer, "Size of" text, keys text, "rows" integer DEFAULT 0,
    PRIMARY KEY ("Shop ID", "select"));
CREATE TABLE "Odd ""Schema"""."orderItem" (
    "itemId" uuid PRIMARY KEY, "Shop ID" integer, "order" integer, "dot.ted" text,
    FOREIGN KEY ("Shop ID", "order") REFERENCES "Odd ""Schema"""."Order $1");
CREATE TABLE event (day date, id integer, kind text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE event_1 (kind text, id integer NOT NULL, day date NOT NULL);
ALTER TABLE event ATTACH PARTITION event_1 FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');

INSERT INTO author SELECT i, 'Author ' || i, (ARRAY['sad', 'ok', 'happy']::mood[])[1 + i % 3], 'c' || i
    FROM generate_series(1, 20) i;
INSERT INTO post SELECT 100 + i, 1 + i * 7 % 20, 'Post ' || i, i % 3 > 0, i / 2.0, ARRAY['a', 'b']
    FROM generate_series(1, 60) i;
INSERT INTO comment (post_id, points, body) SELECT 101 + i * i % 40, i % 5, 'Comment ' || i
    FROM generate_series(1, 200) i;
INSERT INTO tag SELECT i, 'tag' || i FROM generate_series(1, 9) i;
INSERT INTO post_tag SELECT 100 + i, 1 + (i * j) % 9 FROM generate_series(1, 60) i, generate_series(1, 3) j
    ON CONFLICT DO NOTHING;
INSERT INTO "Odd ""Schema"""."Order $1" SELECT i % 4, i, 'size ' || i, 'k' FROM generate_series(1, 20) i;
INSERT INTO "Odd ""Schema"""."orderItem" SELECT md5(i::text)::uuid, (1 + i % 20) % 4, 1 + i % 20, 'x'
    FROM generate_series(1, 60) i;
INSERT INTO event SELECT '2024-01-01'::date + i, i, 'k' || i % 3 FROM generate_series(1, 25) i;


-- the rows that statements give, as JSON
CREATE FUNCTION public.rows_of(statement text) RETURNS SETOF jsonb LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE 'SELECT to_jsonb(q) FROM (' || statement || ') q'; END $$;

-- what the latest cluster of the pattern says
CREATE FUNCTION public.rewrite_of(wanted text) RETURNS text LANGUAGE sql AS
$$ SELECT rewrite FROM pg_nplusone
   WHERE pattern = wanted AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   ORDER BY last_seen DESC, calls DESC LIMIT 1 $$;

-- Runs a loop in this session, then its rewrite, and compares the rows.  The
-- form has %s for the key, or several; keys are rows of texts; arrays are the
-- rewrite's parameters.  A row of the rewrite may have the key besides.
CREATE FUNCTION public.same_rows(wanted text, form text, keys text[], arrays text[])
RETURNS TABLE (prepares boolean, same boolean) LANGUAGE plpgsql AS
$$
DECLARE
    loop_rows jsonb[] := '{}';
    rewrite text := rewrite_of(wanted);
    found jsonb[];
    key text;
BEGIN
    FOREACH key IN ARRAY keys LOOP
        loop_rows := loop_rows || ARRAY(SELECT rows_of(format(form, VARIADIC string_to_array(key, '|'))));
    END LOOP;
    FOR i IN REVERSE array_length(arrays, 1) .. 1 LOOP
        rewrite := replace(rewrite, '$' || i || '::', arrays[i] || '::');
    END LOOP;
    found := ARRAY(SELECT rows_of(rewrite));
    BEGIN
        EXECUTE 'PREPARE rewritten AS ' || rewrite_of(wanted);
        DEALLOCATE rewritten;
        prepares := true;
    EXCEPTION WHEN others THEN
        prepares := false;
    END;
    -- without the columns that the loop did not have
    SELECT array_agg((SELECT jsonb_object_agg(k, v) FROM jsonb_each(f) AS e(k, v)
                      WHERE loop_rows[1] ? k) ORDER BY n)
        INTO found FROM unnest(found) WITH ORDINALITY AS u(f, n);
    same := (SELECT array_agg(x ORDER BY x::text) FROM unnest(found) x) =
            (SELECT array_agg(x ORDER BY x::text) FROM unnest(loop_rows) x);
    RETURN NEXT;
END
$$;

-- forward: by the primary key
SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id;
SELECT format('SELECT id, name, mood FROM author WHERE id = %s', author_id) FROM post WHERE id <= 106 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('forward_fk');
SELECT * FROM same_rows('forward_fk', 'SELECT id, name, mood FROM author WHERE id = %s',
    ARRAY['8', '15', '2', '9', '16', '3'], ARRAY['''{8,15,2,9,16,3}''']);

-- reverse, with a filter and an order; the value of the filter is a parameter
SELECT id, name FROM author WHERE id <= 6 ORDER BY id;
SELECT format('SELECT id, title FROM post WHERE author_id = %s AND published AND rank > 1.5 ORDER BY rank DESC', id)
    FROM author WHERE id <= 6 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('reverse_fk');
SELECT * FROM same_rows('reverse_fk',
    'SELECT id, title FROM post WHERE author_id = %s AND published AND rank > 1.5 ORDER BY rank DESC',
    ARRAY['1', '2', '3', '4', '5', '6'], ARRAY['''{1,2,3,4,5,6}''', '1.5']);

-- through a table that links
SELECT id, title FROM post WHERE id <= 106 ORDER BY id;
SELECT format('SELECT t.id, t.name FROM tag t JOIN post_tag l ON l.tag_id = t.id WHERE l.post_id = %s ORDER BY t.name', id)
    FROM post WHERE id <= 106 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('many_to_many');
SELECT * FROM same_rows('many_to_many',
    'SELECT t.id, t.name FROM tag t JOIN post_tag l ON l.tag_id = t.id WHERE l.post_id = %s ORDER BY t.name',
    ARRAY['101', '102', '103', '104', '105', '106'], ARRAY['''{101,102,103,104,105,106}''']);

-- counts, also of nothing
SELECT id, published FROM post WHERE id > 136 AND id < 146 ORDER BY id;
SELECT format('SELECT count(*) FROM comment WHERE post_id = %s', id)
    FROM post WHERE id > 136 AND id < 146 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('count');
SELECT * FROM same_rows('count', 'SELECT count(*) FROM comment WHERE post_id = %s',
    ARRAY['137', '138', '139', '140', '141', '142', '143', '144', '145'],
    ARRAY['''{137,138,139,140,141,142,143,144,145}''']);

-- aggregates; one that is not null without rows goes by LATERAL
SELECT id, rank FROM post WHERE id > 136 AND id < 146 ORDER BY id;
SELECT format('SELECT sum(points), max(at) AS latest FROM comment WHERE post_id = %s', id)
    FROM post WHERE id > 136 AND id < 146 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('aggregate');
SELECT * FROM same_rows('aggregate', 'SELECT sum(points), max(at) AS latest FROM comment WHERE post_id = %s',
    ARRAY['137', '138', '139', '140', '141', '142', '143', '144', '145'],
    ARRAY['''{137,138,139,140,141,142,143,144,145}''']);
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT id, rank, title FROM post WHERE id > 136 AND id < 146 ORDER BY id;
SELECT format('SELECT coalesce(sum(points), 7) AS total FROM comment WHERE post_id = %s', id)
    FROM post WHERE id > 136 AND id < 146 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('aggregate');
SELECT * FROM same_rows('aggregate', 'SELECT coalesce(sum(points), 7) AS total FROM comment WHERE post_id = %s',
    ARRAY['137', '138', '139', '140', '141', '142', '143', '144', '145'],
    ARRAY['''{137,138,139,140,141,142,143,144,145}''', '7']);

-- whether there is a row: a boolean for every key
SELECT id, tags FROM post WHERE id > 136 AND id < 146 ORDER BY id;
SELECT format('SELECT 1 AS one FROM comment WHERE post_id = %s LIMIT 1', id)
    FROM post WHERE id > 136 AND id < 146 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('exists');
SELECT rewrite_of('exists') AS rewrite \gset
PREPARE probe AS :rewrite;
EXECUTE probe ('{137,138,139,140,141,142,143,144,145}');
DEALLOCATE probe;

-- the first of each
SELECT id, tags, title FROM post WHERE id <= 106 ORDER BY id;
SELECT format('SELECT id, points FROM comment WHERE post_id = %s ORDER BY points DESC, id LIMIT 1', id)
    FROM post WHERE id <= 106 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('first_per_parent');
SELECT * FROM same_rows('first_per_parent',
    'SELECT id, points FROM comment WHERE post_id = %s ORDER BY points DESC, id LIMIT 1',
    ARRAY['101', '102', '103', '104', '105', '106'], ARRAY['''{101,102,103,104,105,106}''']);

-- the same again and again: once
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT 'SELECT name FROM author WHERE code = ''c7''' FROM generate_series(1, 6)
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('duplicate');
SELECT * FROM same_rows('duplicate', 'SELECT name FROM author WHERE code = ''c7''', ARRAY['1'], ARRAY['''c7''']);

-- keys of other types: an enum, a domain, text beside varchar, the parameters of a prepared statement
SELECT format('SELECT count(*), min(id) FROM author WHERE mood = %L', m) FROM unnest(ARRAY['sad', 'ok', 'happy', 'sad', 'ok', 'happy']) m
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT * FROM same_rows('aggregate', 'SELECT count(*), min(id) FROM author WHERE mood = %L',
    ARRAY['sad', 'ok', 'happy'], ARRAY['''{sad,ok,happy}''']);
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT format('SELECT id, name FROM author WHERE code = %L', 'c' || i) FROM generate_series(3, 8) i
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('lookup');
SELECT * FROM same_rows('lookup', 'SELECT id, name FROM author WHERE code = %L',
    ARRAY['c3', 'c4', 'c5', 'c6', 'c7', 'c8'], ARRAY['''{c3,c4,c5,c6,c7,c8}''']);
SELECT pg_nplusone_reset() > 0 AS reset;
PREPARE by_name(varchar, numeric) AS SELECT a.id, p.title FROM author a JOIN post p ON p.author_id = a.id
    WHERE a.name = $1 AND p.rank < $2 * 2;
SELECT format('EXECUTE by_name (%L, 10.5)', 'Author ' || i) FROM generate_series(3, 8) i
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
DEALLOCATE by_name;
SELECT rewrite_of('lookup');
SELECT * FROM same_rows('lookup', 'SELECT a.id, p.title FROM author a JOIN post p ON p.author_id = a.id WHERE a.name = %L AND p.rank < 21',
    ARRAY['Author 3', 'Author 4', 'Author 5', 'Author 6', 'Author 7', 'Author 8'],
    ARRAY['''{Author 3,Author 4,Author 5,Author 6,Author 7,Author 8}''', '10.5', '2']);

-- a view, a partitioned table
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT format('SELECT title FROM visible WHERE id = %s', id) FROM post WHERE id < 107 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite FROM pg_nplusone WHERE query LIKE '%visible%';
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT format('SELECT kind FROM event WHERE id = %s AND day = ''2024-01-05''', i) FROM generate_series(1, 6) i
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite FROM pg_nplusone WHERE query LIKE '%event%';

-- two columns that vary, names to be quoted, a schema that is not searched
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT "Shop ID", "order" FROM "Odd ""Schema"""."orderItem" ORDER BY "itemId" LIMIT 6;
SELECT format('SELECT "Size of", keys FROM "Odd ""Schema"""."Order $1" WHERE "Shop ID" = %s AND "select" = %s',
              "Shop ID", "order")
    FROM (SELECT * FROM "Odd ""Schema"""."orderItem" ORDER BY "itemId" LIMIT 6) i
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite FROM pg_nplusone WHERE query LIKE '%Size of%';
SELECT count(*) AS loops, bool_and(prepares) AS prepares, bool_and(same) AS same
FROM pg_nplusone, same_rows(pattern, 'SELECT "Size of", keys FROM "Odd ""Schema"""."Order $1" WHERE "Shop ID" = %s AND "select" = %s',
    ARRAY(SELECT "Shop ID" || '|' || "order" FROM "Odd ""Schema"""."orderItem" ORDER BY "itemId" LIMIT 6),
    ARRAY(SELECT quote_literal(array_agg(v ORDER BY n)::text)
          FROM (SELECT "Shop ID", "order", row_number() OVER (ORDER BY "itemId") AS n
                FROM "Odd ""Schema"""."orderItem" ORDER BY "itemId" LIMIT 6) i,
               LATERAL (VALUES (1, "Shop ID"), (2, "order")) AS c(column_number, v)
          GROUP BY column_number ORDER BY column_number))
WHERE query LIKE '%Size of%';
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT format('SELECT "dot.ted", "order" FROM "Odd ""Schema"""."orderItem" WHERE "itemId" = %L', "itemId")
    FROM (SELECT * FROM "Odd ""Schema"""."orderItem" ORDER BY "itemId" LIMIT 6) i
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite_of('lookup');

-- locks: in the order of the key
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('SELECT title FROM post WHERE id = %s FOR UPDATE', id) FROM post WHERE id < 107 ORDER BY id DESC
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
COMMIT;
SELECT rewrite_of('select_for_update');
SELECT rewrite_of('select_for_update') AS rewrite \gset
PREPARE locking AS :rewrite;
EXECUTE locking ('{103,101,102}');
DEALLOCATE locking;

-- no literal of the user's is left, wherever it stood
SELECT pg_nplusone_reset() > 0 AS reset;
SELECT format('SELECT id, title || ''secret'' AS s, extract(epoch FROM at) + 99 AS e FROM post p
               JOIN LATERAL (SELECT at FROM comment WHERE post_id = p.id AND body <> ''secret'' LIMIT 2) c ON true
               WHERE p.id = %s AND title NOT LIKE E''%%se\\cret%%'' AND title IN (''Post 1'', ''Post 2'')', id)
    FROM post WHERE id < 107 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT rewrite, rewrite ~ 'secret|99|Post' AS leaks FROM pg_nplusone WHERE query LIKE '%LATERAL%';

--
-- Writes.  The loop runs, and is rolled back; its rewrite must leave the same.
--
CREATE FUNCTION public.state() RETURNS text LANGUAGE sql AS
$$ SELECT md5(concat((SELECT array_agg(q ORDER BY q::text) FROM (SELECT post_id, points, body FROM comment) q),
                     (SELECT array_agg(q ORDER BY q::text) FROM post q),
                     (SELECT array_agg(q ORDER BY q::text) FROM tag q),
                     (SELECT array_agg(q ORDER BY q::text) FROM "Odd ""Schema"""."Order $1" q))) $$;
SELECT state() AS before \gset

-- insert: an expression, a default, a null
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('INSERT INTO comment (id, post_id, points, body, at) VALUES (DEFAULT, %s, %s + 1, %L, now()) RETURNING points',
              id, id % 7, nullif(title, 'Post 3')) FROM post WHERE id < 107 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT state() AS loop, state() <> :'before' AS changed \gset
ROLLBACK;
SELECT rewrite_of('insert');
SELECT rewrite_of('insert') AS rewrite \gset
PREPARE inserting AS :rewrite;
BEGIN;
EXECUTE inserting ('{101,102,103,104,105,106}', '{3,4,5,6,0,1}', '{1,1,1,1,1,1}', '{Post 1,Post 2,NULL,Post 4,Post 5,Post 6}');
SELECT state() = :'loop' AS same, :'changed' AS changed;
ROLLBACK;
DEALLOCATE inserting;

-- ON CONFLICT: the row's own value is EXCLUDED's
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('INSERT INTO tag VALUES (%s, %L) ON CONFLICT (id) DO UPDATE SET name = %2$L', i, 'new ' || i)
    FROM generate_series(6, 12) i
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT state() AS loop, state() <> :'before' AS changed \gset
ROLLBACK;
SELECT rewrite_of('upsert');
SELECT rewrite_of('upsert') AS rewrite \gset
PREPARE upserting AS :rewrite;
BEGIN;
EXECUTE upserting ('{6,7,8,9,10,11,12}', '{new 6,new 7,new 8,new 9,new 10,new 11,new 12}');
SELECT state() = :'loop' AS same, :'changed' AS changed;
ROLLBACK;
DEALLOCATE upserting;

-- look, then insert what is missing
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT statement FROM generate_series(20, 27) i,
    LATERAL (VALUES (1, format('SELECT id FROM tag WHERE name = %L', 'tag' || i)),
                    (2, format('INSERT INTO tag (id, name) VALUES (%s, %L)', i, 'tag' || i))) AS s(n, statement)
    ORDER BY i, n
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT state() AS loop, state() <> :'before' AS changed \gset
ROLLBACK;
SELECT rewrite FROM pg_nplusone WHERE pattern = 'upsert' ORDER BY query;
SELECT rewrite FROM pg_nplusone WHERE pattern = 'upsert' AND query LIKE 'INSERT%' \gset
PREPARE upserting AS :rewrite;
BEGIN;
EXECUTE upserting ('{20,21,22,23,24,25,26,27}', '{tag20,tag21,tag22,tag23,tag24,tag25,tag26,tag27}');
SELECT state() = :'loop' AS same, :'changed' AS changed;
ROLLBACK;
DEALLOCATE upserting;

-- update: values that are stored, and values that depend on the row
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('UPDATE post SET title = %L, published = %L, rank = rank + %s WHERE id = %s RETURNING title', 'T' || id, id % 2 = 0, id, id)
    FROM post WHERE id < 107 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT state() AS loop, state() <> :'before' AS changed \gset
ROLLBACK;
SELECT rewrite_of('update');
SELECT rewrite_of('update') AS rewrite \gset
PREPARE updating AS :rewrite;
BEGIN;
EXECUTE updating ('{T101,T102,T103,T104,T105,T106}', '{f,t,f,t,f,t}', '{101,102,103,104,105,106}', '{101,102,103,104,105,106}');
SELECT state() = :'loop' AS same, :'changed' AS changed;
ROLLBACK;
DEALLOCATE updating;

-- update without values, and by two columns of a table that has to be quoted
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('UPDATE post SET rank = rank * rank WHERE id = %s', id) FROM post WHERE id < 107 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
ROLLBACK;
SELECT rewrite_of('update');
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('UPDATE "Odd ""Schema"""."Order $1" SET "rows" = %s, keys = %L WHERE "Shop ID" = %s AND "select" = %s',
              "select" * 2, 'n', "Shop ID", "select")
    FROM "Odd ""Schema"""."Order $1" ORDER BY "select" LIMIT 7
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT state() AS loop, state() <> :'before' AS changed \gset
ROLLBACK;
SELECT rewrite_of('update');
SELECT rewrite_of('update') AS rewrite \gset
PREPARE updating AS :rewrite;
BEGIN;
EXECUTE updating ('{2,4,6,8,10,12,14}', '{n,n,n,n,n,n,n}', '{1,2,3,0,1,2,3}', '{1,2,3,4,5,6,7}');
SELECT state() = :'loop' AS same, :'changed' AS changed;
ROLLBACK;
DEALLOCATE updating;

-- delete
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('DELETE FROM comment WHERE post_id = %s AND points > 1', id) FROM post WHERE id < 107 ORDER BY id
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
SELECT state() AS loop, state() <> :'before' AS changed \gset
ROLLBACK;
SELECT rewrite_of('delete');
SELECT rewrite_of('delete') AS rewrite \gset
PREPARE deleting AS :rewrite;
BEGIN;
EXECUTE deleting ('{101,102,103,104,105,106}', 1);
SELECT state() = :'loop' AS same, :'changed' AS changed;
ROLLBACK;
DEALLOCATE deleting;
SELECT pg_nplusone_reset() > 0 AS reset;
BEGIN;
SELECT format('DELETE FROM post_tag WHERE post_id = %s AND tag_id = %s', post_id, tag_id)
    FROM post_tag ORDER BY post_id, tag_id LIMIT 8
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
ROLLBACK;
SELECT rewrite_of('delete');

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP SCHEMA "Odd ""Schema""" CASCADE;
DROP FUNCTION public.rows_of, public.rewrite_of, public.same_rows, public.state;
