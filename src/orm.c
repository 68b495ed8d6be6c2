/*-------------------------------------------------------------------------
 *
 * orm.c
 *	  Which ORM wrote a statement.
 *
 * Asked in this order: the request tags that a program puts into its
 * statements, the name it gave its connection, and the handwriting of the
 * SQL itself.  Advice in the words of the wrong ORM is worse than none in
 * particular, so a handwriting is only taken for an ORM's when no other one
 * that we know of writes like that; the rest is plain SQL.
 *
 * Needs nothing of the server but its types, allocates nothing, and reads
 * the text once for every mark; once per cluster.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "orm.h"

/* as pg_nplusone.orm spells them */
static const char *const orm_names[ORM_COUNT] = {
	"sql", "django", "rails", "sqlalchemy", "hibernate", "prisma", "sequelize",
	"typeorm", "laravel", "ef", "drizzle", "kysely", "knex", "peewee"
};

/* words by which programs and their tags name an ORM */
static const struct OrmWord
{
	const char *word;
	Orm			orm;
}			orm_words[] = {
	{"django", ORM_DJANGO},
	{"rails", ORM_RAILS},
	{"activerecord", ORM_RAILS},
	{"sqlalchemy", ORM_SQLALCHEMY},
	{"hibernate", ORM_HIBERNATE},
	{"prisma", ORM_PRISMA},
	{"sequelize", ORM_SEQUELIZE},
	{"typeorm", ORM_TYPEORM},
	{"laravel", ORM_LARAVEL},
	{"eloquent", ORM_LARAVEL},
	{"entityframework", ORM_EF},
	{"entityframeworkcore", ORM_EF},
	{"efcore", ORM_EF},
	{"drizzle", ORM_DRIZZLE},
	{"kysely", ORM_KYSELY},
	{"knex", ORM_KNEX},
	{"peewee", ORM_PEEWEE}
};

const char *
orm_name(Orm orm)
{
	return orm_names[orm];
}

/* -------------------------------------------------------------------------
 * By name
 * -------------------------------------------------------------------------
 */

/*
 * The one ORM that is named among the words of a string: "Django:3.2",
 * "rails_v7.0.3", "blog-django".  Two different names are no answer.
 */
static Orm
named_orm(const char *text, int len)
{
	Orm			found = ORM_SQL;
	int			start = 0;

	for (int i = 0; i <= len; i++)
	{
		if (i < len && isalpha((unsigned char) text[i]))
			continue;
		for (int w = 0; w < (int) lengthof(orm_words); w++)
		{
			const char *word = orm_words[w].word;

			if (strlen(word) != i - start ||
				pg_strncasecmp(word, text + start, i - start) != 0)
				continue;
			if (found != ORM_SQL && found != orm_words[w].orm)
				return ORM_SQL;
			found = orm_words[w].orm;
		}
		start = i + 1;
	}
	return found;
}

/*
 * What sqlcommenter and its like say.  The driver goes first: it names
 * the ORM where "framework" names the web framework (Express, Flask).
 */
static Orm
tagged_orm(const RequestTags *tags)
{
	static const char *const keys[] = {"orm", "db_driver", "framework"};

	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		int			len;
		const char *value = tags_get(tags, keys[i], &len);
		Orm			orm = value ? named_orm(value, len) : ORM_SQL;

		if (orm != ORM_SQL)
			return orm;
	}
	return ORM_SQL;
}

/* -------------------------------------------------------------------------
 * By handwriting
 * -------------------------------------------------------------------------
 */

/* the statement without leading space and comments */
typedef struct Writing
{
	const char *text;
	int			len;
} Writing;

static void
skip_comments(Writing *w)
{
	while (w->len > 0)
	{
		int			skip = 0;

		if (isspace((unsigned char) w->text[0]))
			skip = 1;
		else if (w->len > 3 && strncmp(w->text, "/*", 2) == 0)
		{
			for (skip = 2; skip + 1 < w->len; skip++)
				if (w->text[skip] == '*' && w->text[skip + 1] == '/')
					break;
			skip += 2;
		}
		if (skip == 0 || skip > w->len)
			return;
		w->text += skip;
		w->len -= skip;
	}
}

static bool
begins(const Writing *w, const char *mark)
{
	int			n = strlen(mark);

	return w->len >= n && strncmp(w->text, mark, n) == 0;
}

static const char *
find(const Writing *w, const char *mark)
{
	int			n = strlen(mark);

	for (int i = 0; i + n <= w->len; i++)
		if (w->text[i] == mark[0] && strncmp(w->text + i, mark, n) == 0)
			return w->text + i;
	return NULL;
}

static bool
has(const Writing *w, const char *mark)
{
	return find(w, mark) != NULL;
}

