/*-------------------------------------------------------------------------
 *
 * existing.c
 *	  The indexes and constraints that a table has already.
 *
 * Answers from the catalog, never from names: is there an INVALID index like
 * the one that is missing, has a suggested index been created meanwhile, and
 * which foreign key do its columns belong to.
 *
 * Locking: an AccessShareLock on the table where it is free at once; a table
 * that somebody holds exclusively is not waited for, and the answer is no.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "existing.h"

/* Open a table unless it is gone or in somebody's exclusive hands */
static Relation
open_if_free(Oid relid)
{
	Relation	rel;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return rel;
}

/* The name of an INVALID index whose first keys are this one's; else NULL */
char *
existing_invalid(const WhatifIndex *index)
{
	Relation	rel = table_open(index->relid, NoLock);
	List	   *indexes = RelationGetIndexList(rel);
	char	   *name = NULL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;
		bool		same;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		same = !form->indisvalid && form->indnkeyatts >= index->nkeys;
		for (int i = 0; same && i < index->nkeys; i++)
			same = index->keys[i].attnum > 0 &&
				form->indkey.values[i] == index->keys[i].attnum;
		if (same && name == NULL)
			name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(lfirst_oid(lc))),
											  get_rel_name(lfirst_oid(lc)));
		ReleaseSysCache(tuple);
	}
	table_close(rel, NoLock);
	return name;
}

/* Has an index the predicate that a hint asks for? */
static bool
same_predicate(Relation index, const HintEntry *entry)
{
	List	   *predicate = RelationGetIndexPredicate(index);
	char	   *text;

	if (predicate == NIL)
		return true;			/* an index of all rows serves as well */
	if (entry->predicate[0] == '\0')
		return false;
	text = deparse_expression((Node *) make_ands_explicit(predicate),
							  deparse_context_for(get_rel_name(entry->relid),
												  entry->relid),
							  false, false);
	return strcmp(text, entry->predicate) == 0;
}

/* Does an index begin with the keys that a hint asks for? */
static bool
begins_with_keys(Relation index, const HintEntry *entry)
{
	const char *key = entry->keys;

	if (index->rd_rel->relam != entry->amoid || !index->rd_index->indisvalid ||
		index->rd_index->indnkeyatts < entry->nkeys)
		return false;
	for (int i = 0; i < entry->nkeys; i++)
	{
		char	   *column;

		if (index->rd_index->indkey.values[i] != entry->attnums[i])
			return false;
		column = TextDatumGetCString(DirectFunctionCall3(pg_get_indexdef_ext,
													   ObjectIdGetDatum(RelationGetRelid(index)),
													   Int32GetDatum(i + 1),
													   BoolGetDatum(false)));
		if (strncmp(column, key, strlen(column)) != 0)
			return false;
		key = strchr(key, HINT_KEY_SEPARATOR);
		if (key != NULL)
			key++;
	}
	return same_predicate(index, entry);
}

/* Has the index been created since it was suggested? */
bool
existing_serves(const HintEntry *entry)
{
	Relation	rel = open_if_free(entry->relid);
	bool		serves = false;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		serves = serves || begins_with_keys(index, entry);
		index_close(index, AccessShareLock);
	}
	relation_close(rel, AccessShareLock);
	return serves;
}

/* The foreign key whose columns a hint's index begins with; else NULL */
char *
existing_foreign_key(const HintEntry *entry)
{
	Relation	rel = open_if_free(entry->relid);
	char	   *text = NULL;
	ListCell   *lc;

	if (rel == NULL)
		return NULL;
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = (ForeignKeyCacheInfo *) lfirst(lc);
		bool		same = fk->nkeys <= entry->nkeys;

		for (int i = 0; same && i < fk->nkeys; i++)
		{
			bool		found = false;

			for (int j = 0; j < fk->nkeys; j++)
				found = found || entry->attnums[j] == fk->conkey[i];
			same = found;
		}
		if (same && text == NULL)
			text = psprintf("foreign key %s to %s",
							quote_identifier(get_constraint_name(fk->conoid)),
							get_rel_name(fk->confrelid));
	}
	relation_close(rel, AccessShareLock);
	return text;
}

/* How many indexes a table has */
int
existing_count(Oid relid)
{
	Relation	rel = open_if_free(relid);
	int			n;

	if (rel == NULL)
		return 0;
	n = list_length(RelationGetIndexList(rel));
	relation_close(rel, AccessShareLock);
	return n;
}
