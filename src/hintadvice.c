/*-------------------------------------------------------------------------
 *
 * hintadvice.c
 *	  What a reader should know beside the DDL of a hint.
 *
 * Put together when the hint is read, from the catalog and the statistics as
 * they are then: the foreign key that the columns belong to, what the index
 * will cost the table's writers, how to go about it on a partitioned table,
 * and the same index in the words of an ORM's models.
 *
 * Locking: none but what existing.c takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "existing.h"
#include "hintadvice.h"
#include "hinttext.h"

/* Writes that outweigh reads by this much are worth a word */
#define HOT_SHARE_WORTH_A_WORD	0.10

/* Column i of the index; descending where the key says so */
static char *
column_name(const HintEntry *entry, int i, bool *descending)
{
	const char *key = entry->keys;
	int			len;

	for (int n = 0; n < i; n++)
		key = strchr(key, HINT_KEY_SEPARATOR) + 1;
	len = strcspn(key, "\x1f");
	*descending = len > 5 && memcmp(key + len - 5, " DESC", 5) == 0;
	return get_attname(entry->relid, entry->attnums[i], true);
}

/* A name that a model can have as it is, in any language */
static bool
plain_name(const char *name)
{
	return name != NULL &&
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* Can a model's plain field list say it: bare columns, no predicate? */
static bool
plain_columns(const HintEntry *entry)
{
	if (entry->amoid != BTREE_AM_OID || entry->partial)
		return false;
	for (int i = 0; i < entry->nkeys; i++)
	{
		bool		descending;

		if (entry->attnums[i] <= 0 ||
			!plain_name(column_name(entry, i, &descending)))
			return false;
	}
	return plain_name(get_rel_name(entry->relid)) &&
		strstr(entry->keys, "COLLATE") == NULL &&
		strstr(entry->keys, "_ops") == NULL &&
		strstr(entry->keys, "NULLS") == NULL;
}

/* The columns, each between quotes, after a minus where it is descending */
static char *
column_list(const HintEntry *entry, const char *quote, const char *minus,
			const char *separator)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < entry->nkeys; i++)
	{
		bool		descending;
		char	   *name = column_name(entry, i, &descending);

		appendStringInfo(&buf, "%s%s%s%s%s", i > 0 ? separator : "", quote,
						 descending ? minus : "", name, quote);
	}
	return buf.data;
}

static char *
index_name(const HintEntry *entry)
{
	char	   *name = psprintf("%s_%s_idx", get_rel_name(entry->relid),
								column_list(entry, "", "", "_"));

	if (strlen(name) > 30)		/* Django's limit is the narrowest */
		memcpy(name + 26, "_idx", sizeof("_idx"));
	return name;
}

/* The index as a model of the ORM at hand would have it */
static void
append_model_form(StringInfo buf, const HintEntry *entry)
{
	const char *orm = GetConfigOption("pg_nplusone.orm", true, false);
	bool		any = orm == NULL || strcmp(orm, "auto") == 0;

	if (!plain_columns(entry))
		return;
	if (any || strcmp(orm, "django") == 0)
		appendStringInfo(buf, "; Django: models.Index(fields=[%s], name='%s')%s",
						 column_list(entry, "'", "-", ", "), index_name(entry),
						 entry->nkeys == 1 ? " or db_index=True" : "");
	if (any || strcmp(orm, "rails") == 0)
		appendStringInfo(buf, "; Rails: add_index :%s, %%i[%s], algorithm: :concurrently",
						 get_rel_name(entry->relid),
						 column_list(entry, "", "", " "));
	if (any || strcmp(orm, "sqlalchemy") == 0)
		appendStringInfo(buf, "; SQLAlchemy: Index('%s', %s)",
						 index_name(entry), column_list(entry, "'", "", ", "));
	if (any || strcmp(orm, "hibernate") == 0)
		appendStringInfo(buf, "; JPA: @Index(columnList = \"%s\")",
						 column_list(entry, "", "", ", "));
}

/* What the table's writers will pay */
static void
append_write_note(StringInfo buf, const HintEntry *entry)
{
	Datum		relid = ObjectIdGetDatum(entry->relid);
	int64		updates = DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_updated, relid));
	int64		hot = DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_hot_updated, relid));
	int			have = existing_count(entry->relid);

	appendStringInfo(buf, "; every write maintains it (the table has %d index%s)",
					 have, have == 1 ? "" : "es");
	if (hot > 0 && hot > updates * HOT_SHARE_WORTH_A_WORD)
		appendStringInfo(buf, "; " INT64_FORMAT " of " INT64_FORMAT
						 " updates were HOT, those that change an indexed column no longer will be",
						 hot, updates);
}

/* The stored reason with all that is known when it is read */
char *
hintadvice_reason(const HintEntry *entry)
{
	StringInfoData buf;
	char	   *fk;

	if (entry->nkeys == 0 || get_rel_name(entry->relid) == NULL)
		return pstrdup(entry->reason);
	initStringInfo(&buf);
	appendStringInfoString(&buf, entry->reason);
	fk = existing_foreign_key(entry);
	if (fk != NULL && strstr(entry->reason, "foreign key ") == NULL)
		appendStringInfo(&buf, "; the columns are those of %s", fk);
	append_write_note(&buf, entry);
	if (get_rel_relkind(entry->relid) == RELKIND_PARTITIONED_TABLE)
		appendStringInfo(&buf, "; to build it without blocking writers: CREATE INDEX ... ON ONLY %s, then CREATE INDEX CONCURRENTLY on each partition and ALTER INDEX ... ATTACH PARTITION",
						 quote_identifier(get_rel_name(entry->relid)));
	append_model_form(&buf, entry);
	return buf.data;
}
