--
-- normalize: the text of one statement without its values
--
SET client_min_messages = warning;
CREATE FUNCTION normalize_bytes(bytea, location int, len int, maxbytes int) RETURNS bytea
  LANGUAGE c STRICT AS 'npo_text', 'npo_normalize';
CREATE FUNCTION norm(q text, maxbytes int DEFAULT 2048, location int DEFAULT -1, len int DEFAULT 0) RETURNS text
  LANGUAGE sql SET client_min_messages = notice
  AS $$ SELECT convert_from(normalize_bytes(convert_to(q, 'UTF8'), location, len, maxbytes), 'UTF8') $$;

-- Constants in every spelling
SELECT norm(q) FROM (VALUES
  ($q$SELECT 1, 1.5, .5, 5., 1e10, 1.5E-3, 99999999999999999999$q$),
  ($q$SELECT 'a', 'it''s', '', 'a' || 'b'$q$),
  ($q$SELECT E'a\'b', e'\\', E'\x41', E'\u00e9'$q$),
  ($q$SELECT U&'d\0061t', u&'d!0061t' UESCAPE '!' AS x, u&'a'$q$),
  ($q$SELECT B'101', b'1', X'1F', x'', N'abc'$q$),
  ('SELECT $$a$$, $x$ $$ 5 $y$ $x$, $é$5$é$'),
  (E'SELECT ''a''\n  ''b'', 5'),
  ($q$SELECT date '2020-01-01', interval '1 day', interval '1' DAY, timestamp with time zone '2020-01-01'$q$),
  ($q$SELECT date'2020-01-01', 'x'AS y, 5 AS z$q$),
  ($q$SELECT '5'::int, 5::text, CAST('7' AS int), '{1,2}'::int[], 1::numeric(10,2)$q$),
  ($q$SELECT a->'k', a->>'k', a#>>'{a,b}', a['k'], a[1], a[1:2], a @> '{"x": 5}'$q$),
  ($q$SELECT TRUE, false, Null, NOT true$q$),
  ($q$SELECT * FROM t ORDER BY 1, 2 DESC LIMIT 10 OFFSET 20$q$),
  ($q$SELECT * FROM t FETCH FIRST 5 ROWS ONLY$q$),
  ($q$CREATE TABLE t (a numeric(10,2), b varchar(20) DEFAULT 'x')$q$),
  ($q$ALTER ROLE joe PASSWORD 'secret'$q$),
  ('DO $$BEGIN PERFORM 5; END$$')) AS v(q);

-- A sign is part of its number, an operator is not.
SELECT norm(q) FROM (VALUES
  ('SELECT -5, +5, - 5, -5.5, (-5), f(-1, -2), a[-1], -x, -$1'),
  ('SELECT a-5, a - 5, a -5, a*-5, a - -5, a+-5, 5-5, (a)-5, a[1]-5, $1-5, "a"-5'),
  ('SELECT a FROM t WHERE a=-5 AND a>=-5 AND a <> -5 OR NOT -5 = a'),
  ('SELECT CASE WHEN -1 THEN -2 ELSE -3 END - 4'),
  ('SELECT null - 5, current_date - 5, year - 5, t.value - 5'),
  ('SELECT a BETWEEN -5 AND -3, a IN (-1), LIMIT -1'),
  ('SELECT - - 5, -(5)')) AS v(q);

-- Numbers go on from the statement's own parameters, and not from a $n that
-- is no parameter.
SELECT norm(q) FROM (VALUES
  ('SELECT a FROM t WHERE b = 5 AND c = $1 AND d = 6'),
  ('SELECT $7, 5, $2'),
  ($q$SELECT 5, '$99', "$98", $$$97$$ /* $96 */ -- $95$q$),
  ('SELECT 5, $2000000'),
  ('SELECT 1,2,3,4,5,6,7,8,9,10,11')) AS v(q);

-- Lists
SELECT norm(q) FROM (VALUES
  ('SELECT a IN (1), a IN ($1), a IN (''x'')'),
  ('SELECT a IN (1, 2, 3), b = 5'),
  ('SELECT a in(1,2) , b NOT IN ( 1 , 2 )'),
  ('SELECT a IN ($1, $2, $3) AND b = 5 AND c = $4'),
  ('SELECT a IN ($1, 2, NULL, true)'),
  ('SELECT a IN (-1, - 2, +3)'),
  ('SELECT a IN (''a''::text, ''b''::varchar(20), ''c''::character varying)'),
  ('SELECT a IN ($1::int, $2::int) AND b = ANY (ARRAY[$3::timestamp with time zone, $4::timestamp with time zone])'),
  ('SELECT a IN (date ''2020-01-01'', date ''2020-01-02'')'),
  ('SELECT a = ANY (ARRAY[1,2]), a = ANY (ARRAY[1]), ARRAY[ARRAY[1,2],ARRAY[3,4]], ARRAY[[1,2],[3,4]]'),
  ('SELECT (a, b) IN ((1,2),(3,4)), (a, b) IN ((1,2))'),
  ('SELECT a IN (1, 2, b, 3), a IN (b, c), a IN (1, 2 + 3), a IN (f(1), f(2))'),
  ('SELECT a IN (SELECT b FROM t WHERE c IN (1,2)), f(1, 2), (1, 2)'),
  ('SELECT a IN (1,2)AND b')) AS v(q);
SELECT norm(q) FROM (VALUES
  ($q$INSERT INTO t VALUES (1,'a'), (2,'b')$q$),
  ($q$INSERT INTO t(a, b) VALUES (1, 'a'),(2, 'b'),(3, 'c') ON CONFLICT (a) DO UPDATE SET b = 'x' RETURNING 5$q$),
  ($q$INSERT INTO t VALUES ($1, $2), ($3, $4)RETURNING a$q$),
  ($q$INSERT INTO t VALUES (1, now(), (SELECT 1), DEFAULT), (2, now(), (SELECT 2), NULL)$q$),
  ($q$INSERT INTO t VALUES (1, ARRAY[1,2], (SELECT max(x) FROM (VALUES (1),(2)) v(x))), (2, ARRAY[3], 5)$q$),
  ($q$INSERT INTO t VALUES (1)$q$),
  ($q$INSERT INTO t DEFAULT VALUES$q$),
  ($q$SELECT * FROM (VALUES (1), (2)) AS v(x), u WHERE y IN (VALUES (1), (2))$q$),
  ($q$SELECT a FROM t WHERE b = ANY (VALUES (1), (2)) AND c IN (1, 2)$q$)) AS v(q);

-- Spaces and comments; quoted identifiers and spelling stay.
SELECT norm(q) FROM (VALUES
  (E'  SELECT\t1 ,\n\n  2  ;  '),
  (E'/* a */SELECT/* b /* nested 5 */ ''x'' */1/**/-- c 7\n, 2 -- d'),
  (E'SELECT "A  b""5", Foo, bar FROM "Täble 5", "x--y", "/*"'),
  (E'SELECT U&"d\\0061t", U&"d!0061t" UESCAPE ''!'''),
  ('SELECT a||b,c<=d,e::int , f . g'),
  (';;'), (''), ('  -- nothing'), ('/* nothing */')) AS v(q);

-- One statement of several
SELECT norm(q, 2048, location, len) FROM (VALUES
  ('SELECT 1; SELECT 2; SELECT 3', 0, 8),
  ('SELECT 1; SELECT 2; SELECT 3', 9, 9),
  ('SELECT 1; SELECT 2; SELECT 3', 19, 0),
  ('SELECT 1; SELECT 2; SELECT 3;', -1, 0),
  ('SELECT $9; SELECT 2', 10, 9),
  ('SELECT 1', 100, 5),
  ('SELECT 1', 0, 100),
  ('SELECT 1', -1, 3)) AS v(q, location, len);

-- What is not SQL to the end is cut behind the last good word.
SELECT norm(q) FROM (VALUES
  ($q$SELECT 5, 'secret$q$),
  ($q$SELECT 5, "secret$q$),
  ($q$SELECT 5, $x$secret$q$),
  ($q$SELECT 5, E'secret\u12'$q$),
  ($q$SELECT 5, U&'secret\q'$q$),
  ($q$SELECT 5 /* secret$q$),
  ($q$SELECT 5, 123secret$q$),
  ($q$SELECT a IN (1, 2, 3, 'secret$q$),
  ($q$INSERT INTO t VALUES (1), (2), ('secret$q$),
  ($q$'secret$q$),
  ($q$SELECT 5 \ 'secret'$q$),
  ($q$SELECT '5' ''' secret$q$)) AS v(q);

-- Bytes that are no text at all
SELECT convert_from(normalize_bytes(q, -1, 0, 2048), 'UTF8') FROM (VALUES
  ('\x53454c45435420452761ff5c78666627'::bytea),
  ('\x53454c454354202761ff27'),
  ('\x53454c454354204527c35c78323827')) AS v(q);
SELECT normalize_bytes('\x53454c45435420ff2c2035', -1, 0, 20) AS identifier,
       normalize_bytes('\x53454c45435420e28082e280', -1, 0, 11) AS cut;

-- No second notice for an identifier that is too long
SELECT norm('SELECT 5, ' || repeat('x', 70) || ', "' || repeat('y', 70) || '"');

-- Truncation to bytes, never inside a character
SELECT size, norm('SELECT "éàü漢😀" FROM t WHERE a = 5', size) FROM generate_series(0, 40) AS size;
SELECT size, norm('SELECT 5;  ', size) FROM generate_series(7, 10) AS size;
SELECT size, norm('SELECT a IN (1, 2, 3)', size) FROM generate_series(16, 24) AS size;
SELECT size, norm('VALUES (1), (2), (3)', size) FROM generate_series(10, 18) AS size;

-- Long statements: the same text, whatever the length
SELECT norm('SELECT * FROM t WHERE id IN (' || string_agg(i::text, ', ') || ') AND x = 5 AND y = $1')
FROM generate_series(1, 100000) AS i;
SELECT norm('SELECT * FROM t WHERE id IN (' || string_agg(quote_literal(md5(i::text)), ',') || ') AND x = 5')
FROM generate_series(1, 100000) AS i;
SELECT norm('SELECT * FROM t WHERE id = ANY (ARRAY[' || string_agg('-' || i, ', ') || ']) AND x = 5', 60)
FROM generate_series(1, 100000) AS i;
SELECT norm('INSERT INTO t VALUES ' || string_agg(format('(%s, now(), ''x'')', i), ', ') || ' RETURNING 5')
FROM generate_series(1, 100000) AS i;
SELECT norm('SELECT * FROM t WHERE id IN (' || string_agg('$' || i, ', ') || ') AND x = 5')
FROM generate_series(1, 65535) AS i;
SELECT norm('SELECT ' || string_agg('f(' || i || ')', ', '), 40) FROM generate_series(1, 100000) AS i;
SELECT norm('SELECT ' || repeat('(', 100000) || '5' || repeat(')', 100000) || ', 6', 30);
SELECT norm('SELECT ''' || repeat('x', 3000000) || ''', 5');
-- more source than is read: cut, and never inside a literal
SELECT norm('SELECT a, ''' || repeat('x', 5000000) || ''', 5');
SELECT norm('SELECT a IN (' || repeat('1234567, ', 600000) || '5) AND b = 5');
SELECT norm('SELECT a ' || repeat(' ', 4194304 - 12) || '12345678');
