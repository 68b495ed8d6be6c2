--
-- Evidence: the values of a result, in order, are what proves a loop.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA evidence;
SET search_path = evidence, public;

CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
CREATE TABLE comment (id integer PRIMARY KEY, post_id integer REFERENCES post,
                      author_id integer REFERENCES author);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 400) n;
INSERT INTO post SELECT 1000 + n, 200 + n * 7 % 31, 'post ' || n FROM generate_series(1, 300) n;
INSERT INTO comment
SELECT 5000 + n, 1001 + n / 3, 100 + n * 11 % 67 FROM generate_series(0, 299) n;

\pset tuples_only on
\pset format unaligned

--
-- In order: the keys are the values of a column from top to bottom.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, duplicate_calls FROM pg_nplusone_session;

-- Gaps: a program may skip rows.  The more it skips, the more keys it takes to
-- tell its walk from chance.
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 24;
SELECT format('SELECT name FROM author WHERE id = %s', 200 + n * 7 % 31)
  FROM unnest(ARRAY[1, 3, 4, 6, 8, 12, 13, 17, 18, 22]) n \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

-- Repeats: many rows hold the same key, and a program that keeps nothing asks
-- for it again.
SELECT pg_nplusone_session_reset();
SELECT id, post_id FROM comment ORDER BY id LIMIT 9;
SELECT format('SELECT title FROM post WHERE id = %s', key)
  FROM unnest(ARRAY[1001, 1001, 1001, 1002, 1002, 1002, 1003, 1003, 1003]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, duplicate_calls FROM pg_nplusone_session;

-- One that does keep it asks once for each.
SELECT pg_nplusone_session_reset();
SELECT id, post_id FROM comment ORDER BY id LIMIT 18;
SELECT format('SELECT title FROM post WHERE id = %s', key)
  FROM generate_series(1001, 1006) key \gexec
SELECT pattern, confidence, link, calls, parent_rows, duplicate_calls FROM pg_nplusone_session;

-- Also where the keys are not sorted in the list.
SELECT pg_nplusone_session_reset();
SELECT id, 101 + n % 4 * n AS author_id
  FROM generate_series(0, 13) n, LATERAL (SELECT id FROM post WHERE id = 1001 + n) post;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM (SELECT 101 + n % 4 * n AS key, min(n) AS first FROM generate_series(0, 13) n GROUP BY 1) keys
 ORDER BY first \gexec
SELECT pattern, confidence, calls, parent_rows, duplicate_calls FROM pg_nplusone_session;

-- Rows without a key are no gap.
SELECT pg_nplusone_session_reset();
SELECT id, nullif(author_id, 200 + (id - 1000) * 7 % 31 * (id % 2)) AS author_id FROM post ORDER BY id LIMIT 12;
SELECT format('SELECT name FROM author WHERE id = %s', 200 + n * 7 % 31)
  FROM generate_series(2, 12, 2) n \gexec
SELECT pattern, confidence, calls, parent_rows FROM pg_nplusone_session;

--
-- Out of order: a list page, and then its rows one by one as people click on
-- them, is no loop that anything ties together.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 12;
SELECT format('SELECT title FROM post WHERE id = %s', key)
  FROM unnest(ARRAY[1009, 1002, 1012, 1004, 1001, 1007, 1003, 1010]) key \gexec
SELECT pattern, confidence, link, parent_query FROM pg_nplusone_session;

-- Not even when there are as many of them as the list had rows.
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 6;
SELECT format('SELECT title FROM post WHERE id = %s', key)
  FROM unnest(ARRAY[1004, 1002, 1006, 1001, 1005, 1003]) key \gexec
SELECT pattern, confidence, link, parent_query FROM pg_nplusone_session;

-- Keys that are not in the result at all prove nothing either.
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 12;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[31, 77, 12, 154, 9, 66]) key \gexec
SELECT pattern, confidence, link, parent_query FROM pg_nplusone_session;

--
-- A parent of one row is none: the look-ups that follow have other reasons.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post WHERE id = 1001;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 207, 207, 207, 207, 207]) key \gexec
SELECT confidence, link, parent_query FROM pg_nplusone_session;

-- Nor is the result of thirty requests that read one row each, however alike
-- they look.
SELECT pg_nplusone_session_reset();
SELECT format('SELECT author_id FROM post WHERE id = %s', 1000 + n),
       format('SELECT name FROM author WHERE id = %s', 200 + n * 7 % 31)
  FROM generate_series(1, 30) n \gexec
SELECT confidence, query, parent_query FROM pg_nplusone_session WHERE confidence <> 'suspected';

--
-- Counts are per execution of the parent.  Requests that follow each other
-- fast, each of which reads a list and one thing more, are no loop ...
--
SELECT pg_nplusone_session_reset();
SELECT format('SELECT id, author_id FROM post WHERE id > %s ORDER BY id LIMIT 4', 1000 + n),
       format('SELECT name FROM author WHERE id = %s', 200 + (n + 1) * 7 % 31)
  FROM generate_series(1, 12) n \gexec
SELECT confidence, query, parent_query FROM pg_nplusone_session WHERE confidence <> 'suspected';

