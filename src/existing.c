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
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "existing.h"
#include "hinttext.h"

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

/*
 * The names and types of some columns in one number, by which a hint is told
 * that one of them has been renamed, changed or dropped.
 */
uint64
existing_columns(Oid relid, const AttrNumber *attnums)
{
	uint64		sig = 0;

	for (int i = 0; i < HINT_COLUMNS_USED && attnums[i] > 0; i++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
											Int16GetDatum(attnums[i]));
		Form_pg_attribute att;

		if (!HeapTupleIsValid(tuple))
			continue;
		att = (Form_pg_attribute) GETSTRUCT(tuple);
		sig = hash_combine64(sig, hash_bytes_extended((unsigned char *) NameStr(att->attname),
													  strlen(NameStr(att->attname)),
													  att->atttypid));
		ReleaseSysCache(tuple);
	}
	return sig;
}

/*
 * Does an index begin with the keys, and has it the predicate, that a hint
 * asks for?  Both sides are written by the same functions under the same
 * search path, so that the texts can be compared.
 */
static bool
same_definition(Oid indexoid, const HintEntry *entry)
{
	char	   *def = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef,
															  ObjectIdGetDatum(indexoid)));
	char	   *columns = hinttext_columns(entry);
	char	   *start = psprintf(" USING %s (", get_am_name(entry->amoid));
	char	   *found = strstr(def, start);
	char	   *where;

	if (found == NULL)
		return false;
	found += strlen(start);
	if (strncmp(found, columns, strlen(columns)) != 0 ||
		(found[strlen(columns)] != ')' && found[strlen(columns)] != ','))
		return false;
	where = strstr(found + strlen(columns), " WHERE ");
	if (entry->predicate[0] == '\0')
		return where == NULL;
	return where != NULL && strcmp(where + strlen(" WHERE "), entry->predicate) == 0;
}

/* Has the index been created since it was suggested? */
bool
existing_serves(const HintEntry *entry)
{
	Relation	rel = open_if_free(entry->relid);
	bool		serves = false;
	int			level;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	level = hinttext_plain_search_path();
	foreach(lc, RelationGetIndexList(rel))
	{
		if (get_index_isvalid(lfirst_oid(lc)) &&
			same_definition(lfirst_oid(lc), entry))
			serves = true;
	}
	AtEOXact_GUC(true, level);
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
