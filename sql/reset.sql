--
-- Starting over: pg_nplusone_reset(), pg_nplusone_session_reset(), and what
-- pg_nplusone_info says.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA reset;
SET search_path = reset, public;
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE tag (id integer PRIMARY KEY, name text);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(21, 40) n;
INSERT INTO tag SELECT n, 'tag ' || n FROM generate_series(21, 40) n;
CREATE ROLE regress_nplusone_one;
GRANT USAGE ON SCHEMA reset TO regress_nplusone_one;
GRANT SELECT ON author, tag TO regress_nplusone_one;
\pset tuples_only on
\pset format unaligned

--
-- Everything goes: clusters of all sessions and databases
--
SELECT pg_nplusone_session_reset();
SELECT pg_nplusone_reset() >= 0 AS cleared;
SELECT count(*) FROM pg_nplusone;
SELECT clusters, max_clusters FROM pg_nplusone_info;
SELECT stats_reset > now() - interval '1 minute' AS just_reset FROM pg_nplusone_info;
SELECT stats_reset FROM pg_nplusone_info \gset

-- three clusters: of two statements and two roles
SELECT format('UPDATE author SET name = ''a'' WHERE id = %s', n) FROM generate_series(21, 26) n \gexec
SELECT format('UPDATE tag SET name = ''t'' WHERE id = %s', n) FROM generate_series(21, 26) n \gexec
SET ROLE regress_nplusone_one;
BEGIN;
SELECT format('SELECT name FROM tag WHERE id = %s', n) FROM generate_series(21, 26) n \gexec
COMMIT;
RESET ROLE;
SELECT userid::regrole = current_user::regrole AS own, pattern, calls, query FROM pg_nplusone ORDER BY query;
SELECT clusters FROM pg_nplusone_info;

-- nobody has such a cluster: zero are removed, and it is no error
SELECT pg_nplusone_reset(0, 0, 1);
SELECT pg_nplusone_reset(clusterid => -1);
SELECT pg_nplusone_reset('pg_monitor'::regrole);
SELECT pg_nplusone_reset(0, 1);
SELECT count(*) FROM pg_nplusone;

-- one of them
SELECT clusterid FROM pg_nplusone WHERE query LIKE 'UPDATE tag%' \gset
SELECT pg_nplusone_reset(clusterid => :clusterid);
SELECT pg_nplusone_reset(clusterid => :clusterid);
SELECT query FROM pg_nplusone ORDER BY query;

-- those of a role
SELECT pg_nplusone_reset(userid => 'regress_nplusone_one'::regrole);
SELECT query FROM pg_nplusone ORDER BY query;

-- those of a database, or of both
SELECT pg_nplusone_reset('regress_nplusone_one'::regrole, oid) FROM pg_database WHERE datname = current_database();
SELECT pg_nplusone_reset(dbid => oid) FROM pg_database WHERE datname = 'template1';
SELECT pg_nplusone_reset(dbid => oid) FROM pg_database WHERE datname = current_database();
SELECT count(*) FROM pg_nplusone;

-- a partial reset is not when all were removed
SELECT stats_reset = :'stats_reset' AS unchanged FROM pg_nplusone_info;

-- null for an argument is no wildcard
SELECT pg_nplusone_reset(NULL) IS NULL AS nothing_done;

--
-- A loop that is running begins again with its next execution.
--
SELECT pg_nplusone_session_reset();
SELECT format('UPDATE author SET name = ''a'' WHERE id = %s', n) FROM generate_series(21, 26) n \gexec
SELECT calls, rows FROM pg_nplusone;
SELECT pg_nplusone_reset();
SELECT count(*) FROM pg_nplusone;
SELECT count(*) FROM pg_nplusone_activity;
SELECT format('UPDATE author SET name = ''a'' WHERE id = %s', n) FROM generate_series(27, 33) n \gexec
SELECT loops, calls, rows FROM pg_nplusone;

--
-- pg_nplusone_session_reset(): the session's own list, count and unit of work
--
SELECT pg_nplusone_session_reset();
SELECT pg_nplusone_reset() >= 0 AS cleared;
SELECT format('UPDATE author SET name = ''b'' WHERE id = %s', n) FROM generate_series(21, 26) n \gexec
SELECT calls FROM pg_nplusone_session;
SELECT pg_nplusone_session_reset();
SELECT count(*) FROM pg_nplusone_session;
-- what it has counted stays in the view of all
SELECT loops, calls FROM pg_nplusone;
-- and the next loop is another one
SELECT format('UPDATE author SET name = ''b'' WHERE id = %s', n) FROM generate_series(21, 27) n \gexec
SELECT loops, calls FROM pg_nplusone_session;
SELECT loops, calls, max_calls FROM pg_nplusone;
-- three statements before it and three after make no loop of six
SELECT pg_nplusone_session_reset();
SELECT format('UPDATE tag SET name = ''c'' WHERE id = %s', n) FROM generate_series(21, 23) n \gexec
SELECT pg_nplusone_session_reset();
SELECT format('UPDATE tag SET name = ''c'' WHERE id = %s', n) FROM generate_series(24, 26) n \gexec
SELECT count(*) FROM pg_nplusone_session;

--
-- pg_nplusone_session_statements(): how many statements a piece of code sent
--
SELECT pg_nplusone_session_reset();
SELECT pg_nplusone_session_statements();
SELECT name FROM author WHERE id = 40;
SELECT name FROM author WHERE id IN (38, 39) ORDER BY id;
SELECT 1;
UPDATE author SET name = 'one' WHERE id = 40;
SELECT pg_nplusone_session_statements();
-- the one that asked counts from the next time on; utilities do not count
BEGIN;
SAVEPOINT s;
SET LOCAL work_mem = '1MB';
COMMIT;
SELECT pg_nplusone_session_statements();
-- prepared ones do, and those of functions do not
PREPARE p AS SELECT name FROM author WHERE id = 40;
EXECUTE p;
EXECUTE p;
DEALLOCATE p;
CREATE FUNCTION two() RETURNS integer LANGUAGE plpgsql AS
    $$ BEGIN PERFORM name FROM author; PERFORM name FROM tag; RETURN 2; END $$;
SELECT two();
SELECT pg_nplusone_session_statements();
-- one that fails has been sent as well
SELECT 1 / (id - 40) FROM author WHERE id = 40;
SELECT pg_nplusone_session_statements();

--
-- The first unit of work that begins after a reset counts, whoever had the
-- place of its session before
--
SELECT pg_nplusone_session_reset();
SELECT pg_nplusone_reset() >= 0 AS cleared;
\c -
SET application_name = 'after_reset';
SET search_path = reset, public;
SELECT name FROM author WHERE id = 40;
SELECT name FROM author WHERE id = 39;
SELECT pg_nplusone_session_reset();
SELECT units, statements FROM pg_nplusone_requests WHERE application_name = 'after_reset';

SET client_min_messages = warning;
DROP SCHEMA reset CASCADE;
DROP ROLE regress_nplusone_one;
