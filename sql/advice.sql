--
-- Advice: every pattern, in the words of every ORM, with the names of the
-- tables and columns at hand.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA advice;
SET search_path = advice, public;

CREATE TABLE blog_profile (id integer PRIMARY KEY, motto text);
CREATE TABLE blog_author (id integer PRIMARY KEY, name text, slug text UNIQUE, profile_id integer REFERENCES blog_profile);
CREATE TABLE blog_category (id integer PRIMARY KEY, name text);
CREATE TABLE blog_post (
    id integer PRIMARY KEY,
    author_id integer REFERENCES blog_author,
    category_id integer REFERENCES blog_category,
    title text, body text, views integer DEFAULT 0
);
CREATE TABLE blog_comment (
    id serial PRIMARY KEY,
    post_id integer REFERENCES blog_post,
    author_id integer REFERENCES blog_author,
    points integer, approved boolean, body text
);
CREATE TABLE blog_tag (id integer PRIMARY KEY, name text UNIQUE);
CREATE TABLE blog_post_tags (
    id serial PRIMARY KEY,
    post_id integer REFERENCES blog_post,
    tag_id integer REFERENCES blog_tag
);
CREATE TABLE blog_picture (id integer PRIMARY KEY, object_type text, object_id integer);
INSERT INTO blog_profile SELECT 1000 + i, 'm' FROM generate_series(1, 40) i;
INSERT INTO blog_author SELECT 500 + i, 'A' || i, 's' || i, 1000 + i * 7 % 40 + 1 FROM generate_series(1, 40) i;
INSERT INTO blog_category SELECT 300 + i, 'C' || i FROM generate_series(1, 20) i;
INSERT INTO blog_post SELECT 100 + i, 501 + i * 7 % 40, 301 + i * 3 % 20, 'P' || i, 'b' FROM generate_series(1, 60) i;
INSERT INTO blog_comment (post_id, author_id, points, approved, body)
    SELECT 101 + i % 60, 501 + i * 11 % 40, i % 5, true, 'c' FROM generate_series(1, 300) i;
INSERT INTO blog_tag SELECT 700 + i, 'tag' || i FROM generate_series(1, 9) i;
INSERT INTO blog_post_tags (post_id, tag_id) SELECT 100 + i, 701 + i * j % 9 FROM generate_series(1, 60) i, generate_series(1, 3) j;
INSERT INTO blog_picture SELECT 900 + i, 'post', 100 + i * 7 % 60 FROM generate_series(1, 30) i;

-- The statements of one loop of each kind.  A list differs from the others in
-- its columns, so that each loop has a list of its own.
CREATE TABLE loops (nr serial, name text, list text, children text);
INSERT INTO loops (name, list, children) VALUES
('forward', 'SELECT id, author_id FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT * FROM blog_author WHERE id = %s', author_id) FROM blog_post ORDER BY id LIMIT 8$$),
('reverse', 'SELECT id, name FROM blog_author ORDER BY id LIMIT 8',
 $$SELECT format('SELECT * FROM blog_post WHERE author_id = %s', id) FROM blog_author ORDER BY id LIMIT 8$$),
('reverse with filter and order', 'SELECT id, title FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT * FROM blog_comment WHERE post_id = %s AND approved AND points > 1 ORDER BY points DESC, id', id) FROM blog_post ORDER BY id LIMIT 8$$),
('many to many', 'SELECT id, body FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT t.* FROM blog_tag t JOIN blog_post_tags l ON l.tag_id = t.id WHERE l.post_id = %s', id) FROM blog_post ORDER BY id LIMIT 8$$),
('polymorphic', 'SELECT id, object_type, object_id FROM blog_picture ORDER BY id LIMIT 8',
 $$SELECT format('SELECT title FROM blog_post WHERE id = %s', object_id) FROM blog_picture ORDER BY id LIMIT 8$$),
('deferred', 'SELECT id, title, views FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT id, body FROM blog_post WHERE id = %s', id) FROM blog_post ORDER BY id LIMIT 8$$),
('count', 'SELECT id, views FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT count(*) FROM blog_comment WHERE post_id = %s AND approved', id) FROM blog_post ORDER BY id LIMIT 8$$),
('exists', 'SELECT id, title, body FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT 1 FROM blog_comment WHERE post_id = %s LIMIT 1', id) FROM blog_post ORDER BY id LIMIT 8$$),
('aggregate', 'SELECT id, title, author_id FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT avg(points) FROM blog_comment WHERE post_id = %s', id) FROM blog_post ORDER BY id LIMIT 8$$),
('count without a list', NULL,
 $$SELECT format('SELECT count(*) FROM blog_comment WHERE author_id = %s', 501 + i * i % 37) FROM generate_series(1, 8) i$$),
