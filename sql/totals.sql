--
-- pg_nplusone_totals: sums that only grow, whatever becomes of the clusters
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA totals;
SET search_path = totals, public;
CREATE TABLE author (id integer PRIMARY KEY, name text);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(41, 60) n;
CREATE TABLE before AS SELECT * FROM pg_nplusone_totals;
\pset tuples_only on
\pset format unaligned

-- a row for each kind of loop there can be, found or not
SELECT count(*), count(DISTINCT pattern), array_agg(DISTINCT confidence ORDER BY confidence),
       count(*) = count(loops + calls + duplicate_calls + rows + total_exec_time + total_gap_time) AS no_nulls
  FROM pg_nplusone_totals;

--
-- A loop counts when it has ended
--
CREATE VIEW since AS
    SELECT pattern, confidence, t.loops - b.loops AS loops, t.calls - b.calls AS calls,
           t.duplicate_calls - b.duplicate_calls AS duplicates, t.rows - b.rows AS rows,
           t.total_exec_time > b.total_exec_time AS exec, t.total_gap_time > b.total_gap_time AS gap
      FROM pg_nplusone_totals t JOIN before b USING (pattern, confidence)
     WHERE t.loops > b.loops;
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT name FROM author WHERE id = 41;
SELECT name FROM author WHERE id = 42;
SELECT name FROM author WHERE id = 43;
SELECT name FROM author WHERE id = 44;
SELECT name FROM author WHERE id = 41;
SELECT name FROM author WHERE id = 99;
SELECT * FROM since;
COMMIT;
SELECT pg_nplusone_session_reset();
SELECT * FROM since;

--
-- A reset takes the clusters, and leaves the sums
--
SELECT pg_nplusone_reset() > 0 AS cleared;
SELECT count(*) FROM pg_nplusone;
SELECT * FROM since;

-- another loop of the same kind adds to them
BEGIN;
SELECT name FROM author WHERE id = 51;
SELECT name FROM author WHERE id = 52;
SELECT name FROM author WHERE id = 53;
SELECT name FROM author WHERE id = 54;
SELECT name FROM author WHERE id = 55;
COMMIT;
SELECT pg_nplusone_session_reset();
SELECT * FROM since;

--
-- There is nothing in it that not everyone may see
--
CREATE ROLE regress_nplusone_totals;
SET ROLE regress_nplusone_totals;
SELECT count(*) FROM pg_nplusone_totals;
RESET ROLE;
DROP ROLE regress_nplusone_totals;

SET client_min_messages = warning;
DROP SCHEMA totals CASCADE;
