--
-- Heavy reads: what is advised, in the words of every ORM, with the names of
-- the tables and columns at hand.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
SET pg_nplusone.heavy_rows = 500;
SET pg_nplusone.heavy_offset = 100;
CREATE SCHEMA heavy_advice;
SET search_path = heavy_advice, public;
CREATE TABLE blog_post (
    id integer PRIMARY KEY,
    posted_on date NOT NULL,
    title text,
    body_html text,
    picture text
);
INSERT INTO blog_post SELECT n, date '2026-01-01' + n % 20, 'post ' || n, repeat('word ', 300), repeat('pixel', 300)
  FROM generate_series(1, 600) n;

CREATE TABLE said (orm text, name text, advice text);
CREATE FUNCTION note(orm text) RETURNS void LANGUAGE sql AS
$$ INSERT INTO said SELECT orm, finding || CASE WHEN query LIKE '%DESC%' THEN ', two columns' ELSE '' END, advice
   FROM pg_nplusone_heavy_reads
   WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%blog\_post%' $$;
SELECT s FROM unnest(ARRAY['django', 'sql', 'rails', 'sqlalchemy', 'hibernate', 'prisma', 'sequelize', 'typeorm',
                           'laravel', 'ef', 'drizzle', 'kysely', 'knex', 'peewee']) orm,
  LATERAL (VALUES (0, 'SELECT pg_nplusone_reset()'),
                  (1, 'SET pg_nplusone.orm = ' || orm),
                  (2, 'SELECT * FROM blog_post WHERE id < 300'),
                  (3, 'SELECT id, title FROM blog_post'),
                  (4, 'SELECT id, title FROM blog_post'),
                  (5, 'SELECT id, title FROM blog_post ORDER BY id LIMIT 20 OFFSET 300'),
                  (6, 'SELECT id, title FROM blog_post ORDER BY posted_on DESC, id DESC LIMIT 20 OFFSET 300'),
                  (7, format('SELECT note(%L)', orm))) AS u(n, s)
ORDER BY orm, n
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
RESET pg_nplusone.orm;

-- every ORM has something to say of everything, and all its words are filled in
SELECT count(DISTINCT orm) AS orms, count(DISTINCT name) AS findings, count(*), count(advice) = count(*) AS all_advised,
       count(*) FILTER (WHERE advice ~ '\{\w+\}' OR advice ~ '\.\.\.\.\.') AS amiss
FROM said;
SELECT orm, name FROM said WHERE regexp_count(advice, '\.') < 2 OR length(advice) > 700;

\pset format unaligned
\pset tuples_only on
SELECT orm || ', ' || name || E'\n    ' || advice FROM said
 WHERE orm IN ('django', 'rails', 'sqlalchemy', 'hibernate', 'prisma', 'sql') ORDER BY orm, name, advice;
-- the others, without what happens
SELECT orm || ', ' || name || E'\n    ' || regexp_replace(advice, '^.*?(Leave|Show|Go on)', '\1') FROM said
 WHERE orm NOT IN ('django', 'rails', 'sqlalchemy', 'hibernate', 'prisma', 'sql') ORDER BY orm, name, advice;
\pset tuples_only off
\pset format aligned

-- the ORM is recognised by its tags, its application and its handwriting, as that of a loop is
SELECT pg_nplusone_reset() >= 0 AS cleared;
\o /dev/null
SELECT id, title, picture FROM blog_post WHERE id < 300 /*framework='django%3A4.2'*/;
SET application_name = 'bin/rails';
SELECT title, picture FROM blog_post WHERE id < 300;
RESET application_name;
\o
SELECT query, substring(advice from 'Leave[^:]*: ([^(]*)') AS advice FROM pg_nplusone_heavy_reads ORDER BY query;

SELECT pg_nplusone_reset() >= 0 AS cleared;
SET client_min_messages = warning;
DROP SCHEMA heavy_advice CASCADE;
