--
-- Reads that carry too much: pg_nplusone_heavy_reads.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
CREATE SCHEMA heavy;
SET search_path = heavy, public;
CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE post (
    id integer PRIMARY KEY,
    author_id integer NOT NULL REFERENCES author,
    posted date NOT NULL,
    title text NOT NULL,
    body text
);
CREATE INDEX ON post (author_id);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 200) n;
INSERT INTO post SELECT n, 1 + n % 200, date '2026-01-01' + n * 7 % 30, 'post ' || n,
                        (SELECT string_agg(md5((n * i)::text), '') FROM generate_series(1, 40) i)
  FROM generate_series(1, 2000) n;
CREATE TABLE entry (id integer PRIMARY KEY, post_id integer NOT NULL REFERENCES post, points integer);
INSERT INTO entry SELECT n, 1 + n % 2000, n % 50 FROM generate_series(1, 12000) n;
ANALYZE;

-- what has been listed since the last look; what is read here is not counted
CREATE FUNCTION found(OUT finding text, OUT calls bigint, OUT rows bigint, OUT columns text, OUT query text)
RETURNS SETOF record LANGUAGE sql AS
$$ SELECT finding, calls, rows, columns::text, query FROM pg_nplusone_heavy_reads
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND query !~ 'gexec' ORDER BY query, finding $$;
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- wide_columns: few columns carry most of a large result
--
\o /dev/null
SELECT * FROM post ORDER BY id LIMIT 300;
\o
SELECT * FROM found();
-- sizes are of the values as they are sent, whether they lie out of line or not
SELECT round(column_share[1]::numeric, 2) AS share, total_bytes = mean_bytes AS one_call,
       abs(mean_bytes / (SELECT sum(octet_length(body) + octet_length(title) + 12) FROM post WHERE id <= 300) - 1) < 0.01 AS exact
  FROM pg_nplusone_heavy_reads WHERE finding = 'wide_columns';
ALTER TABLE post ALTER body SET STORAGE EXTERNAL;
CREATE TABLE document (id integer PRIMARY KEY, note text, body text, picture bytea);
ALTER TABLE document ALTER picture SET STORAGE EXTERNAL;
-- bodies of several sizes, which compress well; pictures that are not compressed, and often null
INSERT INTO document SELECT n, 'n', repeat('many words ', 300 + n * 37 % 100),
                            CASE WHEN n % 2 = 0 THEN decode(repeat('00ff', 2000), 'hex') END
  FROM generate_series(1, 1500) n;
SELECT pg_nplusone_reset() >= 0 AS cleared;
\o /dev/null
SELECT * FROM document ORDER BY id;
SELECT * FROM document ORDER BY id;
\o
SELECT finding, calls, rows, columns, mean_rows,
       abs(mean_bytes / (SELECT sum(octet_length(body) + coalesce(octet_length(picture), 0) + 5) FROM document) - 1) < 0.2 AS fair,
       abs(column_share[1] / (SELECT sum(octet_length(body))::float8 / sum(octet_length(body) + coalesce(octet_length(picture), 0) + 5) FROM document) - 1) < 0.2 AS fair_share
  FROM pg_nplusone_heavy_reads WHERE finding = 'wide_columns';
SELECT pg_nplusone_reset() >= 0 AS cleared;

-- a column that is an expression is called what the result calls it
\o /dev/null
SELECT id, author_id, upper(body) AS loud FROM post WHERE id <= 200;
PREPARE list AS SELECT id, title, body FROM post WHERE id <= $1;
EXECUTE list(199);
\o
SELECT * FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;

-- Nothing is said
\o /dev/null
-- of a result without them,
SELECT id, author_id, posted, title FROM post;
-- of a column that was asked for by itself,
SELECT body FROM post;
-- of fewer rows than the sample has,
SELECT * FROM post WHERE id <= 60;
-- of less than 100 kB,
SELECT id, author_id, title, left(body, 1100) FROM post WHERE id <= 80;
-- of many columns of some size,
SELECT repeat(title, 10) a, repeat(title, 11) b, repeat(title, 12) c, repeat(title, 13) d FROM post;
-- of what stays in the server or is copied,
CREATE TABLE copy AS SELECT * FROM post;
INSERT INTO copy SELECT * FROM post;
COPY (SELECT * FROM post) TO STDOUT;
COPY post TO STDOUT;
DO $$ DECLARE p record; BEGIN FOR p IN SELECT * FROM post LOOP END LOOP; END $$;
CREATE FUNCTION posts() RETURNS SETOF post LANGUAGE sql AS $$ SELECT * FROM post ORDER BY posted $$;
SELECT count(*) FROM posts();
-- in pieces,
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM post ORDER BY title;
FETCH 500 FROM c;
FETCH 500 FROM c;
FETCH ALL FROM c;
COMMIT;
DECLARE h CURSOR WITH HOLD FOR SELECT * FROM post ORDER BY title DESC;
FETCH 300 FROM h;
CLOSE h;
-- of a plan that is explained,
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM post;
-- of what asks not to be followed,
SELECT *, 2 FROM post /* nplusone:ignore */;
SET pg_nplusone.track = 'none';
SELECT *, 3 FROM post;
RESET pg_nplusone.track;
-- where it is turned off, and without a sample.
SET pg_nplusone.heavy_result = -1;
SELECT *, 4 FROM post;
RESET pg_nplusone.heavy_result;
SET pg_nplusone.sample_rows = 0;
SELECT *, 5 FROM post;
RESET pg_nplusone.sample_rows;
\o
SELECT * FROM found();

