--
-- The unit of work: which statements may belong together, and when they have
-- become a loop.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA unit;
SET search_path = unit, public;

CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(21, 40) n;
INSERT INTO post SELECT 100 + n, 21 + n * 7 % 19 FROM generate_series(1, 12) n;
-- the list, and what it returns
PREPARE list AS SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id;
SELECT array_agg(author_id ORDER BY id) AS authors FROM post WHERE id <= 106 \gset

\pset tuples_only on
\pset format unaligned

--
-- threshold: so many executions make a loop, and it is listed at once
--
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
SELECT name FROM author WHERE id = 30;
SELECT count(*) FROM pg_nplusone_session;
SELECT name FROM author WHERE id = 37;
SELECT confidence, calls FROM pg_nplusone_session;
SELECT name FROM author WHERE id = 25;
SELECT confidence, calls FROM pg_nplusone_session;

-- a session may ask for more of them
SET pg_nplusone.threshold = 7;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT confidence, calls FROM pg_nplusone_session;

-- or for fewer
SET pg_nplusone.threshold = 4;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
SELECT name FROM author WHERE id = 30;
SELECT confidence, calls FROM pg_nplusone_session;
RESET pg_nplusone.threshold;

--
-- idle_gap: a client that is silent for so long begins something else
--
SET pg_nplusone.idle_gap = '200ms';
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
\! sleep 0.4
SELECT name FROM author WHERE id = 30;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
SELECT confidence, calls FROM pg_nplusone_session;

-- though not inside of a transaction: that holds its statements together
-- however slowly they come
SELECT pg_nplusone_session_reset();
BEGIN;
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
\! sleep 0.4
SELECT name FROM author WHERE id = 30;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
COMMIT;
SELECT confidence, loops, calls FROM pg_nplusone_session;

-- nor is a client idle while it waits for the server
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
SELECT pg_sleep(0.4);
SELECT name FROM author WHERE id = 30;
DO $$ BEGIN PERFORM pg_sleep(0.4); END $$;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
SELECT confidence, loops, calls FROM pg_nplusone_session;
SET pg_nplusone.idle_gap = '1min';

--
-- DISCARD ALL is what a pool sends between two clients.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
DISCARD ALL;
SET search_path = unit, public;
SET pg_nplusone.idle_gap = '1min';
SELECT name FROM author WHERE id = 30;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
SELECT confidence, calls FROM pg_nplusone_session;
PREPARE list AS SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id;

-- The other forms of it do not end anything.
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
DISCARD PLANS;
DISCARD TEMP;
SELECT name FROM author WHERE id = 30;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
SELECT confidence, calls FROM pg_nplusone_session;

