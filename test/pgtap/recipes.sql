-- The classic loops and what replaces them, as recipes to copy: run the code
-- under test between pg_nplusone_session_reset() and an assertion on
-- pg_nplusone_session.  isnt_empty() shows here that each loop would have been
-- caught; a test suite only needs the is_empty() of the mended form.
--
-- A loop is sent by \gexec, one statement for each value, as a program would.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;

DROP SCHEMA IF EXISTS library CASCADE;
CREATE SCHEMA library;
SET search_path = library, public;
CREATE TABLE author (id int PRIMARY KEY, name text, books int);
CREATE TABLE book (id int PRIMARY KEY, author_id int REFERENCES author, title text, sold int DEFAULT 0);
CREATE TABLE loan (id int GENERATED ALWAYS AS IDENTITY, book_id int REFERENCES book, due date);
INSERT INTO author SELECT i, 'author ' || i FROM generate_series(21, 60) i;
INSERT INTO book SELECT 100 + i, 21 + i * 7 % 40, 'book ' || i FROM generate_series(1, 200) i;
INSERT INTO loan (book_id, due) SELECT 100 + i * 3 % 200 + 1, '2026-01-01' FROM generate_series(0, 300) i;

-- What a suite asserts after the code under test.  Repetition alone may have
-- other reasons, so only loops that something ties together are asked for.
PREPARE loops AS
    SELECT pattern, calls, link, query FROM pg_nplusone_session
     WHERE confidence IN ('likely', 'proven');

SELECT plan(22);

-- The author of each book

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT id, title, author_id FROM book ORDER BY id LIMIT 10;
SELECT format('SELECT name FROM author WHERE id = %s', 21 + i * 7 % 40) FROM generate_series(1, 10) i \gexec
\o
SELECT isnt_empty('loops', 'authors one by one are a loop');
SELECT results_eq('SELECT pattern, link, calls FROM pg_nplusone_session',
                  $$VALUES ('forward_fk', 'book.author_id -> author.id', 10::bigint)$$, '... by the foreign key');

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT b.id, b.title, a.name FROM book b JOIN author a ON a.id = b.author_id ORDER BY b.id LIMIT 10 \g /dev/null
SELECT is_empty('loops', '... and a join is none');
SELECT is(pg_nplusone_session_statements(), 2::bigint, '... but one statement, and the assertion before this');

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT id, title, author_id FROM book ORDER BY id LIMIT 10 \g /dev/null
SELECT id, name FROM author WHERE id IN (28, 35, 42, 49, 56, 23, 30, 37, 44, 51) \g /dev/null
SELECT is_empty('loops', '... nor is one list of keys');

-- The books of each author

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT id, name FROM author ORDER BY id LIMIT 10;
SELECT format('SELECT title FROM book WHERE author_id = %s', i) FROM generate_series(21, 30) i \gexec
\o
SELECT isnt_empty('loops', 'books author by author are a loop');

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT id, name FROM author ORDER BY id LIMIT 10 \g /dev/null
SELECT author_id, title FROM book WHERE author_id = ANY ('{21,22,23,24,25,26,27,28,29,30}') \g /dev/null
SELECT is_empty('loops', '... and all of them at once are none');

-- How often each book is lent

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT id, title FROM book ORDER BY id LIMIT 10;
SELECT format('SELECT count(*) FROM loan WHERE book_id = %s', 100 + i) FROM generate_series(1, 10) i \gexec
\o
SELECT isnt_empty('loops', 'a count for each book is a loop');

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT b.id, b.title, count(l.id) FROM book b LEFT JOIN loan l ON l.book_id = b.id
 GROUP BY b.id ORDER BY b.id LIMIT 10 \g /dev/null
SELECT is_empty('loops', '... and GROUP BY is none');

-- The latest loan of each book

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT id, title FROM book ORDER BY id LIMIT 10;
SELECT format('SELECT due FROM loan WHERE book_id = %s ORDER BY due DESC LIMIT 1', 100 + i)
  FROM generate_series(1, 10) i \gexec
\o
SELECT isnt_empty('loops', 'the latest loan of each book is a loop');

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT b.id, latest.due FROM book b LEFT JOIN LATERAL
       (SELECT due FROM loan WHERE book_id = b.id ORDER BY due DESC LIMIT 1) latest ON true
 ORDER BY b.id LIMIT 10 \g /dev/null
SELECT is_empty('loops', '... and LATERAL is none');

-- Saving rows one by one

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT format('INSERT INTO author VALUES (%s, ''new'')', i) FROM generate_series(61, 70) i \gexec
SELECT isnt_empty('loops', 'rows inserted one by one are a loop');
SELECT is(pattern, 'insert', '... of inserts') FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset() \g /dev/null
INSERT INTO author VALUES (71, 'new'), (72, 'new'), (73, 'new'), (74, 'new'), (75, 'new'), (76, 'new');
SELECT is_empty('loops', '... and VALUES with many rows is none');

-- Changing rows one by one

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT id FROM book ORDER BY id LIMIT 10;
SELECT format('UPDATE book SET sold = sold + 1 WHERE id = %s', 100 + i) FROM generate_series(1, 10) i \gexec
\o
SELECT isnt_empty('loops', 'rows updated one by one are a loop');

SELECT pg_nplusone_session_reset() \g /dev/null
UPDATE book SET sold = sold + 1 WHERE id BETWEEN 101 AND 110;
UPDATE book SET sold = new.sold FROM (VALUES (101, 7), (102, 9), (103, 2)) AS new (id, sold) WHERE book.id = new.id;
SELECT is_empty('loops', '... and one UPDATE of many is none');

-- Making sure that a row is there

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT format('SELECT id FROM author WHERE name = ''name %s''', i),
       format('INSERT INTO author VALUES (%s, ''name %s'')', i, i) FROM generate_series(81, 90) i \gexec
\o
SELECT set_eq('SELECT pattern FROM pg_nplusone_session', ARRAY['upsert'], 'look first, then insert: a loop of upserts');

SELECT pg_nplusone_session_reset() \g /dev/null
INSERT INTO author SELECT i, 'name ' || i FROM unnest('{81,82,83,84,85,86,91,92}'::int[]) i ON CONFLICT DO NOTHING;
SELECT is_empty('loops', '... and ON CONFLICT with all of them is none');

-- The same again and again

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
BEGIN;
SELECT 'SELECT name FROM author WHERE id = 21' FROM generate_series(1, 10) \gexec
COMMIT;
\o
SELECT results_eq('SELECT pattern, duplicate_calls FROM pg_nplusone_session',
                  $$VALUES ('duplicate', 9::bigint)$$, 'the same row ten times: nine were too many');

-- Reading page by page is as it should be

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
BEGIN;
SELECT format('SELECT id, title FROM book WHERE id > %s ORDER BY id LIMIT 20', 100 + i * 20) FROM generate_series(0, 9) i \gexec
COMMIT;
\o
SELECT is_empty('loops', 'pages are no loop');

-- A budget of statements, loop or not

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT id, title FROM book ORDER BY id LIMIT 10 \g /dev/null
SELECT book_id, due FROM loan WHERE book_id BETWEEN 101 AND 110 \g /dev/null
SELECT cmp_ok(pg_nplusone_session_statements(), '<=', 3::bigint, 'the page takes three statements at most');

-- A session that wants to be strict about it

SET pg_nplusone.threshold = 2;
SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
SELECT id, author_id FROM book ORDER BY id LIMIT 2;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
\o
SELECT isnt_empty('loops', 'two look-ups are a loop if the session says so');

SELECT * FROM finish();
DROP SCHEMA library CASCADE;
