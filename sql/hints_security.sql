-- Whose statements are seen by whom, and with whose rights they are planned.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
CREATE ROLE hints_alice;
CREATE ROLE hints_mallory;
CREATE ROLE hints_monitor;
GRANT pg_read_all_stats TO hints_monitor;
CREATE TABLE hints_s (id int, k int, pad text);
INSERT INTO hints_s SELECT g, g, repeat('x', 50) FROM generate_series(1, 20000) g;
ANALYZE hints_s;
GRANT SELECT ON hints_s TO hints_alice, hints_mallory;
CREATE SCHEMA hints_m AUTHORIZATION hints_mallory;
SET pg_nplusone.hint_min_time = 0;
SELECT pg_nplusone_reset() >= 0 AS reset;

SET ROLE hints_alice;
SELECT count(*) FROM hints_s WHERE k = 4242;
SELECT count(*) FROM hints_s WHERE k = 4242;
SELECT query, relation, ddl FROM pg_nplusone_index_hints;
SET ROLE hints_mallory;
SELECT queryid IS NULL AS no_queryid, query, relation, ddl, reason, finding, plan_before, plan_after
    FROM pg_nplusone_index_hints;
SET ROLE hints_monitor;
SELECT query, relation, ddl FROM pg_nplusone_index_hints;
RESET ROLE;

-- mallory's cached plan is verified by whoever looks, but as mallory: her
-- function refuses to be folded by anybody else
SELECT pg_nplusone_reset() >= 0 AS reset;
SET pg_nplusone.hint_min_time = -1;
SET plan_cache_mode = force_generic_plan;
SET ROLE hints_mallory;
CREATE FUNCTION hints_m.who(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN
    IF current_user <> 'hints_mallory' THEN
        RAISE EXCEPTION 'planned as %', current_user;
    END IF;
    RETURN $1;
END $$;
PREPARE m(int) AS SELECT count(*) FROM hints_s WHERE k = $1 AND hints_m.who(1) = 1;
EXECUTE m(1);
RESET ROLE;
SET pg_nplusone.hint_min_time = 0;
SET ROLE hints_mallory;
EXECUTE m(1);
EXECUTE m(2);
EXECUTE m(3);
EXECUTE m(4);
RESET ROLE;
SELECT query, ddl, verified FROM pg_nplusone_index_hints;
SELECT current_user = session_user AS still_oneself;
SHOW search_path;

DEALLOCATE m;
DROP SCHEMA hints_m CASCADE;
DROP TABLE hints_s;
SELECT pg_nplusone_reset() >= 0 AS reset;
DROP ROLE hints_alice, hints_mallory, hints_monitor;

-- two users, one index: each sees a hint of their own, who may see both sees one
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
CREATE ROLE hints_alice;
CREATE ROLE hints_bob;
CREATE TABLE hints_s (id int, k int, pad text);
INSERT INTO hints_s SELECT g, g, repeat('x', 50) FROM generate_series(1, 20000) g;
ANALYZE hints_s;
GRANT SELECT ON hints_s TO hints_alice, hints_bob;
SET pg_nplusone.hint_min_time = 0;
SET ROLE hints_alice;
SELECT count(*) FROM hints_s WHERE k = 1;
SELECT count(*) FROM hints_s WHERE k = 1;
SET ROLE hints_bob;
SELECT count(*) FROM hints_s WHERE k = 1;
SELECT count(*) FROM hints_s WHERE k = 1;
SELECT count(id) FROM hints_s WHERE k = 1;
SELECT query, ddl, calls FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL;
SET ROLE hints_alice;
SELECT query, ddl, calls FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL;
RESET ROLE;
SELECT ddl, calls FROM pg_nplusone_index_hints;
SELECT pg_nplusone_reset() >= 0 AS reset;
DROP TABLE hints_s;
DROP ROLE hints_alice, hints_bob;
