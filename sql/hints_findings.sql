-- What is said where no index is the answer.
SET pg_nplusone.hint_min_time = 0;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
CREATE TABLE hints_f (id int, n bigint, tags text[], ts timestamptz, s text, pad text);
INSERT INTO hints_f SELECT g, g, ARRAY['t' || g], now(), CASE WHEN g % 10 < 7 THEN 'a' ELSE 'b' END, repeat('x', 40)
    FROM generate_series(1, 20000) g;
CREATE INDEX hints_f_n ON hints_f (n);
CREATE INDEX hints_f_s ON hints_f (s);
VACUUM ANALYZE hints_f;
SELECT pg_nplusone_reset() >= 0 AS reset;

-- the value's type hides the column
SELECT count(*) FROM hints_f WHERE n = 5::numeric;
SELECT count(*) FROM hints_f WHERE n = 5::numeric;
-- const = ANY (column)
SELECT count(*) FROM hints_f WHERE 't5' = ANY (tags);
SELECT count(*) FROM hints_f WHERE 't5' = ANY (tags);
-- depends on the time zone
SELECT count(*) FROM hints_f WHERE ts::date = '2024-01-01';
SELECT count(*) FROM hints_f WHERE ts::date = '2024-01-01';
-- a filter above a materialized CTE
WITH x AS MATERIALIZED (SELECT * FROM hints_f) SELECT count(*) FROM x WHERE id = 5;
WITH x AS MATERIALIZED (SELECT * FROM hints_f) SELECT count(*) FROM x WHERE id = 5;
-- an index is there, and rightly not used
SELECT count(pad) FROM hints_f WHERE s = 'a';
SELECT count(pad) FROM hints_f WHERE s = 'a';
-- a deep OFFSET
SELECT pad FROM hints_f ORDER BY id LIMIT 1 OFFSET 19000;
SELECT pad FROM hints_f ORDER BY id LIMIT 1 OFFSET 19000;
SELECT ddl, finding FROM pg_nplusone_index_hints WHERE relation IS NULL OR relation = 'hints_f'::regclass
    ORDER BY finding COLLATE "C";

-- an INVALID index wants mending, not a second one
SELECT pg_nplusone_reset() >= 0 AS reset;
CREATE TABLE hints_i AS SELECT g AS id, g / 2 AS k, repeat('x', 40) AS pad FROM generate_series(1, 20000) g;
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY hints_i_k ON hints_i (k);
\set VERBOSITY default
ANALYZE hints_i;
SELECT count(*) FROM hints_i WHERE k = 5;
SELECT count(*) FROM hints_i WHERE k = 5;
SELECT ddl, finding FROM pg_nplusone_index_hints;
DROP TABLE hints_f, hints_i;
