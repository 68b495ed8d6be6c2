-- Whatever happens in a verification, the statement does not notice.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SET pg_nplusone.hint_min_time = 0;
CREATE TABLE hints_e (id int, k int, v text, pad text);
INSERT INTO hints_e SELECT g, g, 'v' || g, repeat('x', 50) FROM generate_series(1, 20000) g;
ANALYZE hints_e;
SELECT pg_nplusone_reset() >= 0 AS reset;

-- throws when it sees a value that the statement does not meet: the
-- expression's statistics are worked out on all of the column's values
CREATE FUNCTION touchy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN IF $1 > 10 THEN RAISE EXCEPTION 'touchy about %', $1; END IF; RETURN $1; END $$;
SELECT count(*) FROM hints_e WHERE k <= 10 AND touchy(k) = 3;
SELECT count(*) FROM hints_e WHERE k <= 10 AND touchy(k) = 3;
SELECT count(*) FROM hints_e WHERE k <= 10 AND touchy(k) = 3;

-- the next plain statements plan as before
EXPLAIN (COSTS OFF) SELECT * FROM hints_e WHERE k = 5;
SELECT count(*) FROM hints_e WHERE k = 5;
SELECT count(*) FROM hints_e WHERE k = 5;
EXPLAIN (COSTS OFF) SELECT * FROM hints_e WHERE k = 5;

-- inside a transaction block, a subtransaction and an exception block
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM hints_e WHERE v = 'v5';
SELECT count(*) FROM hints_e WHERE v = 'v5';
ROLLBACK TO s;
SELECT count(*) FROM hints_e WHERE v = 'v6';
COMMIT;
DO
$$
BEGIN
    PERFORM count(*) FROM hints_e WHERE id = 1;
    PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
    PERFORM count(*) FROM hints_e WHERE id = 2;
END
$$;

-- a timeout in the middle of what-if planning is the statement's own
CREATE FUNCTION sleepy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN IF $1 > 10 AND current_setting('hints.sleep', true) = 'on' THEN PERFORM pg_sleep(60); END IF; RETURN $1; END $$;
SELECT count(*) FROM hints_e WHERE k <= 10 AND sleepy(k) = 5;
SET hints.sleep = on;
SET statement_timeout = '1s';
SELECT count(*) FROM hints_e WHERE k <= 10 AND sleepy(k) = 5;
RESET statement_timeout;
RESET hints.sleep;
EXPLAIN (COSTS OFF) SELECT * FROM hints_e WHERE k = 5;
SELECT count(*) FROM hints_e WHERE k <= 10 AND sleepy(k) = 5;

-- a function that is slow on the column's values is not run on all of them
CREATE SEQUENCE hints_runs;
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN IF $1 > 10 THEN PERFORM nextval('hints_runs'), pg_sleep(0.002); END IF; RETURN $1; END $$;
SELECT count(*) FROM hints_e WHERE k <= 10 AND slow(k) = 5;
SELECT count(*) FROM hints_e WHERE k <= 10 AND slow(k) = 5;
SELECT count(*) FROM hints_e WHERE k <= 10 AND slow(k) = 5;
SELECT last_value BETWEEN 1 AND 60 AS a_few FROM hints_runs;

-- a plan that is fixed by a comment is left alone
SELECT pg_nplusone_reset() >= 0 AS reset;
/*+ SeqScan(hints_e) */ SELECT count(*) FROM hints_e WHERE k = 5;
/*+ SeqScan(hints_e) */ SELECT count(*) FROM hints_e WHERE k = 5;
SELECT count(*) FROM pg_nplusone_index_hints;

-- off is off
SET pg_nplusone.index_hints = off;
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_e WHERE k = 5;
SELECT count(*) FROM hints_e WHERE k = 5;
SELECT count(*) FROM pg_nplusone_index_hints;
RESET pg_nplusone.index_hints;
DROP TABLE hints_e;
DROP FUNCTION touchy, sleepy, slow;
DROP SEQUENCE hints_runs;
