--
-- orm: which ORM wrote a statement; what is not sure is plain SQL
--
SET client_min_messages = warning;
CREATE FUNCTION orm(statement text, tags text DEFAULT NULL, application_name text DEFAULT NULL)
  RETURNS text LANGUAGE c AS 'npo_text', 'npo_orm_of';
CREATE FUNCTION like_django(statement text, django_database boolean)
  RETURNS boolean LANGUAGE c STRICT AS 'npo_text', 'npo_like_django';
CREATE FUNCTION like_rails(statement text)
  RETURNS boolean LANGUAGE c STRICT AS 'npo_text', 'npo_like_rails';

-- by tags: the driver before the framework, the framework before the name
SELECT orm('SELECT 1 /*framework=''django%3A3.2'',route=''posts''*/'),
       orm('SELECT 1 /*db_driver=''sequelize%3A6.1'',framework=''express''*/'),
       orm('SELECT 1 /*framework=''rails_v7.0.3'',db_driver=''activerecord''*/'),
       orm('SELECT 1', 'framework=laravel-9.7.0'),
       orm('SELECT 1', 'framework=flask,db_driver=psycopg2'),
       orm('SELECT 1', 'framework=spring', 'orders-hibernate');
-- by name: one ORM's word among the words
SELECT orm('SELECT 1', NULL, 'django/n1_forward'), orm('SELECT 1', NULL, 'sqlalchemy_asyncpg'),
       orm('SELECT 1', NULL, 'bin/rails'), orm('SELECT 1', NULL, 'guardrails'),
       orm('SELECT 1', NULL, 'move rails to django'), orm('SELECT 1', NULL, 'PostgreSQL JDBC Driver'),
       orm('SELECT 1', NULL, ''), orm('', NULL, NULL);

