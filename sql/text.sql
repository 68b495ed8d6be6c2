--
-- Texts: a statement is shown as it was written, without its constants.  No
-- literal of a program ever leaves the session.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
SET pg_nplusone.threshold = 2;
CREATE SCHEMA text;
SET search_path = text, public;
CREATE TABLE account (id integer PRIMARY KEY, name text, born date, data bytea, "Net Worth" numeric);
SELECT pg_nplusone_reset() >= 0 AS cleared;
\pset tuples_only on
\pset format unaligned

-- Every statement is sent twice (\g repeats it), which makes a loop here.

--
-- Strings, in every spelling
--
SELECT pg_nplusone_session_reset();
SELECT id FROM account WHERE name = 's3cret' \g
\g
SELECT name FROM account WHERE name = 's3cret ''quoted'' -- no comment' \g
\g
SELECT born FROM account WHERE name = E's3cret \' \\ \n' \g
\g
SELECT data FROM account WHERE name = U&'s3cret \0041' \g
\g
SELECT id, name FROM account WHERE name = $$s3cret ' $$ \g
\g
SELECT id, born FROM account WHERE name = $x$s3cret $$ $x$ \g
\g
SELECT id, data FROM account WHERE name = 's3cret'
  ' and more' \g
\g
SELECT name, id FROM account WHERE name = B'0101'::text OR name = X'5EC'::text \g
\g
SELECT query FROM pg_nplusone_session ORDER BY query COLLATE "C";

--
-- Numbers, and typed literals
--
SELECT pg_nplusone_session_reset();
SELECT id FROM account WHERE "Net Worth" = -66600 \g
\g
SELECT name FROM account WHERE "Net Worth" = 6.66e3 OR "Net Worth" = +.666 OR "Net Worth" = 666E-1 \g
\g
SELECT id FROM account WHERE born = date '1966-06-06' AND born < now() - interval '666' day \g
\g
SELECT id FROM account WHERE born = '1966-06-06'::date OR born = CAST('1966-06-06' AS date) \g
\g
SELECT id FROM account WHERE born > timestamptz '1966-06-06 06:06+00' - interval '6 days' \g
\g
SELECT id FROM account WHERE id = 666 AND name = '666'::text AND id > -666 - 6 \g
\g
SELECT id FROM account ORDER BY id LIMIT 666 OFFSET 6 \g
\g
SELECT query FROM pg_nplusone_session ORDER BY query COLLATE "C";

--
-- A list of constants is shown as one, so that its length does not matter.
--
SELECT pg_nplusone_session_reset();
SELECT name FROM account WHERE name IN ('s3cret', 's3cret too') AND id = 661;
SELECT name FROM account WHERE name IN ('s3cret', 's3cret too') AND id = 662;
SELECT born FROM account WHERE name = ANY (ARRAY['s3cret', 's3cret too']) AND id = 661;
SELECT born FROM account WHERE name = ANY (ARRAY['s3cret', 's3cret too']) AND id = 662;
SELECT data FROM account WHERE name = ANY ('{s3cret,s3cret too}') AND id = 661;
SELECT data FROM account WHERE name = ANY ('{s3cret,s3cret too}') AND id = 662;
SELECT query FROM pg_nplusone_session ORDER BY query COLLATE "C";

--
-- Parameters stay as they are, and constants are numbered after them.
--
SELECT pg_nplusone_session_reset();
PREPARE p(integer, text) AS SELECT name FROM account WHERE id = $1 AND name = $2 AND born = '1966-06-06';
EXECUTE p(666, 's3cret');
EXECUTE p(667, 's3cret too');
DEALLOCATE p;
SELECT query FROM pg_nplusone_session;

--
-- Comments go: they may hold anything.
--
SELECT pg_nplusone_session_reset();
SELECT /* s3cret /* nested */ */ name -- s3cret
  FROM account
 WHERE id = 666 -- s3cret
\g
\g
/* s3cret */ SELECT born FROM account WHERE id = 666 /* s3cret */ \g
\g
SELECT query FROM pg_nplusone_session ORDER BY query COLLATE "C";

--
-- Names are kept as they were spelt, quoted ones too; white space shrinks.
--
SELECT pg_nplusone_session_reset();
select "Net Worth"   AS "a 'quoted' name", id
    from   text.account as "T"
    where  "T".id=666 \g
\g
SELECT query FROM pg_nplusone_session;

--
-- Of several statements in one string only the repeated one is shown.
--
SELECT pg_nplusone_session_reset();
SELECT 's3cret'\; SELECT name FROM account WHERE id = 666\; SELECT 's3cret too';
SELECT 's3cret'\; SELECT name FROM account WHERE id = 667\; SELECT 's3cret too';
SELECT query FROM pg_nplusone_session;

--
-- Utilities that carry a query
--
SELECT pg_nplusone_session_reset();
COPY (SELECT name, born, data FROM account WHERE id = 666) TO STDOUT WITH (NULL 's3cret') \g
\g
BEGIN;
DECLARE c CURSOR FOR SELECT data, name FROM account WHERE name = 's3cret';
FETCH 1 FROM c;
CLOSE c;
DECLARE c CURSOR FOR SELECT data, name FROM account WHERE name = 's3cret';
FETCH 1 FROM c;
CLOSE c;
COMMIT;
SELECT query FROM pg_nplusone_session ORDER BY query COLLATE "C";

--
-- Writes
--
SELECT pg_nplusone_session_reset();
INSERT INTO account VALUES (1, 's3cret', '1966-06-06', '\x6666', 66.6) ON CONFLICT DO NOTHING;
INSERT INTO account VALUES (2, 's3cret', '1966-06-06', '\x6666', 66.6) ON CONFLICT DO NOTHING;
UPDATE account SET name = 's3cret' || 6, born = DEFAULT WHERE id = 666 RETURNING 's3cret' \g
\g
DELETE FROM account WHERE name LIKE 's3cret%' ESCAPE '!' AND id > 666 \g
\g
SELECT query FROM pg_nplusone_session ORDER BY query COLLATE "C";

--
-- The parent's text is treated alike.
--
SELECT pg_nplusone_session_reset();
RESET pg_nplusone.threshold;
INSERT INTO account SELECT n, 'name ' || n FROM generate_series(11, 16) n;
SELECT id, 's3cret' AS what FROM account WHERE name > 'name s3cret' OR id BETWEEN 11 AND 16 ORDER BY id;
SELECT format('SELECT born FROM account WHERE id = %s', n) FROM generate_series(11, 16) n \gexec
SELECT query, parent_query FROM pg_nplusone_session;

--
-- A long text is cut between two characters, and says so.
--
SELECT pg_nplusone_session_reset();
\o /dev/null
\set ECHO none
SELECT format('SELECT %s id FROM account WHERE id = 666', repeat('name AS größe, ', 200))
  FROM generate_series(1, 5) \gexec
\set ECHO all
\o
SELECT octet_length(query) BETWEEN 2040 AND 2047 AS filled, right(query, 1) AS last,
       left(query, 40) AS first
  FROM pg_nplusone_session;

--
-- And nothing of it all is anywhere in what everybody may see.
--
SELECT pg_nplusone_session_reset();
SELECT query, parent_query, tags FROM pg_nplusone
 WHERE concat(query, parent_query, link, tags) ~ 's3cret|66';

SET client_min_messages = warning;
DROP SCHEMA text CASCADE;