-- It is the setting that decides what is large.
SET pg_nplusone.heavy_result = '10kB';
\o /dev/null
SELECT id, author_id, title, left(body, 1100) FROM post WHERE id <= 80;
\o
RESET pg_nplusone.heavy_result;
SELECT * FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- A loop that reads the columns again one by one says that they are needed:
-- the finding is withdrawn, and not made again.
--
\o /dev/null
SELECT * FROM post WHERE author_id < 50;
SELECT * FROM document WHERE id < 500;
\o
SELECT finding, columns FROM found();
\o /dev/null
SELECT id, title FROM post ORDER BY id LIMIT 8;
SELECT format('SELECT body FROM post WHERE id = %s', n) FROM generate_series(1, 8) n \gexec
\o
SELECT pattern, link FROM pg_nplusone WHERE pattern = 'deferred_column';
SELECT finding, columns FROM found();
\o /dev/null
SELECT * FROM post WHERE author_id < 60 ORDER BY title;
\o
SELECT finding, columns FROM found();
-- until all is forgotten
SELECT pg_nplusone_reset() > 0 AS cleared;
\o /dev/null
SELECT * FROM post WHERE author_id < 60 ORDER BY title;
\o
SELECT finding, columns FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- unbounded: many rows read at once, again and again, without LIMIT
--
\o /dev/null
SELECT id, points FROM entry;
\o
-- once is no habit
SELECT * FROM found();
\o /dev/null
SELECT id, points FROM entry;
\o
SELECT * FROM found();
\o /dev/null
SELECT id, points FROM entry;
\o
SELECT * FROM found();
SELECT total_bytes, mean_bytes, mean_rows FROM pg_nplusone_heavy_reads WHERE finding = 'unbounded';
SELECT pg_nplusone_reset() >= 0 AS cleared;

-- None of these says anything, however often.  LIMIT, whatever it is;
SELECT array_agg(id) AS all_posts FROM post \gset
\o /dev/null
SELECT id, points FROM entry LIMIT 11000;
SELECT id, points FROM entry LIMIT 11000;
-- fewer rows, and one number;
SELECT id FROM entry WHERE id > 2001;
SELECT id FROM entry WHERE id > 2001;
SELECT count(*) FROM entry;
SELECT count(*) FROM entry;
-- rows that a list named, as the statement does that replaces a loop;
SELECT * FROM entry WHERE post_id = ANY (:'all_posts');
SELECT * FROM entry WHERE post_id = ANY (:'all_posts');
SELECT e.* FROM unnest(:'all_posts'::integer[]) k JOIN entry e ON e.post_id = k;
SELECT e.* FROM unnest(:'all_posts'::integer[]) k JOIN entry e ON e.post_id = k;
-- what stays in the server, or is copied;
CREATE TEMP TABLE t AS SELECT * FROM entry;
INSERT INTO t SELECT * FROM entry;
INSERT INTO t SELECT * FROM entry;
DO $$ BEGIN PERFORM * FROM entry; PERFORM * FROM entry; END $$;
COPY (SELECT id FROM entry) TO STDOUT;
COPY (SELECT id FROM entry) TO STDOUT;
-- pieces;
BEGIN;
DECLARE c CURSOR FOR SELECT id, post_id FROM entry;
FETCH 11000 FROM c;
FETCH ALL FROM c;
CLOSE c;
DECLARE c CURSOR FOR SELECT id, post_id FROM entry;
FETCH ALL FROM c;
COMMIT;
-- tables that are nobody's;
SELECT * FROM generate_series(1, 20000);
SELECT * FROM generate_series(1, 20000);
-- and anything, where it is turned off.
SET pg_nplusone.heavy_rows = -1;
SELECT post_id FROM entry;
SELECT post_id FROM entry;
RESET pg_nplusone.heavy_rows;
\o
SELECT * FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;
-- the setting decides what is many, and rows that are locked count as well
SET pg_nplusone.heavy_rows = 1500;
\o /dev/null
SELECT id FROM post WHERE author_id > 0 FOR UPDATE;
SELECT id FROM post WHERE author_id > 0 FOR UPDATE;
PREPARE everything AS SELECT id, posted FROM post;
EXECUTE everything;
EXECUTE everything;
\o
RESET pg_nplusone.heavy_rows;
SELECT * FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- deep_offset: rows that are read and thrown away
--
\o /dev/null
SELECT id, title FROM post ORDER BY id LIMIT 10 OFFSET 1200;
-- bound
PREPARE page AS SELECT id, title FROM post ORDER BY title, id LIMIT $1 OFFSET $2;
EXECUTE page(10, 1500);
EXECUTE page(10, 990);
-- further down
SELECT p.id, a.name FROM (SELECT id, author_id FROM post ORDER BY id DESC LIMIT 10 OFFSET 1100) p JOIN author a ON a.id = p.author_id;
-- no more than there are
SELECT id FROM post WHERE id <= 1300 ORDER BY id OFFSET 100000;
-- nothing is said of these
SELECT title, id FROM post WHERE id <= 900 ORDER BY id OFFSET 100000;
SELECT posted FROM post ORDER BY id LIMIT 10 OFFSET 999;
SELECT id, posted FROM post ORDER BY id LIMIT 10;
SELECT posted, id FROM post ORDER BY id LIMIT 0 OFFSET 1800;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM post ORDER BY posted LIMIT 10 OFFSET 1200;
SET pg_nplusone.heavy_offset = -1;
SELECT title, posted FROM post ORDER BY id LIMIT 10 OFFSET 1500;
RESET pg_nplusone.heavy_offset;
\o
SELECT * FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;