-- by handwriting
CREATE TABLE hand (n serial, wanted text, statement text);
INSERT INTO hand (wanted, statement) VALUES
-- Django 3.2 to 5
('django', 'SELECT "author"."id", "author"."name" FROM "author" WHERE "author"."id" = 7 LIMIT 21'),
('django', 'SELECT "blog_author"."id", "blog_author"."name" FROM "blog_author" WHERE "blog_author"."id" = $1 LIMIT 21'),
('django', 'SELECT COUNT(*) AS "__count" FROM "comment" WHERE "comment"."post_id" = 1'),
('django', 'SELECT (1) AS "a" FROM "comment" WHERE "comment"."post_id" = 1 LIMIT 1'),
('django', 'SELECT 1 AS "a" FROM "comment" WHERE "comment"."post_id" = 1 LIMIT 1'),
('django', 'DELETE FROM "comment" WHERE "comment"."id" IN (10)'),
-- Rails writes the first two of these as well
('sql', 'SELECT "post"."id", "post"."title" FROM "post" WHERE "post"."author_id" = 1'),
('sql', 'UPDATE "post" SET "title" = ''x'' WHERE "post"."id" = 1'),
('sql', 'INSERT INTO "tag" ("name") VALUES (''x'') RETURNING "tag"."id"'),
-- Rails 6 and 7
('rails', 'SELECT "authors".* FROM "authors" WHERE "authors"."id" = $1 LIMIT $2'),
('rails', 'SELECT "posts".* FROM "posts" WHERE "posts"."author_id" = $1'),
('rails', 'SELECT "comments".* FROM "comments" WHERE "comments"."post_id" = $1 ORDER BY "comments"."id" DESC LIMIT $2'),
('rails', 'SELECT "tags".* FROM "tags" INNER JOIN "posts_tags" ON "tags"."id" = "posts_tags"."tag_id" WHERE "posts_tags"."post_id" = $1'),
('rails', 'SELECT 1 AS one FROM "comments" WHERE "comments"."post_id" = $1 LIMIT $2'),
('rails', '/*application:Blog,controller:posts*/ SELECT "posts".* FROM "posts" ORDER BY "posts"."id" ASC LIMIT $1'),
('sql', 'SELECT "authors".* FROM "authors" WHERE "authors"."id" = 1 LIMIT 1'),
('sql', 'SELECT COUNT(*) FROM "comments" WHERE "comments"."post_id" = $1'),
-- SQLAlchemy 1.4 and 2
('sqlalchemy', E'SELECT author.id AS author_id, author.name AS author_name \nFROM author \nWHERE author.id = 7'),
('sqlalchemy', E'SELECT author.id, author.name \nFROM author \nWHERE author.id = $1::INTEGER'),
('sqlalchemy', E'SELECT count(*) AS count_1 \nFROM comment \nWHERE comment.post_id = 1'),
('sqlalchemy', E'SELECT anon_1.post_id AS anon_1_post_id \nFROM (SELECT post.id AS post_id \nFROM post \n LIMIT 5) AS anon_1'),
('sql', 'INSERT INTO comment (post_id, body) VALUES ($1::INTEGER, $2::VARCHAR) RETURNING comment.id'),
-- Hibernate 3 to 5, and 6
('hibernate', 'select author0_.id as id1_0_0_, author0_.name as name2_0_0_ from author author0_ where author0_.id=$1'),
('hibernate', 'select posts0_.author_id as author_i2_1_0_, posts0_.id as id1_1_0_ from post posts0_ where posts0_.author_id=$1'),
('hibernate', 'select a1_0.id,a1_0.name from author a1_0 where a1_0.id=$1'),
('hibernate', 'select c1_0.post_id,c1_0.id,c1_0.body from comment c1_0 where c1_0.post_id=$1'),
-- Prisma
('prisma', 'SELECT "public"."Author"."id", "public"."Author"."name" FROM "public"."Author" WHERE ("public"."Author"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3'),
('prisma', 'SELECT "public"."post"."id", "public"."post"."title" FROM "public"."post" WHERE "public"."post"."author_id" IN ($1) OFFSET $2'),
-- Sequelize
('sequelize', 'SELECT "id", "name", "createdAt" FROM "authors" AS "Author" WHERE "Author"."id" = 7;'),
('sequelize', 'SELECT count(*) AS "count" FROM "comments" AS "Comment" WHERE "Comment"."postId" = 7;'),
-- TypeORM
('typeorm', 'SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name" FROM "author" "Author" WHERE ("Author"."id" = $1) LIMIT 1'),
('typeorm', 'SELECT "post"."id" AS "post_id", "post"."title" AS "post_title" FROM "post" "post" WHERE "post"."authorId" = $1'),
-- Laravel
('laravel', 'select * from "authors" where "authors"."id" = $1 limit 1'),
('laravel', 'select * from "posts" where "posts"."author_id" = $1 and "posts"."author_id" is not null'),
('laravel', 'select * from "authors" where "authors"."id" = 7 limit 1'),
('laravel', 'select count(*) as aggregate from "comments" where "comments"."post_id" = $1 and "comments"."post_id" is not null'),
('laravel', 'select sum("views") as aggregate from "posts" where "posts"."author_id" = $1'),
('laravel', 'select exists(select * from "comments" where "comments"."post_id" = $1) as "exists"'),
('sql', 'select count(*) as "aggregate" from "comments" where "post_id" = $1'),
('sql', 'select exists(select 1 from "comments" where "post_id" = $1) as "exists"'),
-- Entity Framework Core
('ef', E'SELECT a."Id", a."Name"\nFROM "Authors" AS a\nWHERE a."Id" = @__p_0\nLIMIT 1'),
('ef', E'SELECT p."Id", p."AuthorId", p."Title"\nFROM "Posts" AS p\nWHERE p."AuthorId" = $1'),
-- peewee
('peewee', 'SELECT "t1"."id", "t1"."name" FROM "author" AS "t1" WHERE ("t1"."id" = 7) LIMIT 1 OFFSET 0'),
('peewee', 'SELECT COUNT(1) FROM (SELECT 1 FROM "comment" AS "t1" WHERE ("t1"."post_id" = 1)) AS "_wrapped"'),
-- these write alike, or as others do: Drizzle, Kysely, knex, Objection, MikroORM
('sql', 'select "id", "name" from "author" where "author"."id" = $1'),
('sql', 'select "id", "name" from "author" where "author"."id" = $1 limit $2'),
('sql', 'select * from "author" where "id" = $1 limit $2'),
('sql', 'select "author".* from "author" where "author"."id" in ($1)'),
('sql', 'select "a0".* from "author" as "a0" where "a0"."id" = 1 limit 1'),
-- GORM, SeaORM, Diesel, Ecto, Bun, SQLBoiler
('sql', 'SELECT * FROM "authors" WHERE "authors"."id" = $1 ORDER BY "authors"."id" LIMIT $2'),
('sql', 'SELECT "author"."id", "author"."name" FROM "author" WHERE "author"."id" = $1 LIMIT $2'),
('sql', 'SELECT "posts"."id", "posts"."title" FROM "posts" WHERE ("posts"."author_id" = $1)'),
('sql', 'SELECT a0."id", a0."name" FROM "authors" AS a0 WHERE (a0."id" = $1)'),
('sql', 'SELECT "a"."id", "a"."name" FROM "authors" AS "a" WHERE ("a"."id" = 7)'),
('sql', 'SELECT "posts".* FROM "posts" WHERE ("posts"."author_id" = $1);'),
-- Doctrine, DBIx::Class, Pony, Sequel, CakePHP, Metabase, Yii, jOOQ
('sql', 'SELECT t0.id AS id_1, t0.name AS name_2 FROM author t0 WHERE t0.id = $1'),
('sql', 'SELECT a0_.id AS id_0, a0_.name AS name_1 FROM author a0_ WHERE a0_.id = $1'),
('sql', 'SELECT me.id, me.name FROM author me WHERE ( me.id = $1 )'),
('sql', E'SELECT "id", "name"\nFROM "author"\nWHERE "id" = 7'),
('sql', 'SELECT * FROM "author" WHERE ("author"."id" = 7) LIMIT 1'),
('sql', 'SELECT "Posts"."id" AS "Posts__id", "Posts"."title" AS "Posts__title" FROM "posts" "Posts" WHERE "Posts"."id" = 7'),
('sql', 'SELECT "public"."posts"."id" AS "id", "public"."posts"."title" AS "title" FROM "public"."posts" WHERE "public"."posts"."id" = 7 LIMIT 2000'),
('sql', 'SELECT * FROM "author" WHERE "id"=7'),
('sql', 'select "public"."author"."id", "public"."author"."name" from "public"."author" where "public"."author"."id" = $1'),
-- by hand
('sql', 'SELECT id, name FROM author WHERE id = 7 LIMIT 21'),
('sql', E'SELECT id,\n       name\n  FROM author\n WHERE id = 7'),
('sql', 'select * from authors where id = $1 limit 1'),
('sql', 'select a.id as a_id from author a where a.id = 7'),
('sql', 'SELECT "unterminated'), ('sql', 'SELECT "a"."b'), ('sql', 'SELECT'), ('sql', 'select p1_'), ('sql', '/* /* */'), ('sql', 'SELECT " FROM "');
SELECT wanted, orm(statement) AS got, statement FROM hand WHERE orm(statement) <> wanted ORDER BY n;
SELECT wanted, count(*) FROM hand GROUP BY wanted ORDER BY wanted;
-- no part of any statement makes trouble or another ORM than the whole
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE orm(left(statement, i)) NOT IN (wanted, 'sql')) AS wrong
FROM hand, generate_series(0, length(statement)) i WHERE wanted <> 'sql';

-- with what the database says besides
SELECT like_django(statement, false) AS django, like_django(statement, true) AS in_its_database,
       like_rails(statement) AS rails, statement
FROM (VALUES
  ('SELECT "post"."id", "post"."title" FROM "post" WHERE "post"."author_id" = 1'),
  ('SELECT SUM("orders"."total") AS "s" FROM "orders" WHERE "orders"."customer_id" = 1'),
  ('UPDATE "post" SET "title" = ''x'' WHERE "post"."id" = 1'),
  ('INSERT INTO "tag" ("name") VALUES (''x'') RETURNING "tag"."id"'),
  ('INSERT INTO "tags" ("name") VALUES ($1) RETURNING "id"'),
  ('SELECT "authors".* FROM "authors" WHERE "authors"."id" = 1 LIMIT 1'),
  ('SELECT COUNT(*) FROM "comments" WHERE "comments"."post_id" = $1'),
  ('UPDATE "post" SET "title" = ''x'' WHERE ("post"."id" = 1)'),
  ('SELECT "t1"."id", "t1"."name" FROM "author" AS "t1" WHERE ("t1"."id" = 7)'),
  ('SELECT * FROM "authors" WHERE "authors"."id" = $1')) AS s(statement);
