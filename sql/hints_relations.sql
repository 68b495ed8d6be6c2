-- Every kind of relation, and of statement.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SET pg_nplusone.hint_min_time = 0;
CREATE FUNCTION hints_of(stmt text) RETURNS SETOF text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM pg_nplusone_reset();
    EXECUTE stmt;
    EXECUTE stmt;
    RETURN QUERY SELECT substring(ddl FROM ' ON (.*)') FROM pg_nplusone_index_hints
        WHERE ddl IS NOT NULL ORDER BY 1;
END
$$;
CREATE FUNCTION hints_fill(name regclass) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE format('INSERT INTO %s (id, k, t, pad) SELECT g, g, ''t'' || g, repeat(''x'', 40) FROM generate_series(1, 20000) g', name);
    EXECUTE format('ANALYZE %s', name);
END
$$;

-- tables of the user's own, whatever their kind; not temporary ones
CREATE TABLE hr_t (id int, k int, t text, pad text);
CREATE UNLOGGED TABLE hr_u (LIKE hr_t);
CREATE TEMP TABLE hr_temp (LIKE hr_t);
CREATE TABLE hr_gen (LIKE hr_t, twice int GENERATED ALWAYS AS (k * 2) STORED);
CREATE DOMAIN hr_dom AS int CHECK (VALUE > 0);
CREATE TABLE hr_domain (id int, k hr_dom, t text, pad text);
SELECT hints_fill(r) FROM unnest('{hr_t,hr_u,hr_temp,hr_gen,hr_domain}'::regclass[]) r;
CREATE MATERIALIZED VIEW hr_mat AS SELECT * FROM hr_t;
ANALYZE hr_mat;
SELECT * FROM hints_of('SELECT * FROM hr_u WHERE k = 5');
SELECT * FROM hints_of('SELECT * FROM hr_temp WHERE k = 5');
SELECT * FROM hints_of('SELECT * FROM hr_gen WHERE twice = 10');
SELECT * FROM hints_of('SELECT * FROM hr_domain WHERE k = 5');
SELECT * FROM hints_of('SELECT * FROM hr_mat WHERE k = 5');

-- partitions: one hint, on the parent, also where they number their columns
-- otherwise; inheritance children have indexes of their own
\c -
SET pg_nplusone.hint_min_time = 0;
CREATE TABLE hr_part (id int, k int, t text, pad text) PARTITION BY RANGE (id);
CREATE TABLE hr_part1 (gone int, pad text, t text, k int, id int);
ALTER TABLE hr_part1 DROP gone;
ALTER TABLE hr_part ATTACH PARTITION hr_part1 FOR VALUES FROM (0) TO (10000);
CREATE TABLE hr_part2 PARTITION OF hr_part FOR VALUES FROM (10000) TO (30000);
CREATE TABLE hr_parent (id int, k int, t text, pad text);
CREATE TABLE hr_child () INHERITS (hr_parent);
SELECT hints_fill(r) FROM unnest('{hr_part,hr_child}'::regclass[]) r;
SELECT * FROM hints_of('SELECT * FROM hr_part WHERE k = 5');
SELECT * FROM hints_of('SELECT * FROM hr_part WHERE lower(t) = ''t5''');
SELECT * FROM hints_of('SELECT * FROM hr_parent WHERE k = 5');

-- security barriers and row-level security
CREATE VIEW hr_barrier WITH (security_barrier) AS SELECT * FROM hr_t WHERE t <> '';
SELECT * FROM hints_of('SELECT * FROM hr_barrier WHERE k = 5');
CREATE ROLE hints_tenant;
GRANT SELECT ON hr_t TO hints_tenant;
ALTER TABLE hr_t ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON hr_t USING (k = current_setting('hints.tenant')::int);
SET hints.tenant = 5;
SELECT pg_nplusone_reset() >= 0 AS reset;
SET ROLE hints_tenant;
SELECT count(*) FROM hr_t;
SELECT count(*) FROM hr_t;
RESET ROLE;
SELECT substring(ddl FROM ' ON (.*)') FROM pg_nplusone_index_hints;
ALTER TABLE hr_t DISABLE ROW LEVEL SECURITY;

-- statements of every shape
\c -
SET pg_nplusone.hint_min_time = 0;
-- a thousand look-ups, which the planner finds dear before 17
SELECT count(*) <= 1 AS planned FROM hints_of(format('SELECT * FROM hr_t WHERE k IN (%s)',
    (SELECT string_agg(g::text, ',') FROM generate_series(1, 1000) g)));
SELECT * FROM hints_of('WITH RECURSIVE r AS (SELECT id, k FROM hr_t WHERE k = 5
    UNION ALL SELECT t.id, t.k FROM r JOIN hr_t t ON t.k = r.id + 1 WHERE r.id < 8) SELECT count(*) FROM r');
SELECT * FROM hints_of('SELECT id, k, count(*) FROM hr_t WHERE k = 5 GROUP BY GROUPING SETS ((id), (k), ())');
SELECT * FROM hints_of('SELECT generate_series(1, id), unnest(ARRAY[k, id]) FROM hr_t WHERE k = 5');
SELECT * FROM hints_of('SELECT row_number() OVER (PARTITION BY id ORDER BY k) FROM hr_t WHERE t = ''t5''');
SELECT * FROM hints_of('MERGE INTO hr_t USING (VALUES (5)) v(x) ON hr_t.k = v.x WHEN MATCHED THEN DO NOTHING');
\c -
SET pg_nplusone.hint_min_time = 0;
SELECT * FROM hints_of('INSERT INTO hr_u SELECT * FROM hr_t WHERE k = 5');
SELECT * FROM hints_of('SELECT * FROM hr_t WHERE k = 5 FOR UPDATE SKIP LOCKED');
SELECT * FROM hints_of('SELECT * FROM generate_series(1, 3) g, LATERAL (SELECT * FROM hr_t WHERE k = g LIMIT 1) x');
SELECT * FROM hints_of('SELECT * FROM hr_t TABLESAMPLE BERNOULLI (50) WHERE k = 5');
SELECT * FROM hints_of((SELECT 'SELECT ' || string_agg('k + ' || g, ', ') || ' FROM hr_t WHERE k = 5' FROM generate_series(1, 300) g));

-- what an outer join may make nulls of is an expression of no table: the rest
-- of the statement is looked at all the same
SELECT * FROM hints_of('SELECT * FROM hr_u a LEFT JOIN (SELECT id, coalesce(k, 0) AS kk FROM hr_t) b
    ON b.id = a.id WHERE a.k = 5 AND b.kk + 1 = 6');
SELECT * FROM hints_of('SELECT * FROM hr_u a LEFT JOIN (SELECT id, coalesce(k, 0) AS kk FROM hr_t) b
    ON b.id = a.id AND b.kk + 1 = 6 WHERE a.k = 5');

DROP VIEW hr_barrier;
DROP MATERIALIZED VIEW hr_mat;
DROP TABLE hr_t, hr_u, hr_gen, hr_domain, hr_part, hr_parent, hr_child;
DROP DOMAIN hr_dom;
DROP FUNCTION hints_of, hints_fill;
DROP ROLE hints_tenant;
