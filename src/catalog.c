/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  What the catalog says of columns: foreign keys, unique keys, names.
 *
 * Called once per loop, at its detection, in a live statement.  A relation
 * that the statement does not use itself (the parent's, say) is locked only
 * if the lock is free: a diagnosis must never wait behind an ALTER TABLE.
 * Whatever cannot be found out counts as absent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_index.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "catalog.h"

/* Open a relation without waiting; NULL when that is not possible now. */
static Relation
open_if_free(Oid relid)
{
	Relation	rel;

	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return rel;
}

/* The table that a user knows a partition by. */
Oid
catalog_root(Oid relid)
{
	List	   *ancestors;

	if (!OidIsValid(relid) || !get_rel_relispartition(relid))
		return relid;
	ancestors = get_partition_ancestors(relid);
	return ancestors == NIL ? relid : llast_oid(ancestors);
}

/* Is there a foreign key from this column to that one? */
bool
catalog_references(Oid relid, AttrNumber attnum, Oid target, AttrNumber target_attnum)
{
	Relation	rel = open_if_free(relid);
	bool		found = false;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		for (int i = 0; i < fk->nkeys && !found; i++)
			found = fk->confrelid == target &&
				fk->conkey[i] == attnum && fk->confkey[i] == target_attnum;
	}
	relation_close(rel, AccessShareLock);
	return found;
}

/* The table and column that a foreign key column references. */
Oid
catalog_target(Oid relid, AttrNumber attnum, AttrNumber *target_attnum)
{
	Relation	rel = open_if_free(relid);
	Oid			target = InvalidOid;
	ListCell   *lc;

	if (rel == NULL)
		return InvalidOid;
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		for (int i = 0; i < fk->nkeys && !OidIsValid(target); i++)
			if (fk->conkey[i] == attnum)
			{
				target = fk->confrelid;
				*target_attnum = fk->confkey[i];
			}
	}
	relation_close(rel, AccessShareLock);
	return target;
}

/* Does a foreign key of other columns than "except" reference one of these? */
bool
catalog_links_any(Oid relid, AttrNumber except, const List *targets)
{
	Relation	rel = open_if_free(relid);
	bool		found = false;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		found |= fk->conkey[0] != except && fk->confrelid != relid &&
			list_member_oid(targets, fk->confrelid);
	}
	relation_close(rel, AccessShareLock);
	return found;
}

/* Is there any foreign key from the one table to the other? */
bool
catalog_links(Oid relid, Oid target)
{
	Relation	rel = open_if_free(relid);
	bool		found = false;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetFKeyList(rel))
		found |= lfirst_node(ForeignKeyCacheInfo, lc)->confrelid == target;
	relation_close(rel, AccessShareLock);
	return found;
}

/* The column of a table that references another table; 0: there is none. */
AttrNumber
catalog_column_to(Oid relid, Oid target)
{
	Relation	rel = open_if_free(relid);
	AttrNumber	attnum = 0;
	ListCell   *lc;

	if (rel == NULL)
		return 0;
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		if (attnum == 0 && fk->confrelid == target)
			attnum = fk->conkey[0];
	}
	relation_close(rel, AccessShareLock);
	return attnum;
}

/* Is the column alone the primary key? */
bool
catalog_is_primary(Oid relid, AttrNumber attnum)
{
	Relation	rel = open_if_free(relid);
	Bitmapset  *primary;
	int			member;
	bool		found;

	if (rel == NULL)
		return false;
	primary = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	found = bms_get_singleton_member(primary, &member) &&
		member == attnum - FirstLowInvalidHeapAttributeNumber;
	relation_close(rel, AccessShareLock);
	return found;
}

static bool
index_is_unique_on(Oid indexid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index form;
	bool		unique;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	unique = form->indisunique && form->indisvalid && form->indnkeyatts == 1 &&
		form->indkey.values[0] == attnum &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return unique;
}

/* Does the column alone tell rows apart? */
bool
catalog_is_unique(Oid relid, AttrNumber attnum)
{
	Relation	rel = open_if_free(relid);
	bool		unique = false;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetIndexList(rel))
		unique |= index_is_unique_on(lfirst_oid(lc), attnum);
	relation_close(rel, AccessShareLock);
	return unique;
}

/* the columns of a unique index without expressions, if all are in the list */
static List *
unique_columns_among(Oid indexid, const List *attnums)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index form;
	List	   *columns = NIL;
	bool		fits;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	fits = form->indisunique && form->indisvalid && form->indimmediate &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	for (int i = 0; i < form->indnkeyatts && fits; i++)
	{
		fits = list_member_int(attnums, form->indkey.values[i]);
		columns = lappend_int(columns, form->indkey.values[i]);
	}
	ReleaseSysCache(tuple);
	return fits ? columns : NIL;
}

/* The columns of a unique key that are all among these; NIL: there is none. */
List *
catalog_unique_key(Oid relid, const List *attnums)
{
	Relation	rel = open_if_free(relid);
	List	   *columns = NIL;
	ListCell   *lc;

	if (rel == NULL)
		return NIL;
	foreach(lc, RelationGetIndexList(rel))
		if (columns == NIL)
			columns = unique_columns_among(lfirst_oid(lc), attnums);
	relation_close(rel, AccessShareLock);
	return columns;
}

/*
 * Is the column one half of a polymorphic reference?  Frameworks name the
 * other half after it: resource_id and resource_type, object_id and
 * content_type_id.
 */
bool
catalog_has_type_column(Oid relid, AttrNumber attnum)
{
	static const char *const others[] = {"%s_type", "%s_type_id", "%s_class", "%s_content_type_id"};
	char	   *name = get_attname(relid, attnum, true);
	int			len = name ? strlen(name) : 0;
	char	   *stem;

	if (len <= 3 || pg_strcasecmp(name + len - 3, "_id") != 0)
		return false;
	stem = pnstrdup(name, len - 3);
	for (int i = 0; i < (int) lengthof(others); i++)
		if (get_attnum(relid, psprintf(others[i], stem)) != InvalidAttrNumber)
			return true;
	return strcmp(stem, "object") == 0 &&
		get_attnum(relid, "content_type_id") != InvalidAttrNumber;
}

/* table.column, with the schema where the search path does not find it */
char *
catalog_column_name(Oid relid, AttrNumber attnum)
{
	char	   *relname = get_rel_name(relid);
	char	   *attname = get_attname(relid, attnum, true);

	if (relname == NULL || attname == NULL)
		return NULL;
	if (RelationIsVisible(relid))
		return psprintf("%s.%s", quote_identifier(relname), quote_identifier(attname));
	return psprintf("%s.%s",
					quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), relname),
					quote_identifier(attname));
}
