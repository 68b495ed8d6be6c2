/*-------------------------------------------------------------------------
 *
 * hinttext.c
 *	  Hints in words: the keys of an index and the DDL that makes it.
 *
 * The keys are written when the hint is found, under a search path of
 * pg_catalog alone, so that every other name is qualified; the statement that
 * creates the index is put together when somebody reads it, so that a table
 * that has been renamed meanwhile has its new name in it.
 *
 * Locking: none; catalog caches only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "existing.h"
#include "hinttext.h"
#include "plantext.h"

/* The same question, and answer, as when an index is written out */
static bool
looks_like_function(const Node *expr)
{
	switch (nodeTag(expr))
	{
		case T_FuncExpr:
			return ((const FuncExpr *) expr)->funcformat == COERCE_EXPLICIT_CALL ||
				((const FuncExpr *) expr)->funcformat == COERCE_SQL_SYNTAX;
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullIfExpr:
		case T_SQLValueFunction:
		case T_XmlExpr:
			return true;
		default:
			return false;
	}
}

/* An expression of one table, in brackets where CREATE INDEX wants them */
static char *
expression_text(Oid relid, Node *expr)
{
	List	   *context = deparse_context_for(get_rel_name(relid), relid);
	char	   *text = deparse_expression(expr, context, false, false);

	if (looks_like_function(expr))
		return text;
	return psprintf("(%s)", text);
}

static void
append_opclass(StringInfo buf, const WhatifKey *key, Oid amoid)
{
	HeapTuple	tuple;
	Form_pg_opclass opc;

	if (key->opclass == GetDefaultOpClass(key->type, amoid))
		return;
	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(key->opclass));
	if (!HeapTupleIsValid(tuple))
		return;
	opc = (Form_pg_opclass) GETSTRUCT(tuple);
	appendStringInfo(buf, " %s",
					 opc->opcnamespace == PG_CATALOG_NAMESPACE ?
					 quote_identifier(NameStr(opc->opcname)) :
					 quote_qualified_identifier(get_namespace_name(opc->opcnamespace),
												NameStr(opc->opcname)));
	ReleaseSysCache(tuple);
}

/* The collation of the column or expression where nothing else is said */
static Oid
own_collation(Oid relid, const WhatifKey *key)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (key->attnum == 0)
		return exprCollation(key->expr);
	get_atttypetypmodcoll(relid, key->attnum, &type, &typmod, &collation);
	return collation;
}

static void
append_key(StringInfo buf, Oid relid, const WhatifKey *key, Oid amoid)
{
	if (key->attnum > 0)
		appendStringInfoString(buf, quote_identifier(get_attname(relid, key->attnum,
																 false)));
	else
		appendStringInfoString(buf, expression_text(relid, key->expr));
	if (OidIsValid(key->collation) &&
		key->collation != own_collation(relid, key))
		appendStringInfo(buf, " COLLATE %s",
						 generate_collation_name(key->collation));
	append_opclass(buf, key, amoid);
	if (key->descending)
		appendStringInfoString(buf, key->nulls_first ? " DESC" : " DESC NULLS LAST");
	else if (key->nulls_first)
		appendStringInfoString(buf, " NULLS FIRST");
}

/* Everything qualified but what is in pg_catalog; returns the GUC level */
int
hinttext_plain_search_path(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Copy a text, or as many whole characters of it as there is room for */
void
hinttext_set(char *field, int size, const char *text)
{
	int			len = pg_mbcliplen(text, strlen(text), size - 1);

	memcpy(field, text, len);
	field[len] = '\0';
}

/* The columns in a tree, and in one number how they are called by now */
static uint64
columns_of(Oid relid, Node *node, AttrNumber *columns)
{
	Bitmapset  *attnos = NULL;
	int			x = -1;
	int			n = 0;

	pull_varattnos(node, 1, &attnos);
	memset(columns, 0, sizeof(AttrNumber) * HINT_COLUMNS_USED);
	while ((x = bms_next_member(attnos, x)) >= 0 && n < HINT_COLUMNS_USED)
		columns[n++] = x + FirstLowInvalidHeapAttributeNumber;
	return existing_columns(relid, columns);
}

/* The columns of all keys and of the predicate */
static void
note_columns(HintEntry *entry, const WhatifIndex *index)
{
	List	   *all = list_copy(index->predicate);

	for (int i = 0; i < index->nkeys; i++)
		all = lappend(all, index->keys[i].expr);
	entry->used_sig = columns_of(index->relid, (Node *) all, entry->used);
}

/* Tells keys apart: by their text, and by what columns of that name are */
static uint64
key_signature(Oid relid, const WhatifKey *key, const char *text, int len)
{
	AttrNumber	columns[HINT_COLUMNS_USED];

	return hash_bytes_extended((const unsigned char *) text, len,
							   columns_of(relid, key->expr, columns));
}

/*
 * Write an index into an entry.  An index that does not fit, or has our own
 * separator in a name, is no hint: nkeys stays 0.
 */
void
hinttext_describe_index(HintEntry *entry, const WhatifIndex *index)
{
	int			level = hinttext_plain_search_path();
	StringInfoData keys;
	bool		too_long = false;

	initStringInfo(&keys);
	for (int i = 0; i < index->nkeys; i++)
	{
		int			start = keys.len;

		append_key(&keys, index->relid, &index->keys[i], index->amoid);
		if (memchr(keys.data + start, HINT_KEY_SEPARATOR, keys.len - start))
			too_long = true;
		entry->attnums[i] = index->keys[i].attnum;
		entry->keysig[i] = key_signature(index->relid, &index->keys[i],
										 keys.data + start, keys.len - start);
		if (i < index->nkeys - 1)
			appendStringInfoChar(&keys, HINT_KEY_SEPARATOR);
	}
	entry->predicate[0] = '\0';
	if (index->predicate != NIL)
	{
		char	   *text = deparse_expression((Node *) make_ands_explicit(index->predicate),
											  deparse_context_for(get_rel_name(index->relid),
																  index->relid),
											  false, false);

		if (strlen(text) < HINT_PREDICATE_LEN)
			strlcpy(entry->predicate, text, HINT_PREDICATE_LEN);
		else
			too_long = true;
	}
	note_columns(entry, index);
	AtEOXact_GUC(true, level);
	entry->partial = index->predicate != NIL;
	entry->amoid = index->amoid;
	entry->nequal = index->nequal;
	entry->relid = index->relid;
	entry->nkeys = keys.len < HINT_KEYS_LEN && !too_long ? index->nkeys : 0;
	strlcpy(entry->keys, keys.data, HINT_KEYS_LEN);
}

/* The keys with commas between them */
char *
hinttext_columns(const HintEntry *entry)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *c = entry->keys; *c; c++)
	{
		if (*c == HINT_KEY_SEPARATOR)
			appendStringInfoString(&buf, ", ");
		else
			appendStringInfoChar(&buf, *c);
	}
	return buf.data;
}

