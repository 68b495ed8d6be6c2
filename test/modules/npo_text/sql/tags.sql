--
-- tags: what programs say of themselves in the comments of their statements
--
SET client_min_messages = warning;
CREATE FUNCTION tags_of_bytes(bytea) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags';
CREATE FUNCTION json_of_bytes(bytea, int) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags_json';
CREATE FUNCTION tags_of_list(text) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags_list';
CREATE FUNCTION hash_of_bytes(bytea) RETURNS bigint
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags_hash';
CREATE FUNCTION route_of_bytes(bytea, int) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags_route';
CREATE FUNCTION ignore_of_bytes(bytea) RETURNS boolean
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags_ignore';
CREATE FUNCTION comment_of_bytes(bytea) RETURNS bytea
  LANGUAGE c STRICT AS 'npo_text', 'npo_tags_find_comment';

CREATE FUNCTION bytes(text) RETURNS bytea LANGUAGE sql IMMUTABLE
  AS $$ SELECT convert_to($1, 'UTF8') $$;
CREATE FUNCTION tags(text) RETURNS text LANGUAGE sql
  AS $$ SELECT tags_of_bytes(bytes($1)) $$;
CREATE FUNCTION hash(text) RETURNS bigint LANGUAGE sql
  AS $$ SELECT hash_of_bytes(bytes($1)) $$;
CREATE FUNCTION route(text, int DEFAULT 600) RETURNS text LANGUAGE sql
  AS $$ SELECT route_of_bytes(bytes($1), $2) $$;
CREATE FUNCTION ignored(text) RETURNS boolean LANGUAGE sql
  AS $$ SELECT ignore_of_bytes(bytes($1)) $$;
CREATE FUNCTION comment_of(text) RETURNS text LANGUAGE sql
  AS $$ SELECT convert_from(comment_of_bytes(bytes($1)), 'UTF8') $$;

-- Where a comment is looked for: at the end, else at the beginning.
SELECT q, comment_of(q) FROM (VALUES
  ('SELECT 1'),
  (''),
  ('/'), ('*/'), ('/*'), ('/*/'), ('/**/'), ('/***/'),
  ('SELECT 1 /*a*/'),
  (E'SELECT 1 /*a*/ ;\n; '),
  (E' \t/*b*/ SELECT 1'),
  ('/*b*/ SELECT 1 /*a*/'),
  ('SELECT /*c*/ 1'),
  ('SELECT 1 /* outer /* inner */ */'),
  ('/* outer /* inner */ */ SELECT 1'),
  ('/* never closed'),
  ('SELECT ''/*'' /*a*/')) AS v(q);

-- sqlcommenter: decoded keys and values, escaped quotes, unknown keys
SELECT q, tags(q) FROM (VALUES
  ($$SELECT 1 /*action='index',controller='posts'*/$$),
  ($$SELECT 1 /* action = 'index' , controller='posts' */;$$),
  ($$/*route='%2Fposts%2F%3Aid'*/ SELECT 1$$),
  ($$SELECT 1 /*db%5Fdriver='psycopg2%3A2.9',x='it\'s',y='%27'*/$$),
  ($$SELECT 1 /*anything='a%20%22b%22%5C',empty=''*/$$),
  ($$SELECT 1 /*a='1',a='2'*/$$),
  ($$SELECT 1 /*a='caf%C3%A9 ü'*/$$),
  ($$SELECT 1 /*plus='a+b'*/$$)) AS v(q);

-- marginalia and Rails query logs
SELECT q, tags(q) FROM (VALUES
  ('SELECT 1 /*application:Blog,controller:posts,action:index*/'),
  ('SELECT 1 /* application: My Blog , controller:Admin::PostsController */'),
  ('/*job:PurgeJob*/ DELETE FROM t'),
  ('SELECT 1 /*controller:posts,pct:50%25,line:/app/models/post.rb:12*/'),
  ('SELECT 1 /*controller:posts,action:*/')) AS v(q);

-- Several comments: the last one with tags counts, others do not disturb.
SELECT tags($$/*controller:old*/ SELECT 1 /*route='%2Fnew'*/ /* seen by dba */$$);
SELECT tags($$/*+ SeqScan(t) */ /*controller:posts*/ SELECT 1 /* checked */$$);

