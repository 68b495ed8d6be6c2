-- Missing indexes of slow statements.  hint_min_time = 0 makes every
-- statement slow; the second planning of one verifies it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.hint_min_time = 0;
CREATE TABLE hints_t (id serial PRIMARY KEY, a int, b int, status text,
                      created timestamp, doc jsonb, pad text);
INSERT INTO hints_t (a, b, status, created, doc, pad)
    SELECT g % 1000, g, CASE WHEN g % 500 = 0 THEN 'open' ELSE 'done' END,
           '2024-01-01'::timestamp + g * interval '1 minute',
           jsonb_build_object('k', g), repeat('x', 40)
    FROM generate_series(1, 20000) g;
VACUUM ANALYZE hints_t;
CREATE FUNCTION hints_ddl() RETURNS TABLE (ddl text, verified text, helps boolean)
    LANGUAGE sql AS
$$ SELECT ddl, verified, cost_after <= cost_before / 2
   FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL ORDER BY ddl COLLATE "C" $$;

-- an equality: seen once, verified the second time
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_t WHERE a = 7;
SELECT count(*) FROM hints_t WHERE a = 8;
SELECT * FROM hints_ddl();

-- a prepared statement has its values as well
SELECT pg_nplusone_reset() >= 0 AS reset;
PREPARE by_b(int) AS SELECT id FROM hints_t WHERE b = $1;
EXECUTE by_b(1);
EXECUTE by_b(2);
SELECT * FROM hints_ddl();
DEALLOCATE by_b;

-- equality, then the sort order
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT id FROM hints_t WHERE status = 'done' AND a = 5 ORDER BY created DESC LIMIT 1;
SELECT id FROM hints_t WHERE status = 'done' AND a = 5 ORDER BY created DESC LIMIT 1;
SELECT * FROM hints_ddl();

-- few rows of a literal condition: a partial index
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_t WHERE status <> 'done';
SELECT count(*) FROM hints_t WHERE status <> 'done';
SELECT * FROM hints_ddl();

-- an expression, and an operator that wants GIN
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_t WHERE doc ->> 'k' = '5';
SELECT count(*) FROM hints_t WHERE doc ->> 'k' = '5';
SELECT count(*) FROM hints_t WHERE doc @> '{"k": 5}';
SELECT count(*) FROM hints_t WHERE doc @> '{"k": 5}';
SELECT * FROM hints_ddl();

-- two indexes, for the arms of an OR
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_t WHERE a = 5 OR b = 9;
SELECT count(*) FROM hints_t WHERE a = 5 OR b = 9;
SELECT * FROM hints_ddl();

-- a backend has ten verifications at once: a new one for the rest
\c -
SET pg_nplusone.hint_min_time = 0;

-- one index serves two statements, whatever their order
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT id FROM hints_t WHERE a = 5 AND created < '2024-01-02' ORDER BY id;
SELECT id FROM hints_t WHERE a = 5 AND created < '2024-01-02' ORDER BY id;
SELECT count(*) FROM hints_t WHERE a = 7;
SELECT count(*) FROM hints_t WHERE a = 7;
SELECT ddl, calls FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL;

-- a hint goes when its index comes
CREATE INDEX hints_t_a_created ON hints_t (a, created);
SELECT * FROM hints_ddl();

-- what needs no index has none
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_t WHERE id = 5;
SELECT count(*) FROM hints_t WHERE id = 5;
SELECT count(*) FROM hints_t WHERE status = 'done';
SELECT count(*) FROM hints_t WHERE status = 'done';
SELECT count(*) FROM hints_t;
SELECT count(*) FROM hints_t;
SELECT * FROM hints_ddl();

-- the plans, without values
SELECT count(*) FROM hints_t WHERE b = 424242;
SELECT count(*) FROM hints_t WHERE b = 424242;
SELECT plan_before LIKE '%Seq Scan on hints_t%' AS before,
       plan_after LIKE '%using the suggested index%' AS after,
       plan_before || plan_after || query NOT LIKE '%424242%' AS masked,
       index_size > 100000 AS size
FROM pg_nplusone_index_hints WHERE ddl LIKE '%(b)%';

-- found once for each state of the table: another index gone, looked at anew
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT id FROM hints_t WHERE a = 5 AND created < '2024-01-02' ORDER BY id;
SELECT id FROM hints_t WHERE a = 5 AND created < '2024-01-02' ORDER BY id;
SELECT * FROM hints_ddl();
DROP INDEX hints_t_a_created;
SELECT id FROM hints_t WHERE a = 5 AND created < '2024-01-02' ORDER BY id;
SELECT id FROM hints_t WHERE a = 5 AND created < '2024-01-02' ORDER BY id;
SELECT * FROM hints_ddl();

DROP TABLE hints_t;
DROP FUNCTION hints_ddl();