/*
 * The statement that creates the index, ready to run; NULL where the table
 * is gone.
 */
char *
hinttext_ddl(const HintEntry *entry)
{
	char	   *relname = get_rel_name(entry->relid);
	char	   *namespace = get_namespace_name(get_rel_namespace(entry->relid));
	StringInfoData buf;

	if (entry->nkeys == 0 || relname == NULL || namespace == NULL)
		return NULL;
	initStringInfo(&buf);

	/* a partitioned table's index cannot be made concurrently */
	appendStringInfo(&buf, "CREATE INDEX %sON %s USING %s (%s)",
					 get_rel_relkind(entry->relid) == RELKIND_PARTITIONED_TABLE ?
					 "" : "CONCURRENTLY ",
					 quote_qualified_identifier(namespace, relname),
					 get_am_name(entry->amoid), hinttext_columns(entry));
	if (entry->predicate[0] != '\0')
		appendStringInfo(&buf, " WHERE %s", entry->predicate);
	return buf.data;
}

/* Why this index: what the statement does with its keys, and what it brings */
static void
write_reason(HintEntry *entry, const WhatifIndex *index, const Verdict *verdict)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s on %s; the plan's cost falls from %.0f to %.0f",
					 index->why, hinttext_columns(entry),
					 verdict->cost_before, verdict->cost_after);
	if (list_length(verdict->indexes) > 1)
		appendStringInfo(&buf, ", together with %d more of this statement",
						 list_length(verdict->indexes) - 1);
	hinttext_set(entry->reason, HINT_REASON_LEN, buf.data);
}

/* What all entries of a verdict say alike */
static void
write_verdict(HintEntry *entries, int n, const Verdict *verdict)
{
	char	   *before = plantext_make(verdict->before, NIL, HINT_PLAN_LEN);
	char	   *after = plantext_make(verdict->after, verdict->tried,
									  HINT_PLAN_LEN);

	for (int i = 0; i < n; i++)
	{
		strlcpy(entries[i].plan_before, before ? before : "", HINT_PLAN_LEN);
		strlcpy(entries[i].plan_after, after ? after : "", HINT_PLAN_LEN);
		entries[i].cost_before = verdict->cost_before;
		entries[i].cost_after = verdict->cost_after;
		entries[i].verified = verdict->generic ? HINT_GENERIC_PLAN :
			HINT_ACTUAL_VALUES;
		if (verdict->finding != NULL)
			hinttext_set(entries[i].finding, HINT_FINDING_LEN,
						 verdict->finding->text);
	}
}

/*
 * Turn a verdict into entries: one for each index, or the finding by itself.
 * What they have in common comes filled in.
 */
int
hinttext_entries(HintEntry *entries, int max, const HintEntry *common,
				 const Verdict *verdict)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, verdict->indexes)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);

		if (n >= max)
			break;
		entries[n] = *common;
		hinttext_describe_index(&entries[n], index);
		if (entries[n].nkeys == 0)
			continue;
		write_reason(&entries[n], index, verdict);
		entries[n].index_bytes = index->bytes;
		n++;
	}
	if (n == 0 && verdict->finding != NULL)
	{
		entries[0] = *common;
		entries[0].relid = verdict->finding->relid;
		n = 1;
	}
	if (n > 0)
		write_verdict(entries, n, verdict);
	return n;
}