-- Prose, hints and malformed comments are no tags.
SELECT q FROM (VALUES
  ('SELECT 1 /* approved query */'),
  ('SELECT 1 /* note: runs at night */'),
  ('SELECT 1 /* action: clean the table up */'),
  ('SELECT 1 /* see https://example.com/x */'),
  ('SELECT 1 /* https://example.com/x */'),
  ('SELECT 1 /* 12:30 */'),
  ('SELECT 1 /*+ IndexScan(t) */'),
  ('SELECT 1 /* a = b */'),
  ('SELECT 1 /**/'),
  ('SELECT 1 /*=*/'),
  ('SELECT 1 /*:*/'),
  ($$SELECT 1 /*a='b*/$$),
  ($$SELECT 1 /*a='b',*/$$),
  ($$SELECT 1 /*,a='b'*/$$),
  ($$SELECT 1 /*a='b' c='d'*/$$),
  ($$SELECT 1 /*a='b'c*/$$),
  ($$SELECT 1 /*a='b',c*/$$),
  ($$SELECT 1 /*a='b',c=d*/$$),
  ($$SELECT 1 /*a='b',c:d*/$$),
  ($$SELECT 1 /*='b'*/$$),
  ($$SELECT 1 /*a='%'*/$$),
  ($$SELECT 1 /*a='%4'*/$$),
  ($$SELECT 1 /*a='%zz'*/$$),
  ($$SELECT 1 /*%4='b'*/$$),
  ($$SELECT 1 /*a='b\'*/$$),
  ($$SELECT 1 /*a b='c'*/$$),
  ('SELECT 1 /*controller:posts,no colon*/')) AS v(q)
WHERE tags(q) IS NOT NULL;

-- Control characters go, a pair in no valid encoding goes alone.
SELECT tags($$SELECT 1 /*a='x%00%0A%1F%7Fy',b='ok'*/$$);
SELECT tags($$SELECT 1 /*a='%FF',%C3='x',b='ok',c='%C3%28'*/$$);
SELECT tags_of_bytes('\x2f2a613d27ff272c623d276f6b272a2f');
SELECT tags($$SELECT 1 /*a='%FF'*/$$);

-- Bounds: 16 pairs, 512 bytes; what does not fit is dropped whole.
SELECT tags('/*' || string_agg(format('k%s=''v''', i), ',' ORDER BY i) || '*/')
FROM generate_series(1, 20) AS i;
SELECT length(tags(format($$/*a='1',b='%s',c='3'*/$$, repeat('x', len)))) AS json
FROM unnest(ARRAY[505, 506, 507, 508, 509, 600]) AS len;
SELECT tags(format($$/*a='1',b='%s',c='3'*/$$, repeat('%41', 1000)));
SELECT length(tags('/*a=''' || repeat('%22', 511) || '''*/'));
SELECT tags(format($$SELECT 1 /*a='1'%s*/$$, repeat(' ', 4082))) AS longest,
       tags(format($$SELECT 1 /*a='1'%s*/$$, repeat(' ', 5000))) AS too_long;

-- The JSON object is whole in a buffer of any size.
SELECT DISTINCT json_of_bytes(bytes($$/*a='"1',bc='\'2'*/$$), size)
FROM generate_series(1, 30) AS size ORDER BY 1;

-- The request: traceparent's trace-id, else request_id, else the route.
CREATE TEMP TABLE request (name text, q text);
INSERT INTO request VALUES
  ('trace', $$/*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',route='a'*/$$),
  ('trace, other span', $$/*traceparent='00-4BF92F3577B34DA6A3CE929D0E0E4736-1111111111111111-00',route='b'*/$$),
  ('other trace', $$/*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01',route='a'*/$$),
  ('no trace', $$/*traceparent='00-00000000000000000000000000000000-00f067aa0ba902b7-01',route='a'*/$$),
  ('bad trace', $$/*traceparent='4bf92f',route='a'*/$$),
  ('id', $$/*request_id='17',route='a'*/$$),
  ('other id', $$/*request_id='18',route='a'*/$$),
  ('route', $$/*route='a'*/$$),
  ('route in capitals', $$/*route='A'*/$$),
  ('action', '/*controller:posts,action:index*/'),
  ('other action', '/*controller:posts,action:show*/'),
  ('application only', '/*application:Blog*/'),
  ('untagged', 'SELECT 1');
SELECT min(name) AS name, array_agg(name ORDER BY name) AS same_request, bool_or(hash(q) = 0) AS none
FROM request GROUP BY hash(q) ORDER BY 1;

SELECT q, route(q) FROM (VALUES
  ($$/*route='%2Fposts%2F%3Aid',controller='posts'*/$$),
  ('/*controller:posts,action:index*/'),
  ('/*controller:posts*/'),
  ('/*action:index*/'),
  ($$/*route='',controller='posts'*/$$),
  ('/*application:Blog*/'),
  ('SELECT 1')) AS v(q);
SELECT size, route($$/*controller='é',action='ü'*/$$, size)
FROM generate_series(1, 7) AS size;

-- The setting
SELECT list, tags_of_list(list) FROM (VALUES
  ('route=/posts,controller=posts'),
  (' route = /posts , controller = ''posts'' '),
  ('route=%2Fposts%2C1,note=two words'),
  ('a=''x,y'',b='),
  (''), ('  '),
  ('route'), ('=x'), ('a=b,'), (',a=b'), ('a=''b'), ('a=''b''c'), ('a=%g1'),
  ('a:b')) AS v(list);

-- Not to be tracked
SELECT q, ignored(q) FROM (VALUES
  ('SELECT 1 /* nplusone:ignore */'),
  ('SELECT 1 /*nplusone:ignore*/;'),
  (E'/*\tNPlusOne :  IGNORE\n*/ SELECT 1'),
  ('/*controller:posts*/ /*nplusone:ignore*/ SELECT 1'),
  ('SELECT 1 /*nplusone:ignore*/ /*controller:posts*/'),
  ('SELECT 1'),
  ('SELECT /* nplusone:ignore */ 1'),
  ('SELECT 1 /* nplusone:ignored */'),
  ('SELECT 1 /* not nplusone:ignore */'),
  ('SELECT 1 /* nplusone */'),
  ('SELECT 1 /* nplusone:ignore'),
  ('SELECT ''/* nplusone:ignore */''')) AS v(q);

