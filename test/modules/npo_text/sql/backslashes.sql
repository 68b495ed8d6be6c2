--
-- backslashes: what the text says hangs on standard_conforming_strings
--
-- PostgreSQL 19 has one reading only, so there is nothing to test.
SELECT current_setting('server_version_num')::int >= 190000 AS one_reading \gset
\if :one_reading
\quit
\endif

SET client_min_messages = warning;
CREATE OR REPLACE FUNCTION normalize_bytes(bytea, location int, len int, maxbytes int) RETURNS bytea
  LANGUAGE c STRICT AS 'npo_text', 'npo_normalize';
CREATE OR REPLACE FUNCTION norm(q text, maxbytes int DEFAULT 2048, location int DEFAULT -1, len int DEFAULT 0) RETURNS text
  LANGUAGE sql SET client_min_messages = notice
  AS $$ SELECT convert_from(normalize_bytes(convert_to(q, 'UTF8'), location, len, maxbytes), 'UTF8') $$;

SET escape_string_warning = on;
SELECT norm($q$SELECT 'a\', 5, 'b'$q$);
SELECT norm($q$SELECT a LIKE 'x' ESCAPE '\' AND b LIKE $1 ESCAPE '\' AND c = 'y' ORDER BY d$q$);
SET standard_conforming_strings = off;
SELECT norm($q$SELECT 'it\'s', 5, 'b', 'c:\\'$q$);
SELECT norm($q$SELECT 'a\\''b', 'a\n', 5$q$);
-- parsed before the setting was changed: nothing is read behind the literal
SELECT norm($q$SELECT 'a\', 'secret'$q$);
SELECT norm($q$SELECT U&'d\0061t', 'a\', 'secret'$q$);
-- both readings come to an end: likewise
SELECT norm($q$SELECT 'a\', 'secret', b.' OR 'x\' c$q$);
SET backslash_quote = off;
SELECT norm($q$SELECT E'it\'s', 'it\'s', 5$q$);
RESET backslash_quote;
RESET standard_conforming_strings;
SELECT norm($q$SELECT 'it\'s', secret, 5$q$);

-- Random statements of awkward pieces.  zq9 and 779 are literals or comments
-- in all of them, so neither may survive: not from a statement that was parsed
-- under another standard_conforming_strings, nor from the beginning of one.
CREATE FUNCTION random_sql(pieces text[], most int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(string_agg(pieces[1 + floor(random() * cardinality(pieces))::int], ''), '')
  FROM generate_series(1, floor(random() * (most + 1))::int) $$;
CREATE FUNCTION leaks(stray text[]) RETURNS int LANGUAGE plpgsql AS $do$
DECLARE
  -- Whatever two of them meet, they stay apart: no '' or continued literal.
  common text[] := ARRAY[' ''zq9''', ' E''zq9\'' ''', ' e''zq9\\''', ' $q$zq9$q$', ' $$zq9''$$',
    ' 779', ' -779', ' 779.5e3', ' b''1''', ' x''77''', ' ''zq9''::text', ' date ''zq9''', ' IN (', 'ARRAY[', ' VALUES (', '(',
    ')', '),(', ',', ', ', ']', ' ', ' a ', ' $1', '"c"', '/* zq9 */', E'--zq9\n a', '::int', ' ''zq9'' ''zq9''', '-', ' AND ',
    '=', ';', 'null', ' ''zq9\\''', E'\n a'] || stray;
  modes text[] := ARRAY['on', 'off'];
  pieces text[];
  parsed int;
  q text;
  got text;
  leaks int := 0;
BEGIN
  PERFORM setseed(0.5);
  FOR round IN 1..20000 LOOP
    parsed := 1 + round % 2;
    pieces := common || CASE parsed
      WHEN 1 THEN ARRAY[' ''zq9\''', ' ''\''', ' N''zq9\''', ' U&''zq9''', ' U&''zq9'' UESCAPE ''!''', ' U&"d"']
      ELSE ARRAY[' ''zq9\''zq9''', ' ''\''''', ' ''zq9\''''', ' N''\''zq9''']
    END;
    q := random_sql(pieces, 16);
    IF round % 3 = 0 THEN
      PERFORM set_config('standard_conforming_strings', modes[parsed], true);
      q := left(q, floor(random() * length(q))::int);
    ELSE
      PERFORM set_config('standard_conforming_strings', modes[1 + floor(random() * 2)::int], true);
    END IF;
    got := norm(q, 10 + floor(random() * 200)::int);
    IF got ~ '779|''' OR (stray = '{}' AND got ~ 'zq9') THEN
      leaks := leaks + 1;
      RAISE WARNING 'leak under %, parsed under %: % as %', current_setting('standard_conforming_strings'), modes[parsed], q, got;
    END IF;
  END LOOP;
  RETURN leaks;
END $do$;
SELECT leaks('{}');
-- no SQL under any reading: still no number, no quote, no error
SELECT leaks(ARRAY['''', '\', '/*', '$q$', E'\x01']);