('first', 'SELECT id, body, views FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT format('SELECT id, body FROM blog_comment WHERE post_id = %s ORDER BY id DESC LIMIT 1', id) FROM blog_post ORDER BY id LIMIT 8$$),
('look-up', NULL, $$SELECT format('SELECT id, name FROM blog_author WHERE slug = %L', 's' || i * i % 37) FROM generate_series(1, 8) i$$),
('duplicate', NULL, $$SELECT 'SELECT name FROM blog_category WHERE id = 307' FROM generate_series(1, 8)$$),
('locks', NULL, $$SELECT format('SELECT views FROM blog_post WHERE id = %s FOR UPDATE', 101 + i * i % 37) FROM generate_series(1, 8) i$$),
('insert', NULL, $$SELECT format('INSERT INTO blog_comment (post_id, points) VALUES (%s, %s)', 101 + i * i % 37, i) FROM generate_series(1, 8) i$$),
('update', NULL, $$SELECT format('UPDATE blog_post SET title = %L, body = %L WHERE id = %s', i, i, 101 + i * i % 37) FROM generate_series(1, 8) i$$),
('update in place', NULL, $$SELECT format('UPDATE blog_post SET views = views + 1 WHERE id = %s', 101 + i * i % 37) FROM generate_series(1, 8) i$$),
('delete', NULL, $$SELECT format('DELETE FROM blog_post_tags WHERE id = %s', i * i) FROM generate_series(1, 8) i$$),
('upsert', NULL, $$SELECT format('INSERT INTO blog_tag VALUES (%s, %L) ON CONFLICT DO NOTHING', 700 + i * 3, 't' || i) FROM generate_series(1, 8) i$$),
('nested', 'SELECT id, category_id FROM blog_post ORDER BY id LIMIT 8',
 $$SELECT CASE n WHEN 0 THEN format('SELECT id, author_id FROM blog_comment WHERE post_id = %s ORDER BY id', p.id)
               ELSE format('SELECT id, profile_id FROM blog_author WHERE id = %s', author_id) END
   FROM (SELECT id FROM blog_post ORDER BY id LIMIT 8) p,
        LATERAL (SELECT 0 AS n, 0 AS cid, NULL::integer AS author_id
                 UNION ALL SELECT 1, id, author_id FROM blog_comment c WHERE c.post_id = p.id) s
   ORDER BY p.id, n, cid$$);

CREATE TABLE said (orm text, name text, pattern text, advice text);
CREATE FUNCTION note(orm text, loop_name text) RETURNS void LANGUAGE sql AS
$$ INSERT INTO said SELECT orm, loop_name, pattern, advice FROM pg_nplusone
   WHERE query LIKE '%blog\_%' AND query !~ 'format|FROM loops' AND calls > 4
     AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) $$;
-- what \gexec is to send for a loop, or for all
CREATE FUNCTION children(text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE $1; END $$;
CREATE FUNCTION session(orm text) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT s FROM loops,
     LATERAL (SELECT 0, 'SELECT pg_nplusone_reset()'
              UNION ALL SELECT 1, 'SET pg_nplusone.orm = ' || orm
              UNION ALL SELECT 2, 'BEGIN'
              UNION ALL SELECT 3, list WHERE list IS NOT NULL
              UNION ALL SELECT 3 + row_number() OVER (), c FROM children(children) c
              UNION ALL SELECT 1000, 'ROLLBACK'
              UNION ALL SELECT 1001, format('SELECT note(%L, %L)', orm, name)) AS u(n, s)
   ORDER BY nr, n $$;

SELECT session(orm) FROM unnest(ARRAY['django', 'sql', 'rails', 'sqlalchemy', 'hibernate', 'prisma', 'sequelize',
    'typeorm', 'laravel', 'ef', 'drizzle', 'kysely', 'knex', 'peewee']) orm
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
RESET pg_nplusone.orm;

-- every ORM has something to say of every loop, and all its words are filled in
SELECT count(DISTINCT orm) AS orms, count(DISTINCT name) AS loops, count(*) / count(DISTINCT orm) AS clusters,
       count(advice) = count(*) AS all_advised,
       count(*) FILTER (WHERE advice ~ '\{\w+\}' OR advice !~ '\.$' OR length(advice) > 480) AS amiss
FROM said;
SELECT DISTINCT name, pattern FROM said ORDER BY name, pattern;

\pset format unaligned
\pset tuples_only on
SELECT name || E'\n    ' || advice FROM said WHERE orm = 'django' ORDER BY name, advice;
SELECT name || E'\n    ' || advice FROM said WHERE orm = 'rails' ORDER BY name, advice;
SELECT name || E'\n    ' || advice FROM said WHERE orm = 'sql' ORDER BY name, advice;
-- the ways to load relations, and nested ones, of the others
SELECT orm || ', ' || name || E'\n    ' || advice FROM said
WHERE orm NOT IN ('django', 'rails', 'sql') AND name IN ('forward', 'nested') ORDER BY orm, name, advice;
\pset tuples_only off
\pset format aligned

-- the setting decides; where it leaves it to the statement, its tags, then the application
CREATE TABLE tried (n serial, how text, advice text);
CREATE FUNCTION try(how text) RETURNS void LANGUAGE sql AS
$$ INSERT INTO tried (how, advice) SELECT how, advice FROM pg_nplusone
   WHERE query LIKE '%blog\_author WHERE%' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) $$;
SELECT s FROM (VALUES
    (1, 'plain', 'SET pg_nplusone.orm = auto', ''),
    (2, 'tagged', 'SET pg_nplusone.orm = auto', ' /*framework=''django%3A4.2''*/'),
    (3, 'application', 'SET application_name = ''bin/rails''', ''),
    (4, 'both', 'SET application_name = ''bin/rails''', ' /*framework=''django%3A4.2''*/'),
    (5, 'setting', 'SET pg_nplusone.orm = laravel', ' /*framework=''django%3A4.2''*/')) AS way(nr, how, preparation, tag),
  LATERAL (SELECT 1, 'SELECT pg_nplusone_reset()' UNION ALL SELECT 2, preparation
           UNION ALL SELECT 3, 'SELECT id, author_id FROM blog_post ORDER BY id LIMIT 8' || tag
           UNION ALL SELECT 3 + row_number() OVER (ORDER BY id), format('SELECT * FROM blog_author WHERE id = %s', author_id) || tag
                     FROM (SELECT * FROM blog_post ORDER BY id LIMIT 8) p
           UNION ALL SELECT 100, format('SELECT try(%L)', how)) AS u(n, s)
ORDER BY nr, n
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
RESET pg_nplusone.orm;
RESET application_name;
SELECT how, advice FROM tried ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA advice CASCADE;
