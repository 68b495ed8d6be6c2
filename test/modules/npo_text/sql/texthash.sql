--
-- texthash: which literals may differ between texts that mean the same
--
SET client_min_messages = warning;
CREATE FUNCTION texthash(statement text, standard_strings boolean DEFAULT true) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_texthash';

-- "a" and "b" are put for the question mark: is the number the same?
CREATE FUNCTION same(template text, a text DEFAULT '5', b text DEFAULT '67') RETURNS boolean LANGUAGE sql
  AS $$ SELECT texthash(replace(template, '?', a)) = texthash(replace(template, '?', b)) $$;

-- In these places a value cannot show in the parse tree.
SELECT same(q), q FROM (VALUES
  ('SELECT name FROM author WHERE id = ?'),
  ('select name from author where id=?;'),
  ('SELECT name FROM author WHERE id = ? ORDER BY id LIMIT 1'),
  ('SELECT name FROM author ORDER BY id LIMIT ? OFFSET 10'),
  ('SELECT name FROM author WHERE id IN (1, ?, 3)'),
  ('SELECT name FROM author WHERE (id, n) = (1, ?)'),
  ('SELECT name FROM author WHERE id BETWEEN 1 AND ? AND NOT (n = 5)'),
  ('SELECT a.id FROM author a JOIN book b ON b.author_id = a.id WHERE b.id = ?'),
  ('SELECT x.id FROM (SELECT id FROM author WHERE id = ?) x'),
  ('SELECT id FROM author WHERE EXISTS (SELECT 1 FROM book WHERE n = ?)'),
  ('SELECT name FROM author WHERE id = - ?'),
  ('SELECT 1 AS one FROM author WHERE id = ? LIMIT 1'),
  ('INSERT INTO author (id, name) VALUES (?, ''x''), (?, ''y'') RETURNING id'),
  ('INSERT INTO author (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = ?'),
  ('UPDATE author SET n = ?, name = ''x'' WHERE id = 3'),
  ('DELETE FROM author WHERE id = ?'),
  ('/* page ? */ SELECT 1 -- ?')) AS v(q);
SELECT same(q, '''x''', '''it''''s''') AS strings, q FROM (VALUES
  ('SELECT id FROM author WHERE name = ?'),
  ('SELECT id FROM author WHERE name LIKE ? AND data->? = data->?'),
  ('SELECT id FROM author WHERE id = ANY (?)'),
  ('UPDATE author SET name = ?')) AS v(q);

-- In these it can, or nobody knows.
SELECT same(q), q FROM (VALUES
  ('SELECT name FROM author ORDER BY ?'),
  ('SELECT name, n FROM author GROUP BY 1, ?'),
  ('SELECT n + ? FROM author GROUP BY n + 5'),
  ('SELECT n = ? FROM author WHERE id = 1 ORDER BY n = 5'),
  ('SELECT name FROM author WHERE id = 1 ORDER BY n = ?'),
  ('SELECT count(*) FILTER (WHERE n = ?) FROM author ORDER BY count(*) FILTER (WHERE n = 5)'),
  ('SELECT (SELECT n FROM book WHERE id = ?) FROM author ORDER BY (SELECT n FROM book WHERE id = 5)'),
  ('SELECT a IS DISTINCT FROM (SELECT n FROM book WHERE id = ?) FROM author ORDER BY 1'),
  ('SELECT name FROM author WHERE name = ''x''::varchar(?)'),
  ('SELECT name FROM author WHERE n = f(?)'),
  ('SELECT name FROM author WHERE d > date ?'),
  ('SELECT name FROM author WHERE id = 1 AND n > 3::numeric(?, 0)'),
  ('SELECT set, n = ? FROM author ORDER BY n = 5'),
  ('SELECT values, (?) FROM author ORDER BY (5)'),
  ('SELECT a[?] FROM author'),
  ('SELECT name FROM author FETCH FIRST ? ROWS ONLY'),
  ('WITH x AS (SELECT id FROM author WHERE id = ?) SELECT id FROM x'),
  ('SELECT $x$ WHERE id = ? $x$'),
  ('SELECT E''x'', n FROM author WHERE id = ?'),
  ('SELECT name FROM author) WHERE (id = ?')) AS v(q);

-- A literal is of its type still.
SELECT same('SELECT 1 FROM t WHERE a = ?', a, b), a, b FROM (VALUES
  ('1', '999999999'), ('1', '1000000000'), ('2147483647', '2147483648'), ('1', '10000000000'),
  ('10000000000', '999999999999999999'), ('1', '9999999999999999999'), ('1', '1.5'), ('1.5', '22.75'),
  ('1', '''1'''), ('1', 'NULL'), ('1', '-1'), ('1', '1e5'), ('1', '$1'), ('$1', '$2'),
  ('''a''', 'E''a'''), ('B''1''', '''1'''), ('U&''a''', 'U&''b'''), ('1', 'n')) AS v(a, b);

-- Names, numbers of elements and white space count; so does all where backslashes escape.
SELECT same(q, a, b), q, a, b FROM (VALUES
  ('SELECT ? FROM t', 'a', 'b'), ('SELECT "?" FROM t', 'a', 'b'), ('SELECT a FROM ?', 't1', 't2'),
  ('SELECT a FROM t WHERE id IN (?)', '1, 2', '1, 2, 3'), ('SELECT?FROM t', ' 1 ', ' 2 ')) AS v(q, a, b);
SELECT texthash('SELECT 1 FROM t WHERE a = ''x''', false) = texthash('SELECT 1 FROM t WHERE a = ''y''', false) AS same;

-- Nothing hangs or reads too far, whatever the pieces.
SELECT count(texthash((SELECT string_agg((ARRAY['(', ')', '''', '"', '--', '/*', '*/', '$', '$1', '5', '.', 'e', ' ', 'where', 'x',
  E'\n', ',', '=', 'é'])[1 + floor(random() * 19)::int], '') FROM generate_series(1, n % 12))))
FROM generate_series(1, 20000) n;
SELECT texthash('') IS NOT NULL, texthash(repeat('(', 100) || '5') = texthash(repeat('(', 100) || '6') AS deep;