/* behind a quoted name at p, NULL if there is none */
static const char *
quoted_name(const Writing *w, const char *p)
{
	const char *end = w->text + w->len;

	if (p == NULL || p >= end || *p != '"')
		return NULL;
	for (p++; p < end; p++)
		if (*p == '"')
			return p + 1;
	return NULL;
}

/* behind "t"."c" at p, NULL if there is none */
static const char *
quoted_column(const Writing *w, const char *p)
{
	p = quoted_name(w, p);
	if (p == NULL || p >= w->text + w->len || *p != '.')
		return NULL;
	return quoted_name(w, p + 1);
}

static bool
at(const Writing *w, const char *p, const char *mark)
{
	int			n = strlen(mark);

	return p != NULL && w->text + w->len - p >= n && strncmp(p, mark, n) == 0;
}

/* the text ends in this, but for digits ("#") */
static bool
ends(const Writing *w, const char *mark)
{
	int			i = w->len;
	int			m = strlen(mark);

	while (i > 0 && (isspace((unsigned char) w->text[i - 1]) || w->text[i - 1] == ';'))
		i--;
	while (m > 0)
	{
		if (mark[m - 1] == '#')
		{
			int			digits = 0;

			while (i > 0 && isdigit((unsigned char) w->text[i - 1]))
				i--, digits++;
			if (digits == 0)
				return false;
			m--;
		}
		else if (i == 0 || w->text[--i] != mark[--m])
			return false;
	}
	return true;
}

/*
 * SELECT "t"."c", "t"."d" FROM "t": every column with its table's own name,
 * none renamed.
 */
static bool
lists_plain_columns(const Writing *w)
{
	const char *p = w->text + strlen("SELECT ");

	if (!begins(w, "SELECT \""))
		return false;
	while ((p = quoted_column(w, p)) != NULL)
	{
		if (at(w, p, ", "))
			p += 2;
		else
			return at(w, p, " FROM \"") &&
				!at(w, quoted_name(w, p + strlen(" FROM ")), " AS ");
	}
	return false;
}

/*
 * LIMIT 21 is what QuerySet.get() asks for to see that there is one row only;
 * COUNT(*) AS "__count" and (1) AS "a" are its aliases.  A plain list of
 * columns is Rails' as well where columns are ignored, and SeaORM's, Diesel's:
 * there the values are parameters, or the WHERE stands in brackets.
 */
static bool
is_django(const Writing *w)
{
	const char *where;

	if (begins(w, "SELECT COUNT(*) AS \"__count\" FROM \"") ||
		begins(w, "SELECT (1) AS \"a\" FROM \"") ||
		(begins(w, "SELECT 1 AS \"a\" FROM \"") && ends(w, "LIMIT 1")))
		return true;
	if (lists_plain_columns(w) && ends(w, " LIMIT 21"))
		return true;
	/* Django deletes by list, be it of one */
	if (begins(w, "DELETE FROM \"") && has(w, "\" WHERE \"") && !has(w, "$1"))
	{
		where = find(w, "\" WHERE \"") + strlen("\" WHERE ");
		return at(w, quoted_column(w, where), " IN (");
	}
	return false;
}

/* "t".* with LIMIT $n, or the probe SELECT 1 AS one */
static bool
is_rails(const Writing *w)
{
	const char *p;

	if (begins(w, "SELECT 1 AS one FROM \"") && (ends(w, "LIMIT $#") || ends(w, "LIMIT 1")))
		return true;
	if (!begins(w, "SELECT \""))
		return false;
	p = quoted_name(w, w->text + strlen("SELECT "));
	return at(w, p, ".* FROM \"") && !has(w, " AS \"") && !has(w, "WHERE (") &&
		(ends(w, "LIMIT $#") || (has(w, "\" = $1") && !ends(w, "LIMIT #")));
}

/* one clause a line, and a space before every line's end */
static bool
is_sqlalchemy(const Writing *w)
{
	int			lines = 0;

	if (!begins(w, "SELECT ") || !has(w, " \nFROM "))
		return false;
	for (int i = 0; i < w->len; i++)
	{
		if (w->text[i] == '\'')
			return false;		/* a literal may hold anything */
		if (w->text[i] != '\n')
			continue;
		if (w->text[i - 1] != ' ')
			return false;
		lines++;
	}
	return lines >= 2;
}

/* where the alias behind the next " as " ends, NULL if there is none */
static const char *
alias_end(const Writing *w, const char *p)
{
	const char *end = w->text + w->len;

	while (p + 4 < end && !at(w, p, " as "))
		p++;
	if (p + 4 >= end)
		return NULL;
	for (p += 4; p < end && *p != ',' && *p != ' '; p++);
	return p;
}

