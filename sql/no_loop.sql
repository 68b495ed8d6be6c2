--
-- What is no loop, though it is repeated: none of this may be listed as
-- likely or proven.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA no_loop;
SET search_path = no_loop, public;

CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
CREATE TABLE job (id integer PRIMARY KEY, state text DEFAULT 'new', tries integer DEFAULT 0);
CREATE SEQUENCE ticket;
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(11, 60) n;
INSERT INTO post SELECT 100 + n, 11 + n * 7 % 31, 'post ' || n FROM generate_series(1, 60) n;
INSERT INTO job SELECT n FROM generate_series(1, 20) n;

\pset tuples_only on
\pset format unaligned

--
-- A join, or one statement for all the keys, is the cure.
--
SELECT pg_nplusone_session_reset();
SELECT 'SELECT p.title, a.name FROM post p JOIN author a ON a.id = p.author_id WHERE p.id < 104 ORDER BY p.id'
  FROM generate_series(1, 3) \gexec
SELECT id, author_id FROM post ORDER BY id LIMIT 4;
SELECT name FROM author WHERE id IN (18, 25, 32, 39) ORDER BY id;
SELECT name FROM author WHERE id = ANY ('{18,25,32,39}') ORDER BY id;
SELECT confidence, query FROM pg_nplusone_session;

-- It may come in portions: lists of more than one key are no keys.
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT id FROM post ORDER BY id LIMIT 12;
SELECT format('SELECT title FROM post WHERE id IN (%s, %s)', 99 + 2 * n, 100 + 2 * n)
  FROM generate_series(1, 6) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
PREPARE portion(integer[]) AS SELECT title FROM post WHERE id = ANY ($1);
BEGIN;
SELECT id FROM post ORDER BY id LIMIT 12;
SELECT format('EXECUTE portion(''{%s,%s}'')', 99 + 2 * n, 100 + 2 * n)
  FROM generate_series(1, 7) n \gexec
COMMIT;
DEALLOCATE portion;
SELECT confidence, query FROM pg_nplusone_session;

-- or through unnest() or VALUES
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('SELECT title FROM post JOIN unnest(ARRAY[%s, %s]) AS id USING (id)', 99 + 2 * n, 100 + 2 * n)
  FROM generate_series(1, 6) n \gexec
SELECT format('SELECT title FROM post JOIN (VALUES (%s), (%s)) AS k(id) USING (id)', 99 + 2 * n, 100 + 2 * n)
  FROM generate_series(1, 6) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session WHERE confidence <> 'suspected';

--
-- Writing many rows at once
--
SELECT pg_nplusone_session_reset();
SELECT format('INSERT INTO author VALUES (%s, ''new''), (%s, ''new'')', 200 + 2 * n, 201 + 2 * n)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT format('INSERT INTO author SELECT id + %s, title FROM post WHERE id < 103', 200 + 10 * n)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT format('UPDATE author SET name = ''n'' WHERE id IN (%s, %s)', 200 + 2 * n, 201 + 2 * n)
  FROM generate_series(1, 6) n \gexec
SELECT format('DELETE FROM author WHERE id = ANY (''{%s,%s}'')', 200 + 2 * n, 201 + 2 * n)
  FROM generate_series(1, 6) n \gexec
SELECT confidence, query FROM pg_nplusone_session;
DELETE FROM author WHERE id > 200;

SELECT pg_nplusone_session_reset();
COPY author FROM STDIN;
301	a
302	b
303	c
304	d
305	e
306	f
\.
SELECT confidence, query FROM pg_nplusone_session;

--
-- Pages: only LIMIT and OFFSET change ...
--
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('SELECT id, title FROM post ORDER BY id LIMIT 10 OFFSET %s', 10 * n)
  FROM generate_series(0, 5) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;

-- ... or they go on where the last one ended, the count of all before each
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT 'SELECT count(*) FROM post',
       format('SELECT id, title FROM post WHERE id > %s ORDER BY id LIMIT 10', 100 + 10 * n)
  FROM generate_series(0, 5) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('SELECT id, title FROM post WHERE (author_id, id) > (%s, 0) ORDER BY author_id, id LIMIT 10', 5 * n)
  FROM generate_series(0, 5) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;

--
-- A cursor, fetched in pieces, is one statement.
--
SELECT pg_nplusone_session_reset();
BEGIN;
DECLARE pages CURSOR FOR SELECT id, title FROM post ORDER BY id;
SELECT 'FETCH 10 FROM pages' FROM generate_series(1, 7) \gexec
CLOSE pages;
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;

--
-- Statements that are sent together cost no round trips.
--
SELECT pg_nplusone_session_reset();
SELECT name FROM author WHERE id = 11\; SELECT name FROM author WHERE id = 12\; SELECT name FROM author WHERE id = 13\; SELECT name FROM author WHERE id = 14\; SELECT name FROM author WHERE id = 15\; SELECT name FROM author WHERE id = 16\; SELECT name FROM author WHERE id = 17;
INSERT INTO author VALUES (401)\; INSERT INTO author VALUES (402)\; INSERT INTO author VALUES (403)\; INSERT INTO author VALUES (404)\; INSERT INTO author VALUES (405)\; INSERT INTO author VALUES (406);
SELECT confidence, query FROM pg_nplusone_session;