-- In pieces an OFFSET skips once
\o /dev/null
BEGIN;
DECLARE c CURSOR FOR SELECT author_id, title FROM post ORDER BY id OFFSET 1900;
FETCH 10 FROM c;
FETCH 10 FROM c;
FETCH ALL FROM c;
COMMIT;
\o
SELECT finding, calls, rows FROM found();
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- What the advice gives for OFFSET returns the rows that OFFSET returned.  The
-- values are those of row 1200, the last that was skipped.
--
CREATE FUNCTION advised() RETURNS text LANGUAGE sql AS
$$ SELECT substring(advice from 'In SQL[^:]*: (.*)') FROM pg_nplusone_heavy_reads
    WHERE finding = 'deep_offset' ORDER BY last_seen DESC LIMIT 1 $$;

SELECT id, posted FROM post ORDER BY id LIMIT 3 OFFSET 1200;
SELECT advised() AS keyset \gset
\echo :keyset
PREPARE k1 AS :keyset;
EXECUTE k1(1200, 3);

-- the primary key decides between rows of the same date
SELECT id, posted FROM post WHERE title <> 'x' ORDER BY posted DESC, id DESC LIMIT 3 OFFSET 1200;
SELECT posted, id FROM post WHERE title <> 'x' ORDER BY posted DESC LIMIT 3 OFFSET 1200 \g /dev/null
SELECT advised() AS keyset \gset
\echo :keyset
SELECT id AS last_id, posted AS last_posted FROM post ORDER BY posted DESC, id DESC LIMIT 1 OFFSET 1199 \gset
PREPARE k2 AS :keyset;
EXECUTE k2('x', :'last_posted', :last_id, 3);

-- up and down, with a join that gives no row twice
SELECT p.id, posted, name FROM post p JOIN author a ON a.id = p.author_id
 WHERE a.id > 3 OR p.id < 5 ORDER BY posted, p.id DESC LIMIT 3 OFFSET 1200;
SELECT advised() AS keyset \gset
\echo :keyset
SELECT p.id AS last_id, posted AS last_posted FROM post p JOIN author a ON a.id = p.author_id
 WHERE a.id > 3 OR p.id < 5 ORDER BY posted, p.id DESC LIMIT 1 OFFSET 1199 \gset
PREPARE k3 AS :keyset;
EXECUTE k3(3, 5, :'last_posted', :last_id, 3);

-- no order at all, and a column that may be null
SELECT id, points FROM entry LIMIT 3 OFFSET 1200 \g /dev/null
SELECT advised();
SELECT id, points FROM entry ORDER BY points, id LIMIT 3 OFFSET 1200 \g /dev/null
SELECT substring(advice from 'In SQL.*') FROM pg_nplusone_heavy_reads WHERE query LIKE '%ORDER BY points, id%';

