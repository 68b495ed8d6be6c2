/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  What the catalog says of columns: foreign keys, unique keys, names.
 *
 * Called once per loop, at its detection, in a live statement.  A relation
 * that the statement does not use itself (the parent's, say) is locked only
 * if the lock is free: a diagnosis must never wait behind an ALTER TABLE.
 * Whatever cannot be found out counts as absent.  What is asked for every
 * loop goes through ask(), which remembers the answers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "memo.h"

/*
 * What finds an answer in the catalog itself; false when that is not possible
 * now.  No answer (InvalidOid) is one as well.
 */
typedef bool (*Finder) (const MemoKey *key, MemoAnswer *answer);

/* The answer to a question: the one remembered, or else found now. */
static MemoAnswer
ask(Finder finder, MemoKey key)
{
	MemoAnswer	answer = {InvalidOid, InvalidAttrNumber};

	if (!OidIsValid(key.relid) || memo_recall(&key, &answer))
		return answer;
	if (finder(&key, &answer))
		memo_keep(&key, answer);
	return answer;
}

static inline bool
is_yes(MemoAnswer answer)
{
	return OidIsValid(answer.relid);
}

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

static bool
find_root(const MemoKey *key, MemoAnswer *answer)
{
	List	   *ancestors = NIL;

	if (get_rel_relispartition(key->relid))
		ancestors = get_partition_ancestors(key->relid);
	answer->relid = ancestors == NIL ? key->relid : llast_oid(ancestors);
	return true;
}

/* The table that a user knows a partition by. */
Oid
catalog_root(Oid relid)
{
	MemoKey		key = {ASK_ROOT, relid};

	return ask(find_root, key).relid;
}

static bool
find_extension(const MemoKey *key, MemoAnswer *answer)
{
	answer->relid = getExtensionOfObject(RelationRelationId, key->relid);
	return true;
}

/* Relations that extensions brought along are not the users'. */
bool
catalog_is_of_extension(Oid relid)
{
	MemoKey		key = {ASK_EXTENSION, relid};

	return is_yes(ask(find_extension, key));
}

/* Does a foreign key satisfy the question?  Then what it references does. */
typedef bool (*KeyTest) (const MemoKey *key, const ForeignKeyCacheInfo *fk,
						 MemoAnswer *answer);

static bool
find_foreign_key(const MemoKey *key, KeyTest test, MemoAnswer *answer)
{
	Relation	rel = open_if_free(key->relid);
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetFKeyList(rel))
	{
		if (test(key, lfirst_node(ForeignKeyCacheInfo, lc), answer))
		{
			answer->relid = lfirst_node(ForeignKeyCacheInfo, lc)->confrelid;
			break;
		}
	}
	relation_close(rel, AccessShareLock);
	return true;
}

static bool
references_column(const MemoKey *key, const ForeignKeyCacheInfo *fk,
				  MemoAnswer *answer)
{
	if (fk->confrelid != key->target)
		return false;
	for (int i = 0; i < fk->nkeys; i++)
		if (fk->conkey[i] == key->attnum && fk->confkey[i] == key->target_attnum)
			return true;
	return false;
}

static bool
find_reference(const MemoKey *key, MemoAnswer *answer)
{
	return find_foreign_key(key, references_column, answer);
}

/* Is there a foreign key from this column to that one? */
bool
catalog_references(Oid relid, AttrNumber attnum, Oid target, AttrNumber target_attnum)
{
	MemoKey		key = {ASK_REFERENCES, relid, target, attnum, target_attnum};

	return is_yes(ask(find_reference, key));
}

static bool
is_foreign_key_of(const MemoKey *key, const ForeignKeyCacheInfo *fk,
				  MemoAnswer *answer)
{
	for (int i = 0; i < fk->nkeys; i++)
		if (fk->conkey[i] == key->attnum)
		{
			answer->attnum = fk->confkey[i];
			return true;
		}
	return false;
}

static bool
find_target(const MemoKey *key, MemoAnswer *answer)
{
	return find_foreign_key(key, is_foreign_key_of, answer);
}

/* The table and column that a foreign key column references. */
Oid
catalog_target(Oid relid, AttrNumber attnum, AttrNumber *target_attnum)
{
	MemoKey		key = {ASK_TARGET, relid, InvalidOid, attnum};
	MemoAnswer	answer = ask(find_target, key);

	if (is_yes(answer))
		*target_attnum = answer.attnum;
	return answer.relid;
}

static bool
links_beside(const MemoKey *key, const ForeignKeyCacheInfo *fk, MemoAnswer *answer)
{
	return fk->conkey[0] != key->attnum && fk->confrelid == key->target;
}

static bool
find_link_beside(const MemoKey *key, MemoAnswer *answer)
{
	return find_foreign_key(key, links_beside, answer);
}

/* Does a foreign key of other columns than "except" reference one of these? */
bool
catalog_links_any(Oid relid, AttrNumber except, const List *targets)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		MemoKey		key = {ASK_LINKS_BESIDE, relid, lfirst_oid(lc), except};

		if (key.target != relid && is_yes(ask(find_link_beside, key)))
			return true;
	}
	return false;
}

static bool
links(const MemoKey *key, const ForeignKeyCacheInfo *fk, MemoAnswer *answer)
{
	return fk->confrelid == key->target;
}

static bool
find_link(const MemoKey *key, MemoAnswer *answer)
{
	return find_foreign_key(key, links, answer);
}

/* Is there any foreign key from the one table to the other? */
bool
catalog_links(Oid relid, Oid target)
{
	MemoKey		key = {ASK_LINKS, relid, target};

	return is_yes(ask(find_link, key));
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

static bool
find_unique(const MemoKey *key, MemoAnswer *answer)
{
	Relation	rel = open_if_free(key->relid);
	ListCell   *lc;

	if (rel == NULL)
		return false;
	foreach(lc, RelationGetIndexList(rel))
	{
		if (index_is_unique_on(lfirst_oid(lc), key->attnum))
		{
			answer->relid = key->relid;
			break;
		}
	}
	relation_close(rel, AccessShareLock);
	return true;
}

/* Does the column alone tell rows apart? */
bool
catalog_is_unique(Oid relid, AttrNumber attnum)
{
	MemoKey		key = {ASK_UNIQUE, relid, InvalidOid, attnum};

	return is_yes(ask(find_unique, key));
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
	{
		if (columns == NIL)
			columns = unique_columns_among(lfirst_oid(lc), attnums);
	}
	relation_close(rel, AccessShareLock);
	return columns;
}

/*
 * Frameworks name the other half of a polymorphic reference after the one:
 * resource_id and resource_type, object_id and content_type_id.
 */
static bool
has_type_column(Oid relid, AttrNumber attnum)
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

static bool
find_type_column(const MemoKey *key, MemoAnswer *answer)
{
	if (has_type_column(key->relid, key->attnum))
		answer->relid = key->relid;
	return true;
}

/* Is the column one half of a polymorphic reference? */
bool
catalog_has_type_column(Oid relid, AttrNumber attnum)
{
	MemoKey		key = {ASK_TYPE_COLUMN, relid, InvalidOid, attnum};

	return is_yes(ask(find_type_column, key));
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
