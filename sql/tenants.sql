-- A schema for each tenant: tables of one name are not one table, also where
-- the server gives statements on them the same query identifier.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA tenant_a;
CREATE TABLE tenant_a.author (id int PRIMARY KEY, name text);
CREATE TABLE tenant_a.post (id int PRIMARY KEY, author_id int REFERENCES tenant_a.author);
INSERT INTO tenant_a.author SELECT g, 'a' || g FROM generate_series(1, 30) g;
INSERT INTO tenant_a.post SELECT g, 1 + g * 7 % 29 FROM generate_series(1, 30) g;
CREATE SCHEMA tenant_b;
CREATE TABLE tenant_b.author (id int PRIMARY KEY, name text);
CREATE TABLE tenant_b.post (id int PRIMARY KEY, author_id int REFERENCES tenant_b.author);
INSERT INTO tenant_b.author SELECT g, 'b' || g FROM generate_series(1, 30) g;
INSERT INTO tenant_b.post SELECT g, 1 + g * 11 % 29 FROM generate_series(1, 30) g;
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT pg_nplusone_session_reset();

-- two lists, and their loops side by side in one request
SET search_path = tenant_a, public;
SELECT id, author_id FROM post ORDER BY id LIMIT 8;
SET search_path = tenant_b, public;
SELECT id, author_id FROM post ORDER BY id LIMIT 8;
SELECT format('SET search_path = tenant_a, public; SELECT name FROM author WHERE id = %s;', 1 + g * 7 % 29),
       format('SET search_path = tenant_b, public; SELECT name FROM author WHERE id = %s;', 1 + g * 11 % 29)
  FROM generate_series(1, 8) g \gexec
SELECT pattern, confidence, link, loops, calls, parent_rows FROM pg_nplusone ORDER BY link COLLATE "C";

-- the identifiers are the server's own
CREATE FUNCTION pg_temp.queryid_of(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || statement LOOP
        IF line LIKE 'Query Identifier: %' THEN
            RETURN substr(line, 19);
        END IF;
    END LOOP;
END $$;
SET compute_query_id = on;
SET search_path = tenant_b, public;
SELECT queryid = pg_temp.queryid_of('SELECT name FROM author WHERE id = 1') AS child,
       parent_queryid = pg_temp.queryid_of('SELECT id, author_id FROM post ORDER BY id LIMIT 8') AS parent
  FROM pg_nplusone WHERE link LIKE 'tenant_b%' OR link LIKE 'post%' ORDER BY 1 DESC LIMIT 1;
RESET compute_query_id;
RESET search_path;

SET client_min_messages = warning;
DROP SCHEMA tenant_a, tenant_b CASCADE;
SELECT pg_nplusone_reset() >= 0 AS reset;