--
-- Statements that touch no table of the users: health checks, settings, the
-- catalog, sequences, and the views of extensions.
--
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT 'SELECT 1', 'SELECT current_setting(''work_mem'') IS NULL',
       'SELECT count(*) FROM pg_class WHERE oid = ' || n,
       'SELECT nextval(''ticket'')', 'SELECT last_value FROM ticket',
       'SHOW application_name', 'SET work_mem = ''5MB''',
       'SELECT count(*) FROM information_schema.tables WHERE table_name = ''none''',
       'SELECT max_clusters FROM pg_nplusone_info'
  FROM generate_series(1, 6) n \gexec
COMMIT;
RESET work_mem;
SELECT confidence, query FROM pg_nplusone_session;

-- nor do they break a run of writes
SELECT pg_nplusone_session_reset();
SELECT 'SELECT 1', 'BEGIN', format('INSERT INTO author VALUES (%s)', 500 + n), 'COMMIT'
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, calls FROM pg_nplusone_session;

--
-- A worker that takes its jobs from a queue
--
SELECT pg_nplusone_session_reset();
SELECT 'BEGIN',
       'SELECT id FROM job WHERE state = ''new'' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
       'COMMIT'
  FROM generate_series(1, 6) \gexec
SELECT confidence, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT 'UPDATE job SET tries = tries + 1 WHERE id = (SELECT id FROM job WHERE state = ''new'' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id'
  FROM generate_series(1, 6) \gexec
SELECT confidence, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT 'BEGIN',
       format('SELECT id FROM job WHERE state = ''new'' AND id >= %s ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED', n),
       format('UPDATE job SET state = ''done'' WHERE id = %s', n),
       'COMMIT'
  FROM generate_series(1, 6) n \gexec
SELECT confidence, query FROM pg_nplusone_session WHERE confidence <> 'suspected';

--
-- A long list in which few authors come again and again, and then some of them
-- as people open them: wherever the list is looked at, the next one comes soon.
--
CREATE TABLE feed (id integer PRIMARY KEY, author_id integer REFERENCES author);
INSERT INTO feed SELECT n, 11 + n * 7 % 20 FROM generate_series(1, 50) n;
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM feed ORDER BY id LIMIT 50 \g /dev/null
SELECT format('SELECT name FROM author WHERE id = %s', 11 + n * 7 % 20)
  FROM unnest(ARRAY[20, 26, 32, 39, 45]) n \gexec
SELECT confidence, query FROM pg_nplusone_session WHERE confidence <> 'suspected';
DROP TABLE feed;

--
-- Foreign keys: the checks are the server's own, also with track = 'all', and
-- also where they wait for the COMMIT.
--
SET pg_nplusone.track = 'all';
SELECT pg_nplusone_session_reset();
INSERT INTO post SELECT 1000 + n, 11 + n, 'checked' FROM generate_series(1, 8) n;
UPDATE post SET author_id = author_id + 1 WHERE id > 1000;
DELETE FROM author WHERE id BETWEEN 501 AND 506;
SELECT confidence, query FROM pg_nplusone_session;

ALTER TABLE post ALTER CONSTRAINT post_author_id_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT pg_nplusone_session_reset();
BEGIN;
INSERT INTO post SELECT 2000 + n, 11 + n, 'checked later' FROM generate_series(1, 8) n;
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;
RESET pg_nplusone.track;

-- a cascade
ALTER TABLE post DROP CONSTRAINT post_author_id_fkey,
    ADD FOREIGN KEY (author_id) REFERENCES author ON DELETE CASCADE;
SET pg_nplusone.track = 'all';
SELECT pg_nplusone_session_reset();
DELETE FROM author WHERE id BETWEEN 12 AND 19;
SELECT confidence, query FROM pg_nplusone_session;
RESET pg_nplusone.track;

--
-- Switched off
--
SET pg_nplusone.track = 'none';
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('SELECT name FROM author WHERE id = %s', n) FROM generate_series(21, 27) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;
RESET pg_nplusone.track;

-- or for one statement, by a comment in it
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('/* nplusone:ignore */ SELECT name FROM author WHERE id = %s', n) FROM generate_series(21, 27) n \gexec
SELECT format('SELECT title FROM post WHERE id = %s /* nplusone:ignore */', n) FROM generate_series(121, 127) n \gexec
COMMIT;
SELECT confidence, query FROM pg_nplusone_session;
-- which is no comment inside of a string, nor another word
SELECT format('UPDATE author SET name = ''/* nplusone:ignore */'' WHERE id = %s', n) FROM generate_series(41, 46) n \gexec
SELECT format('DELETE FROM author WHERE id = %s /* nplusone:ignored */', n) FROM generate_series(51, 56) n \gexec
SELECT pattern, confidence, calls FROM pg_nplusone_session ORDER BY pattern;

SET client_min_messages = warning;
DROP SCHEMA no_loop CASCADE;
