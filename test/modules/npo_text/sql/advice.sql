--
-- advice: the table of sentences has no hole, and names follow the conventions
--
SET client_min_messages = warning;
CREATE FUNCTION advice(kind int, orm text) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_advice';
CREATE FUNCTION names(word text) RETURNS text
  LANGUAGE c STRICT AS 'npo_text', 'npo_names';

-- every kind for every ORM: a sentence that ends, and only words that are filled in
CREATE TABLE orms AS SELECT unnest(ARRAY['sql', 'django', 'rails', 'sqlalchemy', 'hibernate', 'prisma',
  'sequelize', 'typeorm', 'laravel', 'ef', 'drizzle', 'kysely', 'knex', 'peewee']) AS orm;
SELECT count(*), count(advice(kind, orm)) AS filled,
       count(*) FILTER (WHERE right(advice(kind, orm), 1) <> '.') AS without_end,
       max(length(advice(kind, orm))) <= 480 AS have_room
FROM orms, generate_series(0, 18) kind;
SELECT advice(19, 'sql') IS NULL AS no_other_kind;
SELECT DISTINCT word FROM orms, generate_series(0, 18) kind,
  LATERAL regexp_matches(advice(kind, orm), '\{(\w+)\}', 'g') AS m(word) ORDER BY word;

-- singular, plural, model
SELECT word, names(word) FROM unnest(ARRAY['posts', 'post', 'categories', 'category', 'boxes', 'box', 'addresses',
  'address', 'status', 'statuses', 'people', 'person', 'children', 'women', 'human', 'news', 'movies', 'day', 'days',
  'order_items', 'OrderItem', 'orderItems', 'analysis', 'a', 's', '', '_', 'bus', 'house', 'houses', 'quiz', 'data', 'user_data', 'über']) word;