-- ... and a list read twice has two loops, also of different length
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT id, author_id FROM post ORDER BY id LIMIT 8;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211, 218, 225]) key \gexec
SELECT pattern, confidence, link, loops, calls, max_calls, parent_rows FROM pg_nplusone_session;

-- The same executions under another list are another cluster.
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT id, author_id, title FROM post WHERE id > 1003 ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[228, 204, 211, 218, 225, 201]) key \gexec
SELECT pattern, confidence, loops, calls, parent_query FROM pg_nplusone_session
 ORDER BY parent_query;

--
-- What runs in between does not matter: two look-ups for each row are two
-- loops of the same parent.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM author WHERE id = %s', 200 + n * 7 % 31),
       format('SELECT count(*) FROM comment WHERE post_id = %s', 1000 + n)
  FROM generate_series(1, 6) n \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session ORDER BY pattern;

--
-- A loop in a loop lasts as long as the outer one: posts, the comments of
-- each, the author of each comment.  All the look-ups of authors are one loop.
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id LIMIT 6;
SELECT statement
  FROM generate_series(0, 5) p,
       LATERAL (
        SELECT 0 AS step,
               format('SELECT id, author_id FROM comment WHERE post_id = %s ORDER BY id', 1001 + p) AS statement
        UNION ALL
        SELECT 1 + n, format('SELECT name FROM author WHERE id = %s', 100 + (p * 3 + n) * 11 % 67)
          FROM generate_series(0, 2) n) AS statements
 ORDER BY p, step \gexec
SELECT pattern, confidence, link, loops, calls, parent_rows FROM pg_nplusone_session ORDER BY pattern;

--
-- Small integers agree by chance: a foreign key tells which column it was.
--
CREATE TABLE team (id integer PRIMARY KEY, name text);
CREATE TABLE player (id integer PRIMARY KEY, shirt integer, team_id integer REFERENCES team);
INSERT INTO team SELECT n, 'team ' || n FROM generate_series(1, 9) n;
INSERT INTO player SELECT n, n, n FROM generate_series(1, 7) n;
SELECT pg_nplusone_session_reset();
SELECT id, shirt, team_id FROM player ORDER BY id;
SELECT format('SELECT name FROM team WHERE id = %s', n) FROM generate_series(1, 7) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

-- Without one the column that fits best does.
CREATE TABLE shelf (a integer, b integer);
INSERT INTO shelf SELECT n, (ARRAY[5, 2, 7, 1, 8, 3, 6])[n] FROM generate_series(1, 7) n;
SELECT pg_nplusone_session_reset();
SELECT a, b FROM shelf ORDER BY a;
SELECT format('SELECT name FROM team WHERE id = %s', n)
  FROM unnest(ARRAY[5, 2, 7, 1, 8, 3, 6]) n \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

--
-- A long list: the first rows are kept as evidence, the whole loop is counted.
--
SELECT pg_nplusone_session_reset();
\o /dev/null
SELECT id, author_id FROM post ORDER BY id;
\o
\set ECHO none
\o /dev/null
SELECT format('SELECT name FROM author WHERE id = %s', 200 + n * 7 % 31)
  FROM generate_series(1, 300) n \gexec
\o
\set ECHO all
SELECT pattern, confidence, link, loops, calls, max_calls, parent_rows FROM pg_nplusone_session;

--
-- Two are too few to prove anything, and four are no loop by default.
--
SELECT pg_nplusone_session_reset();
SET pg_nplusone.threshold = 2;
SELECT id, author_id FROM post ORDER BY id LIMIT 2;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214]) key \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
RESET pg_nplusone.threshold;
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 4;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228]) key \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;

--
-- Without samples nothing is known of a result, and nothing can be proven.
--
SET pg_nplusone.sample_rows = 0;
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT pattern, confidence, link, calls FROM pg_nplusone_session;
RESET pg_nplusone.sample_rows;

--
-- Ties without values.  As many reads as the result had rows, right after it:
SELECT pg_nplusone_session_reset();
SELECT title FROM post WHERE id BETWEEN 1001 AND 1006;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT pattern, confidence, link, calls, parent_query FROM pg_nplusone_session;

-- one transaction:
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
COMMIT;
SELECT pattern, confidence, link, calls, parent_query FROM pg_nplusone_session;

-- an unbroken run of writes:
SELECT pg_nplusone_session_reset();
SELECT format('UPDATE author SET name = ''new'' WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT pattern, confidence, link, calls, parent_query FROM pg_nplusone_session;

-- no tie at all:
SELECT pg_nplusone_session_reset();
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT pattern, confidence, link, calls, parent_query FROM pg_nplusone_session;

-- which min_confidence can leave out
SET pg_nplusone.min_confidence = 'likely';
SELECT pg_nplusone_session_reset();
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(ARRAY[207, 214, 221, 228, 204, 211]) key \gexec
SELECT pattern, confidence, link, calls, parent_query FROM pg_nplusone_session;
RESET pg_nplusone.min_confidence;

SET client_min_messages = warning;
DROP SCHEMA evidence CASCADE;
