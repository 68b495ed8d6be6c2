-- Foreign keys without an index: found when the view is read, where the
-- referenced table has seen deletes or changed keys.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SELECT pg_nplusone_reset() >= 0 AS reset;
SET pg_nplusone.hint_min_time = -1;
CREATE TABLE hf_parent (id int PRIMARY KEY, code int UNIQUE, pad text);
CREATE TABLE hf_quiet (id int PRIMARY KEY);
CREATE TABLE hf_pair (a int, b int, PRIMARY KEY (a, b));
INSERT INTO hf_parent SELECT g, g FROM generate_series(1, 20100) g;
INSERT INTO hf_quiet SELECT g FROM generate_series(1, 20000) g;
INSERT INTO hf_pair SELECT g % 100, g FROM generate_series(1, 20001) g;
CREATE TABLE hf_child (id int PRIMARY KEY,
    parent_id int CONSTRAINT hf_child_parent REFERENCES hf_parent,
    indexed_id int REFERENCES hf_parent,
    partly_id int REFERENCES hf_parent,
    quiet_id int REFERENCES hf_quiet,
    few_id int REFERENCES hf_parent,
    code int REFERENCES hf_parent (code) ON UPDATE CASCADE,
    a int, b int, pad text,
    CONSTRAINT hf_child_pair FOREIGN KEY (a, b) REFERENCES hf_pair);
INSERT INTO hf_child SELECT g, g, g, g, g, g % 3 + 1, g, g % 100, g, repeat('x', 40) FROM generate_series(1, 20000) g;
CREATE INDEX ON hf_child (indexed_id);
CREATE INDEX ON hf_child (partly_id) WHERE partly_id IS NOT NULL;
CREATE TABLE hf_small (id int, parent_id int REFERENCES hf_parent);
INSERT INTO hf_small SELECT g, g FROM generate_series(1, 10) g;
CREATE TABLE "hf Part" (id int, parent_id bigint REFERENCES hf_parent) PARTITION BY RANGE (id);
CREATE TABLE hf_part1 PARTITION OF "hf Part" FOR VALUES FROM (0) TO (30000);
INSERT INTO "hf Part" SELECT g, g FROM generate_series(1, 20000) g;
VACUUM ANALYZE;

-- nobody has deleted anything
SELECT ddl FROM pg_nplusone_index_hints;

DELETE FROM hf_parent WHERE id > 20090;
DELETE FROM hf_pair WHERE b = 20001;
SELECT pg_stat_force_next_flush();
SELECT ddl, query, verified, calls FROM pg_nplusone_index_hints ORDER BY ddl COLLATE "C";
SELECT split_part(reason, ';', 1) AS reason FROM pg_nplusone_index_hints
    WHERE relation = 'hf_child'::regclass AND ddl LIKE '%(parent_id)';

-- the row that a statement has found is the same one, and names the constraint
SET pg_nplusone.hint_min_time = 0;
SELECT count(*) FROM hf_child WHERE parent_id = 5;
SELECT count(*) FROM hf_child WHERE parent_id = 5;
SELECT calls, substring(reason FROM 'the columns are those of [^;]*') AS fk
    FROM pg_nplusone_index_hints WHERE ddl LIKE '%hf_child%(parent_id)';
SET pg_nplusone.hint_min_time = -1;

-- who may not see the owner's statements does not see the owner's keys either
CREATE ROLE hints_reader;
SET ROLE hints_reader;
SELECT count(*) > 0 AS rows, count(ddl) AS ddl FROM pg_nplusone_index_hints;
RESET ROLE;

-- the owner's functions are not run with the reader's rights
CREATE ROLE hints_owner;
CREATE SCHEMA hf AUTHORIZATION hints_owner;
GRANT REFERENCES, SELECT ON hf_parent TO hints_owner;
SET ROLE hints_owner;
CREATE FUNCTION hf.who(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN
    IF current_user <> 'hints_owner' THEN
        RAISE EXCEPTION 'planned as %', current_user;
    END IF;
    RETURN $1;
END $$;
CREATE TABLE hf.child (id int, parent_id int REFERENCES hf_parent, pad text);
INSERT INTO hf.child SELECT g, g, repeat('x', 40) FROM generate_series(1, 20000) g;
CREATE INDEX ON hf.child (id) WHERE hf.who(1) = 1;
ANALYZE hf.child;
RESET ROLE;
SELECT ddl FROM pg_nplusone_index_hints WHERE ddl LIKE '% hf.child %';
SELECT current_user = session_user AS still_oneself, current_setting('search_path') AS search_path;

-- an index, and the hint is gone
CREATE INDEX ON hf.child (parent_id);
SELECT ddl FROM pg_nplusone_index_hints WHERE ddl LIKE '% hf.child %';
SET pg_nplusone.index_hints = off;
SELECT count(*) FROM pg_nplusone_index_hints WHERE verified = 'generic plan';
RESET pg_nplusone.index_hints;

DROP TABLE hf_child, hf_small, "hf Part", hf.child, hf_parent, hf_quiet, hf_pair;
DROP SCHEMA hf CASCADE;
DROP OWNED BY hints_owner;
DROP ROLE hints_reader, hints_owner;
