--
-- The patterns: what kinds of loop there are, and what links them to the
-- statement whose rows they follow.
--
-- Each case sends a list and then one statement for each of its rows, as a
-- program does.  \gexec sends every value of its result as a statement of its
-- own; the statements that are made here are read off the output.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA blog;
SET search_path = blog, public;

CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (
    id integer PRIMARY KEY,
    author_id integer REFERENCES author,
    title text,
    body text
);
CREATE TABLE comment (
    id integer PRIMARY KEY,
    post_id integer REFERENCES post,
    points integer
);
CREATE TABLE tag (id integer PRIMARY KEY, name text);
CREATE TABLE post_tag (
    post_id integer REFERENCES post,
    tag_id integer REFERENCES tag,
    PRIMARY KEY (post_id, tag_id)
);
CREATE TABLE picture (
    id integer PRIMARY KEY,
    owner_type text,
    owner_id integer
);
CREATE TABLE setting (name text PRIMARY KEY, value text);

INSERT INTO author SELECT n, 'author ' || n FROM generate_series(11, 19) n;
INSERT INTO post SELECT 100 + n, 11 + n * 4 % 9, 'post ' || n, 'text' FROM generate_series(1, 6) n;
INSERT INTO comment SELECT 1000 + n, 101 + n % 6, n FROM generate_series(1, 18) n;
INSERT INTO tag SELECT 50 + n, 'tag ' || n FROM generate_series(1, 4) n;
INSERT INTO post_tag SELECT 101 + n / 2, 51 + n % 4 FROM generate_series(0, 11) n;
INSERT INTO picture SELECT 2000 + n, 'post', 100 + n FROM generate_series(1, 6) n;
INSERT INTO setting VALUES ('theme', 'dark');

-- what the lists return
SELECT array_agg(id ORDER BY id) AS posts,
       array_agg(author_id ORDER BY id) AS post_authors FROM post \gset
SELECT array_agg(id ORDER BY name) AS authors FROM author \gset

\pset format unaligned
\pset footer off

--
-- forward_fk: the author of each post
--
SELECT pg_nplusone_session_reset();
SELECT id, title, author_id FROM post ORDER BY id;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'post_authors'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, query, parent_query
  FROM pg_nplusone_session;