-- 12,000 random comments in sqlcommenter's notation come back as they were;
-- each one damaged in one of eight ways carries no tags at all.
CREATE FUNCTION random_text(alphabet text[], low int, high int) RETURNS text
  LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(string_agg(alphabet[1 + floor(random() * cardinality(alphabet))::int], ''), '')
  FROM generate_series(1, low + floor(random() * (high - low + 1))::int) $$;
CREATE FUNCTION url_encoded(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(string_agg(CASE WHEN c ~ '^[A-Za-z0-9_.-]$' THEN c
                    ELSE regexp_replace(encode(bytes(c), 'hex'), '(..)', '%\1', 'g') END,
                  '' ORDER BY i), '')
  FROM regexp_split_to_table(value, '') WITH ORDINALITY AS s(c, i) $$;
CREATE FUNCTION damaged(body text, way int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE way
    WHEN 0 THEN left(body, -1)
    WHEN 1 THEN body || ','
    WHEN 2 THEN ',' || body
    WHEN 3 THEN overlay(body placing '%' from length(body) for 0)
    WHEN 4 THEN body || ' x'
    WHEN 5 THEN 'some prose ' || body
    WHEN 6 THEN overlay(body placing '%x1' from length(body) for 0)
    WHEN 7 THEN body || body
  END $$;
DO $$
DECLARE
  alphabet text[] := ARRAY['a','B','7','_','.','-',' ','''','"','\','%','/','*',',','=',':',';','é','漢','😀'];
  letters text[] := ARRAY['a','b','c','D','_','é','7'];
  good int := 0;
  bad int := 0;
  want jsonb;
  body text;
  got text;
BEGIN
  PERFORM setseed(0.25);
  FOR round IN 1..12000 LOOP
    want := '{}';
    body := '';
    FOR i IN 1..1 + floor(random() * 5)::int LOOP
      want := want || jsonb_build_object(i || random_text(letters, 1, 8), random_text(alphabet, 0, 15));
    END LOOP;
    SELECT string_agg(url_encoded(key) || '=''' || url_encoded(value) || '''', ',') INTO body
    FROM jsonb_each_text(want);
    IF round % 3 = 0 THEN
      body := replace(body, '%27', '\''');
    END IF;
    got := tags(format('SELECT %s /*%s*/', round, body));
    IF got IS NULL OR got::jsonb <> want THEN
      RAISE WARNING 'misread: % as %', body, got;
    ELSE
      good := good + 1;
    END IF;
    body := damaged(body, round % 8);
    got := tags(format('SELECT %s /*%s*/', round, body));
    IF got IS NOT NULL THEN
      RAISE WARNING 'read: % as %', body, got;
    ELSE
      bad := bad + 1;
    END IF;
  END LOOP;
  RAISE WARNING 'good %, bad %', good, bad;
END $$;

-- 40,000 comments of random pieces and bytes: nothing but valid JSON objects
-- of at most 16 pairs comes back, and no prose.
DO $$
DECLARE
  pieces text[] := ARRAY['/*','*/','a','controller','route','=',':','''',',','\','\''','%41','%','%0','%C3%A9','%C3','%00',' ',
    'x y','nplusone:ignore','traceparent','00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01','é',';',E'\n','/','*'];
  body bytea;
  got text;
  sum bigint := 0;
BEGIN
  PERFORM setseed(0.75);
  FOR round IN 1..40000 LOOP
    body := bytes(random_text(pieces, 0, 14));
    IF round % 3 = 0 THEN
      body := body || decode(lpad(to_hex(floor(random() * 256)::int), 2, '0'), 'hex');
    END IF;
    IF round % 4 > 0 THEN
      body := bytes('/*') || body || bytes('*/');
    END IF;
    got := tags_of_bytes(body);
    IF (SELECT count(*) FROM jsonb_object_keys(got::jsonb)) NOT BETWEEN 0 AND 16
       OR got IS NOT NULL AND position('\x2f2a'::bytea IN body) = 0
       OR got IS NOT NULL AND body::text !~ '3d|3a' THEN
      RAISE WARNING 'misread: % as %', body, got;
    END IF;
    sum := sum + hash_of_bytes(body) * 0 + length(route_of_bytes(body, 1 + round % 40)) * 0
      + ignore_of_bytes(body)::int * 0;
  END LOOP;
  RAISE WARNING 'done %', sum;
END $$;
