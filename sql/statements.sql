--
-- Statements in all their forms: which ones are followed, as list and as
-- look-up, and what is inside of others.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA statements;
SET search_path = statements, public;

CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
CREATE TABLE log (id integer GENERATED ALWAYS AS IDENTITY, post_id integer, note text);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(21, 40) n;
INSERT INTO post SELECT 100 + n, 21 + n * 7 % 19, 'post ' || n FROM generate_series(1, 8) n;
SELECT array_agg(author_id ORDER BY id) AS authors, array_agg(id ORDER BY id) AS posts
  FROM post \gset
\pset tuples_only on
\pset format unaligned

--
-- PREPARE and EXECUTE: the fingerprint is that of the prepared statement, the
-- same for the custom plans that it has first and for the generic one.
--
SELECT pg_nplusone_session_reset();
PREPARE list(integer) AS SELECT id, author_id FROM post WHERE id > $1 ORDER BY id;
PREPARE author_name(integer) AS SELECT name FROM author WHERE id = $1;
EXECUTE list(100);
SELECT format('EXECUTE author_name(%s)', key) FROM unnest(:'authors'::integer[]) key \gexec
SELECT generic_plans > 0 AS generic, custom_plans > 0 AS custom
  FROM pg_prepared_statements WHERE name = 'author_name';
SELECT pattern, confidence, link, loops, calls, parent_rows, query, parent_query
  FROM pg_nplusone_session;