--
-- reverse_fk: the posts of each author
--
SELECT pg_nplusone_session_reset();
SELECT id, name FROM author ORDER BY name;
SELECT format('SELECT title FROM post WHERE author_id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- many_to_many: the tags of each post
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT tag.name FROM tag JOIN post_tag ON tag.id = post_tag.tag_id '
              'WHERE post_tag.post_id = %s ORDER BY tag.id', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- polymorphic: the picture of each post, where a column names the table that
-- another one points to ...
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT id FROM picture WHERE owner_type = ''post'' AND owner_id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

-- ... and the post of each picture
SELECT pg_nplusone_session_reset();
SELECT id, owner_type, owner_id FROM picture ORDER BY id;
SELECT format('SELECT title FROM post WHERE id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- deferred_column: what the list has left out, row by row
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT body FROM post WHERE id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- count: how many comments each post has
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT count(*) FROM comment WHERE post_id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- exists: whether it has any, in the two ways that programs ask
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT EXISTS (SELECT FROM comment WHERE post_id = %s)', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT 1 AS a FROM comment WHERE post_id = %s LIMIT 1', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- aggregate: anything else that is computed from the rows of each post
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT sum(points), max(points) FROM comment WHERE post_id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

-- also where an index answers it
SELECT pg_nplusone_session_reset();
CREATE INDEX comment_points ON comment (post_id, points);
SET enable_seqscan = off;
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT max(points) FROM comment WHERE post_id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;
RESET enable_seqscan;
DROP INDEX comment_points;

--
-- first_per_parent: the best comment of each post
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT id, points FROM comment WHERE post_id = %s ORDER BY points DESC LIMIT 1', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- lookup: by a value that no foreign key explains
--
SELECT pg_nplusone_session_reset();
CREATE TABLE import (line integer, author_no text);
INSERT INTO import SELECT n, 12 + n FROM generate_series(1, 6) n;
SELECT line, author_no FROM import ORDER BY line;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM generate_series(13, 18) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

-- nor any list: then repetition is all there is
SELECT pg_nplusone_session_reset();
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM generate_series(13, 18) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, parent_queryid, parent_query
  FROM pg_nplusone_session;

--
-- duplicate: the same again and again
--
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT 'SELECT value FROM setting WHERE name = ''theme''' FROM generate_series(1, 6) \gexec
COMMIT;
SELECT pattern, confidence, link, calls, duplicate_calls FROM pg_nplusone_session;

-- without a WHERE clause, and outside of a transaction
SELECT pg_nplusone_session_reset();
SELECT 'SELECT name, value FROM setting' FROM generate_series(1, 6) \gexec
SELECT pattern, confidence, link, calls, duplicate_calls FROM pg_nplusone_session;

-- What varies need not be a key: none of these asks for the same twice.
SELECT pg_nplusone_session_reset();
SELECT format('SELECT name FROM author WHERE ctid = ''(0,%s)''', n) FROM generate_series(1, 6) n \gexec
SELECT format('SELECT sum(points * %s) FROM comment', n) FROM generate_series(1, 6) n \gexec
SELECT format('SELECT count(*) FILTER (WHERE post_id = %s) FROM comment', n) FROM generate_series(101, 106) n \gexec
SELECT format('SELECT name FROM author, generate_series(1, %s) n WHERE id = 12', n) FROM generate_series(1, 6) n \gexec
SELECT pattern, calls, duplicate_calls, query FROM pg_nplusone_session ORDER BY query;

-- Nor must it be of a type that keys have.
SELECT pg_nplusone_session_reset();
CREATE TABLE reading (at interval, celsius double precision, valid boolean, source inet, tags integer[]);
PREPARE hotter(double precision) AS SELECT at FROM reading WHERE celsius > $1;
PREPARE later(interval) AS SELECT source FROM reading WHERE at > $1;
SELECT format('SELECT at FROM reading WHERE celsius = %s.5', n) FROM generate_series(1, 6) n \gexec
SELECT format('SELECT celsius FROM reading WHERE at = ''%s day''', n) FROM generate_series(1, 6) n \gexec
SELECT format('SELECT tags FROM reading WHERE source = ''10.0.0.%s''', n) FROM generate_series(1, 6) n \gexec
SELECT format('SELECT source FROM reading WHERE tags = ''{%s}''', n) FROM generate_series(1, 6) n \gexec
SELECT format('EXECUTE hotter(%s.5)', n) FROM generate_series(1, 6) n \gexec
SELECT format('EXECUTE later(''%s day'')', n) FROM generate_series(1, 6) n \gexec
SELECT pattern, calls, duplicate_calls, query FROM pg_nplusone_session ORDER BY query;

-- These do ask for the same.
SELECT pg_nplusone_session_reset();
PREPARE valid(boolean) AS SELECT at FROM reading WHERE valid = $1;
SELECT 'SELECT celsius FROM reading WHERE at = ''1 day''' FROM generate_series(1, 6) \gexec
SELECT 'EXECUTE valid(true)' FROM generate_series(1, 6) \gexec
SELECT pattern, calls, duplicate_calls >= 4 AS duplicate_calls, query FROM pg_nplusone_session ORDER BY query;
DEALLOCATE ALL;

--
-- select_for_update: locking the rows one by one
--
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT id FROM post WHERE id = %s FOR UPDATE', key)
  FROM unnest(:'posts'::integer[]) key \gexec
COMMIT;
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

--
-- insert, one row per statement
--
SELECT pg_nplusone_session_reset();
SELECT format('INSERT INTO tag VALUES (%s, ''new'')', key)
  FROM generate_series(61, 66) key \gexec
SELECT pattern, confidence, link, calls, rows FROM pg_nplusone_session;

-- that store the keys of a list
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('INSERT INTO comment VALUES (%s, %s, 0)', 3000 + key, key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, rows FROM pg_nplusone_session;

--
-- update and delete
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('UPDATE post SET title = ''new'' WHERE id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, rows FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT format('UPDATE post SET title = ''newer'' WHERE id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, rows FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT format('DELETE FROM tag WHERE id = %s', key)
  FROM generate_series(61, 66) key \gexec
SELECT pattern, confidence, link, calls, rows FROM pg_nplusone_session;

--
-- upsert: INSERT ... ON CONFLICT, one row at a time
--
SELECT pg_nplusone_session_reset();
SELECT format('INSERT INTO tag VALUES (%s, ''upserted'') '
              'ON CONFLICT (id) DO UPDATE SET name = excluded.name', key)
  FROM generate_series(53, 58) key \gexec
SELECT pattern, confidence, link, calls, rows FROM pg_nplusone_session;

-- or MERGE
SELECT pg_nplusone_session_reset();
SELECT format('MERGE INTO tag USING (SELECT %s AS id) new ON tag.id = new.id '
              'WHEN MATCHED THEN UPDATE SET name = ''merged'' '
              'WHEN NOT MATCHED THEN INSERT VALUES (new.id, ''merged'')', key)
  FROM generate_series(53, 58) key \gexec
SELECT pattern, confidence, link, calls, rows FROM pg_nplusone_session;

-- or a SELECT that tells whether to INSERT: both are listed
SELECT pg_nplusone_session_reset();
SELECT format('SELECT id FROM tag WHERE name = ''t%s''', key),
       format('INSERT INTO tag VALUES (%s, ''t%s'')', key, key)
  FROM generate_series(71, 76) key \gexec
SELECT pattern, confidence, link, calls, rows, query
  FROM pg_nplusone_session ORDER BY query;

--
-- other: repeated with varying values, none of which is the key of a column
--
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('SELECT name FROM author WHERE lower(name) = ''author %s''', key)
  FROM generate_series(13, 18) key \gexec
COMMIT;
SELECT pattern, confidence, link, calls, duplicate_calls FROM pg_nplusone_session;

--
-- Names in a link are qualified where the search path does not find the
-- table, and quoted where they must be.
--
SELECT pg_nplusone_session_reset();
CREATE TABLE "Order" ("User Id" integer REFERENCES author);
INSERT INTO "Order" SELECT n FROM generate_series(12, 17) n;
SET search_path = public;
SELECT * FROM blog."Order";
SELECT format('SELECT name FROM blog.author WHERE id = %s', key)
  FROM generate_series(12, 17) key \gexec
SELECT pattern, link FROM pg_nplusone_session;

SET client_min_messages = warning;
DROP SCHEMA blog CASCADE;
