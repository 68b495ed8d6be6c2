--
-- When there are more clusters than pg_nplusone.max allows, those that are
-- worth the least give way.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SELECT pg_nplusone_reset() >= 0 AS cleared;
SET pg_nplusone.idle_gap = '1min';
SET pg_nplusone.threshold = 2;
CREATE SCHEMA eviction;
SET search_path = eviction, public;
CREATE TABLE precious (id integer PRIMARY KEY, value integer);
INSERT INTO precious SELECT n FROM generate_series(1, 1000) n;
CREATE TABLE bits (b0 integer, b1 integer, b2 integer, b3 integer, b4 integer, b5 integer,
                   b6 integer, b7 integer, b8 integer, b9 integer, b10 integer);

-- A loop of a thousand updates, and 1300 loops of two deletions each: every
-- selection of the columns makes a statement of its own.
\set ECHO none
\o /dev/null
SELECT pg_nplusone_session_reset();
SELECT format('UPDATE precious SET value = 1 WHERE id = %s', n)
  FROM generate_series(1, 1000) n \gexec
SELECT 'SELECT pg_nplusone_session_reset()', format(template, 1), format(template, 2)
  FROM (SELECT n, 'DELETE FROM bits WHERE '
                  || string_agg(format('b%s = %%1$s', bit), ' AND ' ORDER BY bit) AS template
          FROM generate_series(1, 1300) n, generate_series(0, 10) bit
         WHERE n & (1 << bit) > 0 GROUP BY n) AS statements
 ORDER BY n \gexec
SELECT pg_nplusone_session_reset();
\o
\set ECHO all

-- no more are kept than there is room for, most of which is used
SELECT clusters <= max_clusters AS within, clusters > max_clusters * 0.8 AS used, dealloc > 0 AS dealloc
  FROM pg_nplusone_info;
SELECT count(*) = (SELECT clusters FROM pg_nplusone_info) AS counted FROM pg_nplusone;

-- the long one is still there, complete
SELECT pattern, loops, calls, rows FROM pg_nplusone WHERE query LIKE '%precious%';

-- as is the latest of the short ones
SELECT pattern, loops, calls FROM pg_nplusone
 WHERE query = 'DELETE FROM bits WHERE b2 = $1 AND b4 = $2 AND b8 = $3 AND b10 = $4';

SELECT pg_nplusone_reset() > 0 AS cleared;
SELECT clusters FROM pg_nplusone_info;
SET client_min_messages = warning;
DROP SCHEMA eviction CASCADE;
