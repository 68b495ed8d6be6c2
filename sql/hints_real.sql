-- Every accepted index is created for real: the planner uses it, and its cost
-- is what was foretold, within 5 % for B-trees.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SET pg_nplusone.hint_min_time = 0;
CREATE TABLE hints_r (id serial PRIMARY KEY, a int, b int, f float8, n numeric, t text,
                      created timestamp, open boolean, pad text);
INSERT INTO hints_r (a, b, f, n, t, created, open, pad)
    SELECT g::bigint * 7919 % 2000, g::bigint * 104729 % 50000, g, g * 31 % 9999, md5(g::text),
           '2024-01-01'::timestamp + (g::bigint * 7919 % 50000) * interval '1 minute', g % 1000 = 0, repeat('x', 50)
    FROM generate_series(1, 50000) g;
CREATE TABLE hints_r2 (id serial PRIMARY KEY, r_id int, pad text);
INSERT INTO hints_r2 (r_id, pad) SELECT 1 + g::bigint * 7919 % 50000, repeat('x', 50) FROM generate_series(1, 50000) g;
VACUUM ANALYZE;

CREATE FUNCTION hints_make(stmt text, OUT index_def text, OUT used boolean, OUT cost_agrees boolean)
LANGUAGE plpgsql AS
$$
DECLARE
    hint record;
    plan json;
    cost float8;
BEGIN
    PERFORM pg_nplusone_reset();
    EXECUTE stmt;
    EXECUTE stmt;
    SELECT * INTO hint FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL;
    IF hint.ddl IS NULL THEN
        RETURN;
    END IF;
    EXECUTE replace(replace(hint.ddl, 'CONCURRENTLY ', ''), ' ON ', ' hints_made ON ');
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || stmt INTO plan;
    index_def := regexp_replace(pg_get_indexdef('hints_made'::regclass), '^.* USING ', '');
    used := plan::text LIKE '%hints_made%';
    cost := (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8;
    cost_agrees := cost BETWEEN hint.cost_after * 0.95 - 0.1 AND hint.cost_after * 1.05 + 0.1;
    DROP INDEX hints_made;
END
$$;

SELECT hints_make('SELECT * FROM hints_r WHERE a = 5');
SELECT hints_make('SELECT * FROM hints_r WHERE b = 5');
SELECT hints_make('SELECT count(*) FROM hints_r WHERE a = 5');
SELECT hints_make('SELECT * FROM hints_r WHERE f BETWEEN 5 AND 50');
SELECT hints_make('SELECT * FROM hints_r WHERE n = 77');
SELECT hints_make('SELECT * FROM hints_r WHERE t = ''x''');
SELECT hints_make('SELECT * FROM hints_r WHERE a = 5 AND created > ''2024-02-01''');
SELECT hints_make('SELECT * FROM hints_r ORDER BY created DESC, id DESC LIMIT 10');
SELECT hints_make('SELECT * FROM hints_r WHERE open');
\c -
SET pg_nplusone.hint_min_time = 0;
SELECT hints_make('SELECT max(created) FROM hints_r');
SELECT hints_make('SELECT * FROM hints_r r JOIN hints_r2 s ON s.r_id = r.id WHERE r.id = 9');
SELECT hints_make('DELETE FROM hints_r2 WHERE r_id = 9');
DROP TABLE hints_r, hints_r2;
DROP FUNCTION hints_make;
