--
-- The same loop again: what is known of it is not found out anew, and is
-- right all the same when the schema, the path or the clusters have changed.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA known;
CREATE SCHEMA elsewhere;
SET search_path = known, public;
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer, title text);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(41, 60) n;
INSERT INTO post SELECT 300 + n, 41 + n * 7 % 19, 'post ' || n FROM generate_series(1, 6) n;
SELECT array_agg(author_id ORDER BY id) AS authors FROM post \gset
\pset tuples_only on
\pset format unaligned
-- the programs: the author of each post, and the posts of each author
\set author_of 'SELECT format(''SELECT name FROM author WHERE id = %s'', key) FROM unnest(:''authors''::int[]) key'
\set posts_of 'SELECT format(''SELECT title FROM post WHERE author_id = %s'', key) FROM unnest(:''authors''::int[]) key'
\set found 'SELECT pattern, confidence, link, loops, calls, query LIKE ''SELECT%'' AS text, advice IS NOT NULL AS advice FROM pg_nplusone WHERE query ~ ''^SELECT (name|title)'';'
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();

--
-- Twice the same
--
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found

--
-- A foreign key makes another pattern of it; it goes, and so does that
--
ALTER TABLE post ADD CONSTRAINT written_by FOREIGN KEY (author_id) REFERENCES author;
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found
ALTER TABLE post DROP CONSTRAINT written_by;
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found
-- nothing stays of a change that is undone
BEGIN;
ALTER TABLE post ADD CONSTRAINT written_by FOREIGN KEY (author_id) REFERENCES author;
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found
ROLLBACK;
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found

--
-- A unique key
--
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
SELECT post.id, author_id FROM post JOIN author ON author.id = author_id ORDER BY post.id;
:posts_of \gexec
:found
ALTER TABLE post ADD CONSTRAINT one_each UNIQUE (author_id);
SELECT post.id, author_id FROM post JOIN author ON author.id = author_id ORDER BY post.id;
:posts_of \gexec
:found
ALTER TABLE post DROP CONSTRAINT one_each;

--
-- A reset: the cluster has its texts again.  The path decides how a link is
-- written, when it is.
--
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
SELECT set_config('search_path', 'elsewhere, public', false);
SELECT id, author_id FROM known.post ORDER BY id;
SELECT format('SELECT name FROM known.author WHERE id = %s', key) FROM unnest(:'authors'::int[]) key \gexec
:found
-- tables of the same name in the path are others
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
INSERT INTO author SELECT * FROM known.author;
INSERT INTO post SELECT * FROM known.post;
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found
SELECT set_config('search_path', 'known, public', false);

--
-- A report has all of its lines, also when the cluster is known
--
CREATE FUNCTION report() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    p record;
    report text;
    hint text;
BEGIN
    FOR p IN SELECT id, author_id FROM post ORDER BY id LOOP
        PERFORM name FROM author WHERE id = p.author_id;
    END LOOP;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS report = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', report, hint);
END $$;
SET pg_nplusone.track = 'all';
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
SELECT report();
SET pg_nplusone.action = 'error';
SELECT report();
RESET pg_nplusone.action;
RESET pg_nplusone.track;
:found

--
-- The tags are those of the last loop
--
SELECT set_config('pg_nplusone.tags', $$controller='posts'$$, false);
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
SELECT tags, loops FROM pg_nplusone WHERE query ~ '^SELECT name';
SELECT set_config('pg_nplusone.tags', $$controller='authors'$$, false);
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
SELECT tags, loops FROM pg_nplusone WHERE query ~ '^SELECT name';
RESET pg_nplusone.tags;

--
-- A table that is dropped and made anew is another one
--
SELECT count(*) >= 0 AS cleared FROM pg_nplusone_reset();
DROP TABLE post;
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
INSERT INTO post SELECT * FROM elsewhere.post;
SELECT id, author_id FROM post ORDER BY id;
:author_of \gexec
:found

SET client_min_messages = warning;
DROP SCHEMA known CASCADE;
DROP SCHEMA elsewhere CASCADE;