-- A statement that is prepared anew each time is the same statement.
SELECT pg_nplusone_session_reset();
EXECUTE list(100);
SELECT format('PREPARE s%s(integer) AS SELECT name FROM author WHERE id = $1', key),
       format('EXECUTE s%s(%s)', key, key),
       format('DEALLOCATE s%s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT pattern, confidence, link, loops, calls FROM pg_nplusone_session;
DEALLOCATE ALL;

--
-- Cursors: the rows of a FETCH are the rows of the list, however few at once,
-- while the cursor is open ...
--
SELECT pg_nplusone_session_reset();
BEGIN;
DECLARE list CURSOR FOR SELECT id, author_id FROM post ORDER BY id;
FETCH 3 FROM list;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest((:'authors'::integer[])[1:3]) key \gexec
FETCH 3 FROM list;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest((:'authors'::integer[])[4:6]) key \gexec
FETCH 3 FROM list;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest((:'authors'::integer[])[7:8]) key \gexec
CLOSE list;
COMMIT;
SELECT pattern, confidence, link, loops, calls, parent_rows, parent_query FROM pg_nplusone_session;

-- ... one by one ...
SELECT pg_nplusone_session_reset();
BEGIN;
DECLARE list CURSOR FOR SELECT id, author_id FROM post ORDER BY id;
SELECT 'FETCH NEXT FROM list', format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
CLOSE list;
COMMIT;
SELECT pattern, confidence, link, loops, calls, parent_rows FROM pg_nplusone_session;

-- ... or all of them, after which the transaction may end
SELECT pg_nplusone_session_reset();
BEGIN;
DECLARE list CURSOR WITH HOLD FOR SELECT id, author_id FROM post ORDER BY id;
COMMIT;
FETCH ALL FROM list;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
CLOSE list;
SELECT pattern, confidence, link, loops, calls FROM pg_nplusone_session;

-- A cursor for every look-up is a loop all the same.
SELECT pg_nplusone_session_reset();
BEGIN;
SELECT id, author_id FROM post ORDER BY id;
SELECT format('DECLARE c CURSOR FOR SELECT name FROM author WHERE id = %s', key), 'FETCH ALL FROM c', 'CLOSE c'
  FROM unnest(:'authors'::integer[]) key \gexec
COMMIT;
SELECT pattern, confidence, link, loops, calls, rows FROM pg_nplusone_session;

--
-- RETURNING returns a list like any other.
--
SELECT pg_nplusone_session_reset();
UPDATE post SET title = upper(title) RETURNING id;
SELECT format('INSERT INTO log (post_id, note) VALUES (%s, ''updated'')', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, parent_rows FROM pg_nplusone_session;

-- Writes that return something are writes.
SELECT pg_nplusone_session_reset();
SELECT format('INSERT INTO log (post_id, note) VALUES (%s, ''again'') RETURNING note', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, calls, rows FROM pg_nplusone_session;

--
-- Writes in a CTE
--
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('WITH changed AS (UPDATE post SET title = ''cte'' WHERE id = %s RETURNING id, title) SELECT title FROM changed', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT confidence, calls, parent_rows FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('WITH gone AS (DELETE FROM log WHERE post_id = %s RETURNING post_id) INSERT INTO log (post_id, note) SELECT DISTINCT post_id, ''moved'' FROM gone', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT confidence, calls, parent_rows FROM pg_nplusone_session;

--
-- COPY of a query, as list and as look-up
--
SELECT pg_nplusone_session_reset();
COPY (SELECT id, author_id FROM post ORDER BY id) TO STDOUT;
SELECT format('COPY (SELECT id, name FROM author WHERE id = %s) TO STDOUT', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT pattern, confidence, link, calls, query FROM pg_nplusone_session;

--
-- Rows that stay in the server are no list.
--
SELECT pg_nplusone_session_reset();
CREATE TEMP TABLE kept AS SELECT id, author_id FROM post ORDER BY id;
SELECT id, author_id INTO TEMP kept_too FROM post ORDER BY id;
SELECT format('SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT confidence, parent_query FROM pg_nplusone_session;

-- and are not looked up row by row
SELECT pg_nplusone_session_reset();
SELECT format('CREATE TEMP TABLE copy_%s AS SELECT name FROM author WHERE id = %s', key, key)
  FROM unnest(:'authors'::integer[]) key \gexec
SELECT confidence, query FROM pg_nplusone_session;

--
-- EXPLAIN, with or without ANALYZE, is somebody at work on a statement.
--
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id;
SELECT format('EXPLAIN (COSTS OFF) SELECT name FROM author WHERE id = %s', key)
  FROM unnest(:'authors'::integer[]) key \gexec
\o /dev/null
SELECT format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT FROM author WHERE name = ''author %s'' OFFSET 1', key)
  FROM unnest(:'authors'::integer[]) key \gexec
\o
SELECT confidence, query FROM pg_nplusone_session;

--
-- Functions: the statement that calls them is the client's.  What they do
-- themselves is followed with track = 'all' only.
--
CREATE FUNCTION names() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    item record;
    author_name text;
    names text := '';
BEGIN
    FOR item IN SELECT id, author_id FROM post ORDER BY id LOOP
        SELECT name INTO author_name FROM author WHERE id = item.author_id;
        names := names || author_name || ' ';
    END LOOP;
    RETURN names;
END $$;
CREATE FUNCTION author_of(key integer) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT min(name) FROM author WHERE id = key $$;

SELECT pg_nplusone_session_reset();
SELECT names();
SELECT author_of(author_id) FROM post ORDER BY id;
DO $$
DECLARE
    item record;
    author_name text;
BEGIN
    FOR item IN SELECT id, author_id FROM post ORDER BY id LOOP
        SELECT name INTO author_name FROM author WHERE id = item.author_id;
    END LOOP;
END $$;
SELECT confidence, query FROM pg_nplusone_session;

SET pg_nplusone.track = 'all';
SELECT pg_nplusone_session_reset();
SELECT names();
SELECT pattern, confidence, link, loops, calls, parent_rows, query, parent_query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
SELECT author_of(author_id) FROM post ORDER BY id;
SELECT pattern, confidence <> 'suspected' AS tied, loops, calls, query FROM pg_nplusone_session;

SELECT pg_nplusone_session_reset();
DO $$
DECLARE
    item record;
    author_name text;
BEGIN
    FOR item IN SELECT id, author_id FROM post ORDER BY id LOOP
        EXECUTE format('SELECT name FROM author WHERE id = %s', item.author_id) INTO author_name;
    END LOOP;
END $$;
SELECT pattern, confidence, link, loops, calls, query FROM pg_nplusone_session;

-- A function that calls another for each row: the levels do not mix.
SELECT pg_nplusone_session_reset();
SELECT length(names()) FROM generate_series(1, 2);
SELECT pattern, confidence, loops, calls, max_calls FROM pg_nplusone_session;

-- What fails and is caught is counted, and what comes after it as well.
CREATE FUNCTION careful() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    item record;
    quotient integer;
    failed integer := 0;
BEGIN
    FOR item IN SELECT id, author_id FROM post ORDER BY id LOOP
        BEGIN
            SELECT 1 / (id - 23) INTO quotient FROM author WHERE id = item.author_id;
        EXCEPTION WHEN division_by_zero THEN
            failed := failed + 1;
        END;
    END LOOP;
    RETURN failed;
END $$;
SELECT pg_nplusone_session_reset();
SELECT careful();
SELECT pattern, confidence, link, loops, calls FROM pg_nplusone_session;

-- A procedure that commits as it goes
CREATE PROCEDURE note_all() LANGUAGE plpgsql AS $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT id FROM post ORDER BY id LOOP
        INSERT INTO log (post_id, note) VALUES (item.id, 'noted');
        COMMIT;
    END LOOP;
END $$;
SELECT pg_nplusone_session_reset();
CALL note_all();
SELECT pattern, confidence, link, loops, calls FROM pg_nplusone_session;
RESET pg_nplusone.track;

--
-- Triggers: one statement of the client, whatever its triggers do for each row
--
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (post_id, note) VALUES (new.id, new.title);
    RETURN new;
END $$;
CREATE TRIGGER changed AFTER UPDATE ON post FOR EACH ROW EXECUTE FUNCTION note_change();
SELECT pg_nplusone_session_reset();
UPDATE post SET title = 'changed';
SELECT confidence, query FROM pg_nplusone_session;

-- Updates one by one are a loop of updates, and their triggers no other one.
SELECT pg_nplusone_session_reset();
SELECT format('UPDATE post SET title = ''changed'' WHERE id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT pattern, confidence, calls FROM pg_nplusone_session;

SET pg_nplusone.track = 'all';
SELECT pg_nplusone_session_reset();
UPDATE post SET title = 'changed';
SELECT pattern, confidence, loops, calls, query FROM pg_nplusone_session;
RESET pg_nplusone.track;

-- A deferred trigger runs at COMMIT, and still is nothing that the client sent.
DROP TRIGGER changed ON post;
CREATE CONSTRAINT TRIGGER changed AFTER UPDATE ON post
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_change();
SELECT pg_nplusone_session_reset();
BEGIN;
UPDATE post SET title = 'later';
COMMIT;
UPDATE post SET title = 'later still';
SELECT confidence, query FROM pg_nplusone_session;

-- Views and rules are part of the statement that uses them.
CREATE VIEW signed AS SELECT post.id, name FROM post JOIN author ON author_id = author.id;
CREATE RULE log_it AS ON DELETE TO log DO ALSO UPDATE author SET name = name WHERE id = 1;
SELECT pg_nplusone_session_reset();
SELECT id, title FROM post ORDER BY id;
SELECT format('SELECT name FROM signed WHERE id = %s', key)
  FROM unnest(:'posts'::integer[]) key \gexec
SELECT confidence, calls FROM pg_nplusone_session;

SET client_min_messages = warning;
DROP SCHEMA statements CASCADE;