/* alias1_0.column (6), alias0_.column as column1_0_0_ (3 to 5) */
static bool
is_hibernate(const Writing *w)
{
	const char *end;

	if (!begins(w, "select ") && !begins(w, "update ") && !begins(w, "delete "))
		return false;
	for (const char *p = w->text; p + 5 < w->text + w->len; p++)
	{
		if (*p == '"' || *p == '\'')
			return false;
		if (isdigit((unsigned char) p[0]) && p[1] == '_' && p > w->text &&
			isalpha((unsigned char) p[-1]))
		{
			/* p1_0.id */
			if (isdigit((unsigned char) p[2]) && p[3] == '.' && !has(w, " as "))
				return true;
			/* post0_.id as id1_0_ */
			if (p[2] == '.' && (end = alias_end(w, p + 3)) != NULL)
				return end[-1] == '_';
		}
	}
	return false;
}

/* "public"."Post"."id" everywhere, with an OFFSET that is a parameter */
static bool
is_prisma(const Writing *w)
{
	const char *p;

	if (!begins(w, "SELECT \"") || has(w, "\n"))
		return false;
	p = quoted_column(w, w->text + strlen("SELECT "));
	return at(w, p, ".\"") && has(w, " WHERE ") &&
		(ends(w, " OFFSET $#") || has(w, "\" WHERE (\"")) && has(w, "$1");
}

/* FROM "posts" AS "Post" with columns "Post"."id", or "id" when it is alone */
static bool
is_sequelize(const Writing *w)
{
	const char *from = find(w, " FROM \"");
	const char *alias,
			   *end;

	if (!begins(w, "SELECT ") || from == NULL)
		return false;
	alias = quoted_name(w, from + strlen(" FROM "));
	if (!at(w, alias, " AS \""))
		return false;
	alias += strlen(" AS ");
	end = quoted_name(w, alias);
	/* a model's name, capitalised; "t1" would be another's */
	return end != NULL && isupper((unsigned char) alias[1]) &&
		(begins(w, "SELECT \"") || begins(w, "SELECT count(")) && !has(w, "_\"") &&
		at(w, end, " ") && (ends(w, ";") || end != NULL) &&
		w->text[w->len - 1] == ';';
}

/* "Post"."id" AS "Post_id" */
static bool
is_typeorm(const Writing *w)
{
	const char *start = w->text + strlen("SELECT ");
	const char *table,
			   *column,
			   *alias;
	int			len;

	if (!begins(w, "SELECT \""))
		return false;
	table = quoted_name(w, start);
	column = quoted_column(w, start);
	if (column == NULL || !at(w, column, " AS \""))
		return false;
	alias = column + strlen(" AS \"");
	len = table - start - 2;
	/* two underscores are CakePHP's */
	return len > 0 && w->text + w->len - alias > len &&
		strncmp(alias, start + 1, len) == 0 && alias[len] == '_' &&
		alias[len + 1] != '_';
}

/* what its query builder calls the result of count(), sum() and exists() */
static bool
names_like_laravel(const Writing *w)
{
	return (begins(w, "select ") && has(w, ") as aggregate from \"")) ||
		(begins(w, "select exists(select * from \"") && ends(w, ") as \"exists\""));
}

/*
 * All in lower case.  A literal LIMIT 1 behind a qualified key with a
 * parameter, and "is not null" after it, are Laravel's alone.
 */
static bool
is_laravel(const Writing *w)
{
	const char *where;

	if (names_like_laravel(w))
		return true;
	if (!begins(w, "select * from \"") || has(w, " as \""))
		return false;
	where = find(w, " where \"");
	if (where == NULL)
		return false;
	where = quoted_column(w, where + strlen(" where "));
	return at(w, where, " = ") &&
		(ends(w, "\" is not null") || ends(w, " limit 1"));
}

/* SELECT p."Id", p."Title" / FROM "Posts" AS p / WHERE p."BlogId" = @__p_0 */
static bool
is_ef(const Writing *w)
{
	const char *from = find(w, "\nFROM \"");
	const char *end;

	if (from == NULL || !begins(w, "SELECT ") || has(w, " \nFROM"))
		return false;
	end = quoted_name(w, from + strlen("\nFROM "));
	return at(w, end, " AS ") && islower((unsigned char) end[4]) &&
		(has(w, "\nWHERE ") || has(w, "\nLIMIT ") || has(w, "\nORDER BY ")) &&
		has(w, ".\"");
}

/* FROM "post" AS "t1", with the columns "t1"."id" */
static bool
is_peewee(const Writing *w)
{
	const char *from = find(w, " FROM \"");

	return begins(w, "SELECT ") && from != NULL &&
		at(w, quoted_name(w, from + strlen(" FROM ")), " AS \"t1\"") &&
		has(w, "\"t1\".");
}

