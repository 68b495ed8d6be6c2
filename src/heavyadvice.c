/*-------------------------------------------------------------------------
 *
 * heavyadvice.c
 *	  What is said of a heavy read.
 *
 * In flows a statement that has just been found to read too much; out flow
 * its text, the names of its wide columns, and what to do, in the words of
 * the ORM that wrote it.  Sentences are in heavywords.c, names follow
 * names.c, keyset.c writes the statement that goes without OFFSET.
 *
 * What happens (how many rows, how many bytes) is said when the view is read,
 * so that it goes with the numbers beside it.
 *
 * Runs once per finding, in the memory context of its caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "detect.h"
#include "heavyadvice.h"
#include "heavywords.h"
#include "keyset.h"
#include "names.h"
#include "normalize.h"
#include "reread.h"

typedef struct Words
{
	Orm			orm;
	Oid			relid;
	List	   *columns;		/* names of the wide ones */
	Keyset		keyset;
	char	   *statement;		/* that goes without OFFSET, NULL: none */
} Words;

/* -------------------------------------------------------------------------
 * Columns and tables
 * -------------------------------------------------------------------------
 */

/* the target that is a column of the result */
static TargetEntry *
result_target(const QueryDesc *queryDesc, int resno)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, queryDesc->plannedstmt->planTree->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && ++n == resno)
			return tle;
	}
	return NULL;
}

/* The table that a finding is about: that of the widest column, or the first. */
Oid
heavyadvice_table(const QueryDesc *queryDesc, const Shape *shape, const HeavyCall *call)
{
	const TargetEntry *tle = result_target(queryDesc, call->ncolumns > 0 ? call->resno[0] : 1);

	return catalog_root(tle && OidIsValid(tle->resorigtbl) ? tle->resorigtbl : shape->relid);
}

/* A column is called what its table calls it; an expression, what the result does. */
static char *
column_name(const TargetEntry *tle)
{
	char	   *name = NULL;

	if (tle && OidIsValid(tle->resorigtbl))
		name = get_attname(tle->resorigtbl, tle->resorigcol, true);
	if (name == NULL)
		name = tle && tle->resname ? tle->resname : "?column?";
	return pnstrdup(name, NAMEDATALEN - 1);
}

static List *
column_names(const QueryDesc *queryDesc, const HeavyCall *call)
{
	List	   *names = NIL;

	for (int i = 0; i < call->ncolumns; i++)
		names = lappend(names, column_name(result_target(queryDesc, call->resno[i])));
	return names;
}

static char *
separated(const List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		if (buf.len > 0)
			appendStringInfoChar(&buf, HEAVY_SEPARATOR);
		appendStringInfoString(&buf, lfirst(lc));
	}
	return buf.data;
}

static const char *
table_name(Oid relid)
{
	const char *name = get_rel_name(relid);

	return name ? name : "table";
}

/* the only column of the primary key; "id" where there is none */
static const char *
key_name(Oid relid)
{
	Oid			constraint;
	Bitmapset  *key = get_primary_key_attnos(relid, false, &constraint);
	int			member;
	const char *name = NULL;

	if (bms_get_singleton_member(key, &member))
		name = get_attname(relid, member + FirstLowInvalidHeapAttributeNumber, true);
	return name ? name : "id";
}

static char *
model_name(const Words *words)
{
	return names_model(words->orm, names_stem(words->orm, table_name(words->relid), NULL));
}

/* a column as the ORM's models call it */
static char *
field_name(Orm orm, const char *column)
{
	switch (orm)
	{
		case ORM_HIBERNATE:
			return names_camel(column, false);
		case ORM_EF:
			return names_camel(column, true);
		default:
			return pstrdup(column);
	}
}

/* -------------------------------------------------------------------------
 * The words in braces
 * -------------------------------------------------------------------------
 */

/* every wide column, formatted */
static char *
each_column(const Words *words, const char *before, const char *after)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, words->columns)
		appendStringInfo(&buf, "%s%s%s%s", buf.len > 0 ? ", " : "", before,
						 field_name(words->orm, lfirst(lc)), after);
	return buf.data;
}

