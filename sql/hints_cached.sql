-- Statements that a cached plan keeps from the planner are verified where they
-- run: PL/pgSQL's with its variables, prepared ones with their parameters.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SET pg_nplusone.hint_min_time = 0;
SET plan_cache_mode = force_generic_plan;
CREATE TABLE hints_c (id serial PRIMARY KEY, a int, b int, c int, d int, e int, f int, state text, pad text);
INSERT INTO hints_c (a, b, c, d, e, f, state, pad)
    SELECT g, g, g, g, g, g, CASE WHEN g % 400 = 0 THEN 'open' ELSE 'done' END, repeat('x', 40)
    FROM generate_series(1, 20000) g;
ANALYZE hints_c;
CREATE FUNCTION hints_seen() RETURNS TABLE (query text, ddl text, verified text)
    LANGUAGE sql AS
$$ SELECT regexp_replace(query, '\s+', ' ', 'g'), substring(ddl FROM 'USING.*'), verified
   FROM pg_nplusone_index_hints ORDER BY ddl COLLATE "C" $$;

-- every kind of statement that PL/pgSQL knows; only what FOR reads through a
-- cursor has lost the names of its variables, and says so
CREATE FUNCTION hints_plpgsql(k int, OUT n int) LANGUAGE plpgsql AS
$$
DECLARE
    r record;
BEGIN
    SELECT count(*) INTO n FROM hints_c WHERE a = k;
    PERFORM 1 FROM hints_c WHERE b = k;
    n := (SELECT count(*) FROM hints_c WHERE c = k);
    IF EXISTS (SELECT 1 FROM hints_c WHERE d = k) THEN
        n := n + 1;
    END IF;
    FOR r IN SELECT id FROM hints_c WHERE e = k LOOP
        n := n + 1;
    END LOOP;
    UPDATE hints_c SET pad = 'y' WHERE f = r.id;
END
$$;
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(hints_plpgsql(g)) FROM generate_series(1, 5) g;
SELECT * FROM hints_seen();

-- a trigger's row is a variable as well, and a range is planned with its values
\c -
SET pg_nplusone.hint_min_time = 0;
SET plan_cache_mode = force_generic_plan;
CREATE TABLE hints_log (k int);
CREATE FUNCTION hints_trigger() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    PERFORM count(*) FROM hints_c WHERE a > NEW.k;
    RETURN NEW;
END $$;
CREATE TRIGGER t BEFORE INSERT ON hints_log FOR EACH ROW EXECUTE FUNCTION hints_trigger();
SELECT pg_nplusone_reset() >= 0 AS reset;
INSERT INTO hints_log SELECT 19990 + g FROM generate_series(1, 5) g;
SELECT * FROM hints_seen();

-- prepared
SELECT pg_nplusone_reset() >= 0 AS reset;
PREPARE p(int) AS SELECT count(*) FROM hints_c WHERE b BETWEEN $1 AND $1 + 10;
EXECUTE p(1);
EXECUTE p(2);
EXECUTE p(3);
EXECUTE p(4);
SELECT * FROM hints_seen();

-- an SQL function with names for its arguments, whose text says nothing by
-- itself: planned as it is, without values before 18
SELECT pg_nplusone_reset() >= 0 AS reset;
SET plan_cache_mode = auto;
CREATE FUNCTION hints_sql(k int) RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT count(*) FROM hints_c WHERE c = k $$;
SELECT hints_sql(1);
SELECT hints_sql(2);
SELECT hints_sql(3);
SELECT hints_sql(4);
SELECT query, ddl, verified <> 'not verified' AS verified FROM hints_seen();
SET plan_cache_mode = force_generic_plan;
-- another table of the same name by now: nothing is said of it
SELECT pg_nplusone_reset() >= 0 AS reset;
CREATE TABLE hints_two AS SELECT * FROM hints_c;
ANALYZE hints_two;
PREPARE q(int) AS SELECT count(*) FROM hints_two WHERE e = $1;
EXECUTE q(1);
BEGIN;
CREATE TEMP TABLE hints_two AS SELECT * FROM hints_c LIMIT 10;
EXECUTE q(2);
EXECUTE q(3);
EXECUTE q(4);
ROLLBACK;
SELECT * FROM hints_seen();
DROP TABLE hints_c, hints_log, hints_two;
DROP FUNCTION hints_seen, hints_plpgsql, hints_trigger, hints_sql;