--
-- Tags that name another request end it; the same ones do not, nor does a
-- comment that holds no tags.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id /*action='index',controller='posts'*/;
SELECT name FROM author WHERE id = 28 /*action='index',controller='posts'*/;
SELECT name FROM author WHERE id = 35 /*action='index',controller='posts'*/;
SELECT name FROM author WHERE id = 23 /*action='index',controller='posts'*/;
SELECT name FROM author WHERE id = 30 /*action='show',controller='posts'*/;
SELECT name FROM author WHERE id = 37 /*action='show',controller='posts'*/;
SELECT name FROM author WHERE id = 25 /*action='show',controller='posts'*/;
SELECT confidence, calls FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id /*action='index',controller='posts'*/;
SELECT format('SELECT name FROM author WHERE id = %s /*action=''index'',controller=''posts''*/', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT confidence, calls, tags FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post WHERE id <= 106 ORDER BY id /* the posts */;
SELECT format('SELECT name FROM author WHERE id = %s /* author %s */', key, key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT confidence, calls, tags FROM pg_nplusone_session;

--
-- Transactions are no boundary: each statement may have its own.
--
SELECT pg_nplusone_session_reset();
BEGIN;
EXECUTE list;
COMMIT;
SELECT 'BEGIN', format('SELECT name FROM author WHERE id = %s', key), 'COMMIT'
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT pattern, confidence, loops, calls FROM pg_nplusone_session;

-- one that is rolled back has cost as much as any other
SELECT pg_nplusone_session_reset();
BEGIN;
EXECUTE list;
SELECT format('UPDATE author SET name = ''x'' WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
ROLLBACK;
SELECT pattern, confidence, loops, calls, rows FROM pg_nplusone_session;

-- A transaction ties what no value ties, but does not tie it to the next one.
SELECT pg_nplusone_session_reset();
SELECT 'BEGIN', 'SELECT name FROM author WHERE id = 28', 'SELECT name FROM author WHERE id = 35', 'COMMIT'
  FROM generate_series(1, 4) \gexec
SELECT confidence FROM pg_nplusone_session WHERE confidence <> 'suspected';

--
-- Savepoints: some frameworks set one around every statement
--
SELECT pg_nplusone_session_reset();
BEGIN;
EXECUTE list;
SELECT 'SAVEPOINT s', format('SELECT name FROM author WHERE id = %s', key), 'RELEASE s'
  FROM unnest(:'authors'::integer[]) key \gexec
COMMIT;
SELECT pattern, confidence, loops, calls FROM pg_nplusone_session;

-- and go back to it
SELECT pg_nplusone_session_reset();
BEGIN;
EXECUTE list;
SELECT 'SAVEPOINT s', format('SELECT name FROM author WHERE id = %s', key), 'ROLLBACK TO s'
  FROM unnest(:'authors'::integer[]) key \gexec
COMMIT;
SELECT pattern, confidence, loops, calls FROM pg_nplusone_session;

-- also when the list itself was read in it
SELECT pg_nplusone_session_reset();
BEGIN;
SAVEPOINT s;
EXECUTE list;
ROLLBACK TO s;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
COMMIT;
SELECT pattern, confidence, loops, calls FROM pg_nplusone_session;

--
-- Errors in the middle: of other statements, ...
--
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT nothing FROM author;
SELECT 1 / 0;
SELECT id / (id - 103) FROM post;
SELECT name FROM author WHERE id = 23;
SELECT name FROM author WHERE id = 30;
SELEC;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
SELECT pattern, confidence, loops, calls FROM pg_nplusone_session;

-- of an execution of the loop, which counts though it returned nothing, ...
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT format('SELECT 1 / (id - 23) FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT pattern, confidence, loops, calls, rows FROM pg_nplusone_session;

-- of a transaction, whose remaining statements never run, ...
SELECT pg_nplusone_session_reset();
BEGIN;
EXECUTE list;
SELECT format('SELECT 1 / (id - 23) FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
ROLLBACK;
SELECT confidence, calls FROM pg_nplusone_session;

-- of a cursor that the error closes
SELECT pg_nplusone_session_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id, author_id FROM post ORDER BY id;
FETCH 3 FROM c;
SELECT 1 / 0;
ROLLBACK;
EXECUTE list;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT pattern, confidence, loops, calls FROM pg_nplusone_session;

--
-- Each role has loops of its own.
--
CREATE ROLE regress_nplusone_reader;
GRANT USAGE ON SCHEMA unit TO regress_nplusone_reader;
GRANT SELECT ON author TO regress_nplusone_reader;
SELECT pg_nplusone_session_reset();
EXECUTE list;
SELECT name FROM author WHERE id = 28;
SELECT name FROM author WHERE id = 35;
SELECT name FROM author WHERE id = 23;
SET ROLE regress_nplusone_reader;
SELECT name FROM author WHERE id = 30;
SELECT name FROM author WHERE id = 37;
SELECT name FROM author WHERE id = 25;
RESET ROLE;
SELECT userid::regrole, calls FROM pg_nplusone_session;

SET client_min_messages = warning;
DROP SCHEMA unit CASCADE;
DROP ROLE regress_nplusone_reader;