static char *
column_word(const Words *words, const char *word)
{
	const char *model = model_name(words);

	if (strcmp(word, "columns") == 0 || strcmp(word, "fields") == 0)
		return each_column(words, "", "");
	if (strcmp(word, "quoted") == 0)
		return each_column(words, "'", "'");
	if (strcmp(word, "attrs") == 0)
		return each_column(words, psprintf("%s.", model), "");
	if (strcmp(word, "defer") == 0)
		return each_column(words, psprintf("defer(%s.", model), ")");
	if (strcmp(word, "true") == 0)
		return each_column(words, "", ": true");
	if (strcmp(word, "false") == 0)
		return each_column(words, "", ": false");
	return NULL;
}

static char *
table_word(const Words *words, const char *word)
{
	if (strcmp(word, "table") == 0)
		return pstrdup(table_name(words->relid));
	if (strcmp(word, "Model") == 0)
		return model_name(words);
	if (strcmp(word, "model") == 0)
		return names_camel(model_name(words), false);
	if (strcmp(word, "key") == 0)
		return pstrdup(key_name(words->relid));
	if (strcmp(word, "keyfield") == 0)
		return field_name(words->orm, key_name(words->relid));
	return NULL;
}

static inline char
beyond(const KeysetColumn *column)
{
	return column->down ? '<' : '>';
}

/* (a, b) < (?, ?), or a < ? OR a = ? AND b > ? */
static char *
after_condition(const Words *words)
{
	const Keyset *keyset = &words->keyset;
	StringInfoData left,
				right;

	initStringInfo(&left);
	initStringInfo(&right);
	for (int i = 0; i < keyset->n; i++)
	{
		const KeysetColumn *column = &keyset->columns[i];
		const char *name = field_name(words->orm, column->name);

		if (keyset->mixed)
		{
			appendStringInfoString(&left, i > 0 ? " OR " : "");
			for (int j = 0; j < i; j++)
				appendStringInfo(&left, "%s = ? AND ",
								 field_name(words->orm, keyset->columns[j].name));
			appendStringInfo(&left, "%s %c ?", name, beyond(column));
			continue;
		}
		appendStringInfo(&left, "%s%s", i > 0 ? ", " : "", name);
		appendStringInfoString(&right, i > 0 ? ", ?" : "?");
	}
	if (keyset->n == 0)
		return pstrdup("the columns of ORDER BY, and a key that tells rows apart, are behind that one's");
	if (keyset->mixed)
		return left.data;
	return psprintf(keyset->n == 1 ? "%s %c %s" : "(%s) %c (%s)", left.data,
					beyond(&keyset->columns[0]), right.data);
}

/* id__lt=last.id, or Q(a__lt=last.a) | Q(a=last.a, id__lt=last.id) */
static char *
django_filter(const Keyset *keyset)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < keyset->n; i++)
	{
		const KeysetColumn *column = &keyset->columns[i];

		appendStringInfoString(&buf, keyset->n == 1 ? "" : i > 0 ? " | Q(" : "Q(");
		for (int j = 0; j < i; j++)
			appendStringInfo(&buf, "%s=last.%s, ", keyset->columns[j].name, keyset->columns[j].name);
		appendStringInfo(&buf, "%s__%s=last.%s%s", column->name, column->down ? "lt" : "gt",
						 column->name, keyset->n == 1 ? "" : ")");
	}
	return buf.len > 0 ? buf.data : pstrdup("...");
}

/* Post.id < last.id, or tuple_(Post.a, Post.id) < (last.a, last.id) */
static char *
python_tuple(const Words *words)
{
	const Keyset *keyset = &words->keyset;
	const char *model = model_name(words);
	StringInfoData left,
				right;

	if (keyset->n == 0 || keyset->mixed)
		return pstrdup("...");
	initStringInfo(&left);
	initStringInfo(&right);
	for (int i = 0; i < keyset->n; i++)
	{
		appendStringInfo(&left, "%s%s.%s", i > 0 ? ", " : "", model, keyset->columns[i].name);
		appendStringInfo(&right, "%slast.%s", i > 0 ? ", " : "", keyset->columns[i].name);
	}
	if (keyset->n == 1)
		return psprintf("%s %c %s", left.data, beyond(&keyset->columns[0]), right.data);
	return psprintf("%s(%s) %c (%s)", words->orm == ORM_PEEWEE ? "Tuple" : "tuple_",
					left.data, beyond(&keyset->columns[0]), right.data);
}