static Orm
handwriting(const char *text, int len)
{
	static const struct
	{
		Orm			orm;
		bool		(*is) (const Writing *w);
	}			readers[] = {
		{ORM_DJANGO, is_django}, {ORM_RAILS, is_rails},
		{ORM_SQLALCHEMY, is_sqlalchemy}, {ORM_HIBERNATE, is_hibernate},
		{ORM_PRISMA, is_prisma}, {ORM_SEQUELIZE, is_sequelize},
		{ORM_TYPEORM, is_typeorm}, {ORM_LARAVEL, is_laravel},
		{ORM_EF, is_ef}, {ORM_PEEWEE, is_peewee}
	};
	Writing		w = {text, len};
	Orm			found = ORM_SQL;

	skip_comments(&w);
	for (int i = 0; i < (int) lengthof(readers); i++)
	{
		if (w.len == 0 || !readers[i].is(&w))
			continue;
		/* two that claim it: neither can be sure */
		if (found != ORM_SQL)
			return ORM_SQL;
		found = readers[i].orm;
	}
	return found;
}

/* SELECT SUM("t"."c") AS "s" FROM "t" */
static bool
lists_one_aggregate(const Writing *w)
{
	const char *open = find(w, "(\"");
	const char *p;

	if (!begins(w, "SELECT ") || open == NULL)
		return false;
	for (p = w->text + strlen("SELECT "); p < open; p++)
		if (!isupper((unsigned char) *p))
			return false;
	p = quoted_column(w, open + 1);
	if (!at(w, p, ") AS \""))
		return false;
	return at(w, quoted_name(w, p + strlen(") AS ")), " FROM \"");
}

/* "t"."c" = ... behind WHERE, without brackets; or no WHERE */
static bool
filters_plainly(const Writing *w)
{
	const char *where = find(w, " WHERE ");

	return where == NULL || quoted_column(w, where + strlen(" WHERE ")) != NULL;
}

/*
 * Is this Django's hand, or that of Rails without prepared statements and
 * with a list of columns?  They write the same then; no other ORM does:
 * literals, every column with its table's name, no brackets.  INSERTs look
 * like peewee's, and count only where the database is one that Django made.
 */
bool
orm_like_django(const char *text, int len, bool django_database)
{
	Writing		w = {text, len};
	const char *returning;

	skip_comments(&w);
	if (has(&w, "$1") || has(&w, "\n") || has(&w, ".*"))
		return false;
	returning = find(&w, " RETURNING \"");
	if (django_database && begins(&w, "INSERT INTO \"") &&
		quoted_column(&w, returning ? returning + strlen(" RETURNING ") : NULL) != NULL)
		return true;
	return (lists_plain_columns(&w) || lists_one_aggregate(&w) ||
			(begins(&w, "UPDATE \"") && has(&w, "\" SET \""))) && filters_plainly(&w);
}

/*
 * Could this be Rails' hand?  Others write so as well; it is for a database
 * that Rails made.
 */
bool
orm_like_rails(const char *text, int len)
{
	Writing		w = {text, len};
	const char *star;

	skip_comments(&w);
	if (has(&w, "\n") || has(&w, " AS \"") || !filters_plainly(&w))
		return false;
	star = begins(&w, "SELECT \"") ? quoted_name(&w, w.text + strlen("SELECT ")) : NULL;
	return at(&w, star, ".* FROM \"") || lists_plain_columns(&w) ||
		begins(&w, "SELECT COUNT(*) FROM \"") || begins(&w, "SELECT SUM(\"") ||
		begins(&w, "SELECT AVG(\"") || begins(&w, "SELECT MIN(\"") ||
		begins(&w, "SELECT MAX(\"") || begins(&w, "DELETE FROM \"") ||
		(begins(&w, "UPDATE \"") && has(&w, "\" SET ")) ||
		(begins(&w, "INSERT INTO \"") && has(&w, ") VALUES (") && ends(&w, " RETURNING \"id\""));
}

/*
 * Which ORM wrote a statement, as far as that is sure; else ORM_SQL.  The
 * tags and the name of the application may be NULL.
 */
Orm
orm_recognise(const char *text, int len, const RequestTags *tags,
			  const char *application_name)
{
	Orm			orm = ORM_SQL;

	if (tags != NULL)
		orm = tagged_orm(tags);
	if (orm == ORM_SQL && application_name != NULL)
		orm = named_orm(application_name, strlen(application_name));
	if (orm == ORM_SQL && text != NULL)
		orm = handwriting(text, len);
	return orm;
}
