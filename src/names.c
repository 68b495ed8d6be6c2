/*-------------------------------------------------------------------------
 *
 * names.c
 *	  What ORMs call the tables and columns of the catalog.
 *
 * A model's name is a convention away from its table's, and a relation's from
 * its foreign key's: blog_post is Django's Post, posts is Rails' Post,
 * author_id is the relation author.  These are the conventions.  English
 * plurals are made and undone as far as table names need it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "names.h"

/* words whose plural no rule gives; the ends of words are looked at */
static const struct Irregular
{
	const char *one;
	const char *many;
}			irregulars[] = {
	{"person", "people"},
	{"child", "children"},
	{"woman", "women"},
	{"man", "men"},
	{"mouse", "mice"},
	{"datum", "data"},
	{"medium", "media"},
	{"analysis", "analyses"},
	{"movie", "movies"},
	{"cookie", "cookies"},
	{"quiz", "quizzes"},
	{"news", "news"},
	{"series", "series"},
	{"species", "species"},
	{"equipment", "equipment"},
	{"information", "information"}
};

static bool
ends_with(const char *word, const char *end)
{
	int			n = strlen(word);
	int			m = strlen(end);

	return n >= m && pg_strcasecmp(word + n - m, end) == 0;
}

/* does the word, or its last part, read so?  "woman" is no "man" */
static bool
is_word(const char *name, const char *word)
{
	int			before = (int) strlen(name) - (int) strlen(word);

	return ends_with(name, word) &&
		(before == 0 || name[before - 1] == '_' || isupper((unsigned char) name[before]));
}

/* the name with its last "cut" bytes replaced */
static char *
with_end(const char *name, int cut, const char *end)
{
	return psprintf("%.*s%s", (int) strlen(name) - cut, name, end);
}

/* The same word, its first letter as the original's. */
static char *
exchange(const char *name, const char *from, const char *to)
{
	char	   *result = with_end(name, strlen(from), to);
	int			at = strlen(name) - strlen(from);

	if (isupper((unsigned char) name[at]))
		result[at] = toupper((unsigned char) result[at]);
	return result;
}

char *
names_singular(const char *word)
{
	for (int i = 0; i < (int) lengthof(irregulars); i++)
		if (is_word(word, irregulars[i].many))
			return exchange(word, irregulars[i].many, irregulars[i].one);
	if (!ends_with(word, "s") || ends_with(word, "ss") || ends_with(word, "us") ||
		ends_with(word, "is") || strlen(word) < 3)
		return pstrdup(word);
	if (ends_with(word, "ies") && strlen(word) > 4)
		return with_end(word, 3, "y");
	if (ends_with(word, "sses") || ends_with(word, "shes") || ends_with(word, "ches") ||
		ends_with(word, "xes") || ends_with(word, "zzes"))
		return with_end(word, 2, "");
	/* statuses, but houses and causes */
	if (ends_with(word, "uses") && strlen(word) > 4 &&
		strchr("aeo", tolower((unsigned char) word[strlen(word) - 5])) == NULL)
		return with_end(word, 2, "");
	return with_end(word, 1, "");
}

char *
names_plural(const char *word)
{
	int			n = strlen(word);

	for (int i = 0; i < (int) lengthof(irregulars); i++)
	{
		if (is_word(word, irregulars[i].many))
			return pstrdup(word);
		if (is_word(word, irregulars[i].one))
			return exchange(word, irregulars[i].one, irregulars[i].many);
	}
	/* is it one already? */
	if (strcmp(names_singular(word), word) != 0)
		return pstrdup(word);
	if (n > 1 && ends_with(word, "y") && strchr("aeiou", tolower((unsigned char) word[n - 2])) == NULL)
		return with_end(word, 1, "ies");
	if (ends_with(word, "s") || ends_with(word, "x") || ends_with(word, "z") ||
		ends_with(word, "ch") || ends_with(word, "sh"))
		return psprintf("%ses", word);
	return psprintf("%ss", word);
}

/* order_item to orderItem or OrderItem; what is no letter or digit goes */
char *
names_camel(const char *name, bool upper_first)
{
	StringInfoData buf;
	bool		upper = upper_first;

	initStringInfo(&buf);
	for (const char *p = name; *p != '\0'; p++)
	{
		if (!isalnum((unsigned char) *p) && !IS_HIGHBIT_SET(*p))
		{
			upper = buf.len > 0 || upper_first;
			continue;
		}
		appendStringInfoChar(&buf, upper ? toupper((unsigned char) *p) :
							 buf.len == 0 ? tolower((unsigned char) *p) : *p);
		upper = false;
	}
	return buf.len > 0 ? buf.data : pstrdup(name);
}

/* OrderItem to order_item */
char *
names_snake(const char *name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = name; *p != '\0'; p++)
	{
		if (isupper((unsigned char) *p))
		{
			if (p > name && islower((unsigned char) p[-1]))
				appendStringInfoChar(&buf, '_');
			appendStringInfoChar(&buf, tolower((unsigned char) *p));
		}
		else
			appendStringInfoChar(&buf, *p == ' ' || *p == '-' ? '_' : *p);
	}
	return buf.data;
}

/*
 * A table's name without the app's prefix that Django gives it: what it
 * shares with its neighbour, up to an underscore; where they share nothing,
 * the first part of each.  Without a neighbour, the first part.
 */
char *
names_stem(Orm orm, const char *table, const char *neighbour)
{
	const char *first = strchr(table, '_');
	int			shared = 0;

	if (orm != ORM_DJANGO || first == NULL || first == table || first[1] == '\0')
		return pstrdup(table);
	if (neighbour == NULL || strcmp(neighbour, table) == 0)
		return pstrdup(first + 1);
	for (int i = 0; table[i] != '\0' && table[i] == neighbour[i]; i++)
		if (table[i] == '_')
			shared = i + 1;
	if (shared > 0)
		return pstrdup(table + shared);
	return pstrdup(strchr(neighbour, '_') != NULL ? first + 1 : table);
}

char *
names_model(Orm orm, const char *stem)
{
	/* Entity Framework and Prisma keep what is a model's name already */
	return names_camel(names_singular(stem), true);
}

/* Do the ORM's relations read orderItem (true) or order_item? */
static bool
is_camel(Orm orm)
{
	return orm == ORM_HIBERNATE || orm == ORM_PRISMA || orm == ORM_SEQUELIZE ||
		orm == ORM_TYPEORM || orm == ORM_LARAVEL || orm == ORM_DRIZZLE;
}

static char *
in_style(Orm orm, const char *name)
{
	if (orm == ORM_EF)
		return names_camel(name, true);
	return is_camel(orm) ? names_camel(name, false) : names_snake(name);
}

/* the reference that a foreign key column stands for: author_id is author */
char *
names_reference(Orm orm, const char *column)
{
	static const char *const ends[] = {"_id", "_fk", "_uuid", "Id"};
	const char *id = NULL;

	for (int i = 0; i < (int) lengthof(ends); i++)
	{
		int			n = strlen(column) - strlen(ends[i]);

		if (n > 0 && strcmp(column + n, ends[i]) == 0)
		{
			id = ends[i];
			break;
		}
	}
	/* the name of the column is all that Django's db_column leaves to say */
	return in_style(orm, id ? with_end(column, strlen(id), "") : column);
}

/* the rows of a table that reference one row: comment's are comments */
char *
names_collection(Orm orm, const char *stem)
{
	char	   *name = names_plural(stem);

	/* Django's model names have no underscores, and related names follow */
	return orm == ORM_DJANGO ? names_snake(name) : in_style(orm, name);
}