/* one column of the order, as the ORM has it */
static char *
order_term(const Words *words, const KeysetColumn *column)
{
	switch (words->orm)
	{
		case ORM_DJANGO:
			return psprintf("'%s%s'", column->down ? "-" : "", column->name);
		case ORM_RAILS:
			return psprintf("%s: :%s", column->name, column->down ? "desc" : "asc");
		case ORM_SQLALCHEMY:
		case ORM_PEEWEE:
			return psprintf("%s.%s%s", model_name(words), column->name,
							column->down ? ".desc()" : "");
		case ORM_PRISMA:
			return psprintf("{ %s: '%s' }", column->name, column->down ? "desc" : "asc");
		case ORM_SEQUELIZE:
			return psprintf("['%s', '%s']", column->name, column->down ? "DESC" : "ASC");
		default:
			return psprintf("%s%s", column->name, column->down ? " DESC" : "");
	}
}

static char *
order_terms(const Words *words)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < words->keyset.n; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "",
						 order_term(words, &words->keyset.columns[i]));
	return buf.len > 0 ? buf.data : pstrdup("...");
}

static char *
keyset_word(const Words *words, const char *word)
{
	if (strcmp(word, "after") == 0)
		return after_condition(words);
	if (strcmp(word, "filter") == 0)
		return django_filter(&words->keyset);
	if (strcmp(word, "tuple") == 0)
		return python_tuple(words);
	if (strcmp(word, "order") == 0)
		return order_terms(words);
	return NULL;
}

/* Fill in the words in braces; braces around anything else stay. */
static char *
fill(const Words *words, const char *template)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = template; *p != '\0';)
	{
		int			len = *p == '{' ? strspn(p + 1, "abcdefghijklmnopqrstuvwxyz"
											 "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
		char	   *text = NULL;

		if (len > 0 && p[len + 1] == '}')
		{
			char	   *word = pnstrdup(p + 1, len);

			text = table_word(words, word);
			if (text == NULL)
				text = column_word(words, word);
			if (text == NULL)
				text = keyset_word(words, word);
		}
		if (text != NULL)
		{
			appendStringInfoString(&buf, text);
			p += len + 2;
		}
		else
			appendStringInfoChar(&buf, *p++);
	}
	return buf.data;
}

/* -------------------------------------------------------------------------
 * All together
 * -------------------------------------------------------------------------
 */

static void
read_keyset(Query *query, void *arg)
{
	Words	   *words = arg;

	keyset_read(query, &words->keyset);
	/* this one may fail, and leaves the above */
	words->statement = keyset_statement(query);
}

/* Sentences are left out whole rather than cut; NULL when none has room. */
static char *
fitting(const char *fix, const Words *words)
{
	char	   *both = NULL;

	if (words->statement && words->keyset.nullable)
		both = psprintf("%s In SQL, if %s is never null: %s", fix, words->keyset.nullable,
						words->statement);
	else if (words->statement)
		both = psprintf("%s In SQL: %s", fix, words->statement);

	if (both && strlen(both) < HEAVY_ADVICE_BYTES)
		return both;
	return strlen(fix) < HEAVY_ADVICE_BYTES ? pstrdup(fix) : NULL;
}

/* Fill in what is said of a statement; the table is known. */
void
heavyadvice_describe(HeavyKind kind, const QueryDesc *queryDesc,
					 const HeavyCall *call, HeavyTexts *texts)
{
	const PlannedStmt *pstmt = queryDesc->plannedstmt;
	Words	   *words = palloc0(sizeof(Words));

	words->orm = detect_statement_orm(queryDesc);
	words->relid = texts->relid;
	words->columns = column_names(queryDesc, call);
	if (kind == HEAVY_DEEP_OFFSET)
		(void) reread_statement(queryDesc, read_keyset, words);
	texts->query = normalize_statement(queryDesc->sourceText ? queryDesc->sourceText : "",
									   pstmt->stmt_location, pstmt->stmt_len,
									   HEAVY_QUERY_BYTES - 1);
	texts->columns = separated(words->columns);
	texts->advice = fitting(fill(words, heavywords_fix(kind, words->orm)), words);
}