-- There is none where rows are not told apart by a table's columns
SET pg_nplusone.heavy_offset = 10;
SELECT DISTINCT points FROM entry ORDER BY points LIMIT 3 OFFSET 40 \g /dev/null
SELECT points, count(*) FROM entry GROUP BY points ORDER BY points LIMIT 3 OFFSET 40 \g /dev/null
SELECT a.name, p.id FROM author a JOIN post p ON p.author_id = a.id ORDER BY a.id LIMIT 3 OFFSET 40 \g /dev/null
SELECT id FROM post ORDER BY upper(title) LIMIT 3 OFFSET 40 \g /dev/null
SELECT id FROM post UNION SELECT id FROM author ORDER BY id LIMIT 3 OFFSET 40 \g /dev/null
RESET pg_nplusone.heavy_offset;
SELECT left(query, 60) AS query, advice FROM pg_nplusone_heavy_reads WHERE rows = 40 ORDER BY query;
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- Who sees what, and starting over
--
CREATE ROLE regress_nplusone_reader;
CREATE ROLE regress_nplusone_other;
GRANT USAGE ON SCHEMA heavy TO regress_nplusone_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA heavy TO regress_nplusone_reader;
SET pg_nplusone.tags = 'route=/posts';
SET application_name = 'shop';
\o /dev/null
SELECT * FROM post WHERE id <= 300 ORDER BY id;
SET ROLE regress_nplusone_reader;
SELECT * FROM post WHERE id <= 300 ORDER BY id;
\o
SELECT userid::regrole, queryid IS NOT NULL AS queryid, query, finding, calls, rows, columns,
       column_share[1] > 0.9 AS share, application_name, tags, advice IS NOT NULL AS advice
  FROM pg_nplusone_heavy_reads WHERE userid = current_user::regrole;
SET ROLE regress_nplusone_other;
SELECT userid::regrole, queryid, query, finding, calls, rows, columns, column_share, application_name, tags, advice
  FROM pg_nplusone_heavy_reads WHERE userid = 'regress_nplusone_reader'::regrole;
RESET ROLE;
RESET pg_nplusone.tags;
SELECT count(*) FROM pg_nplusone_heavy_reads WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT pg_nplusone_reset(clusterid => 4711);
SELECT count(*) FROM pg_nplusone_heavy_reads WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT pg_nplusone_reset(userid => 'regress_nplusone_reader'::regrole);
SELECT count(*) FROM pg_nplusone_heavy_reads WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT pg_nplusone_reset(dbid => (SELECT oid FROM pg_database WHERE datname = 'template1'));
SELECT count(*) FROM pg_nplusone_heavy_reads WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT pg_nplusone_reset(dbid => (SELECT oid FROM pg_database WHERE datname = current_database()));
SELECT count(*) FROM pg_nplusone_heavy_reads WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());

--
-- The report carries them, and no name in it gets out of hand
--
\o /dev/null
SELECT id, title, body AS "<i>&body" FROM post WHERE id <= 300;
SELECT id, posted FROM post ORDER BY id LIMIT 3 OFFSET 1200;
\o
SELECT string_agg(k, ' ' ORDER BY k) AS heavy_read
  FROM jsonb_object_keys(pg_nplusone_report('json')::jsonb #> '{heavy_reads,0}') k;
SELECT jsonb_typeof(h -> 'columns') AS columns, h ->> 'finding' AS finding, h ->> 'calls' AS calls, h ->> 'mean_rows' AS mean_rows
  FROM jsonb_array_elements(pg_nplusone_report('json')::jsonb -> 'heavy_reads') h ORDER BY 2;
SELECT regexp_replace(substring(pg_nplusone_report() from 'Heavy reads.*?(?=\n\n[^1-9]|$)'), 'from [^,]*,', 'from me,', 'g') AS report;
SELECT pg_nplusone_report('html') LIKE '%<h2>Heavy reads</h2>%' AS section,
       pg_nplusone_report('html') LIKE '%is in body;%' AS advice,
       pg_nplusone_report('html') LIKE '%<i>&body%' AS hostile,
       pg_nplusone_report('html') LIKE '%&lt;i&gt;&amp;body%' AS escaped;
-- a document of before has none
SELECT pg_nplusone_report_text(pg_nplusone_report_document() - 'heavy_reads' - 'connections', 80) LIKE '%Heavy reads%' AS text,
       pg_nplusone_report_html(pg_nplusone_report_document() - 'heavy_reads' - 'connections') LIKE '%Heavy reads%' AS html;
SELECT pg_nplusone_reset() >= 0 AS cleared;

--
-- There is room for so many findings; those seen last stay
--
\o /dev/null
SELECT format('SELECT id, body AS b%s FROM post WHERE id <= 100%s', n, repeat(' AND id > 0', n))
  FROM generate_series(1, 70) n
\set ECHO none
\gexec
\set ECHO all
\o
SELECT count(*), bool_or(query LIKE 'SELECT id, body AS b70 %') AS last FROM pg_nplusone_heavy_reads;
SELECT pg_nplusone_reset() >= 0 AS cleared;

RESET application_name;
SET client_min_messages = warning;
DROP SCHEMA heavy CASCADE;
DROP OWNED BY regress_nplusone_reader;
DROP ROLE regress_nplusone_reader, regress_nplusone_other;
