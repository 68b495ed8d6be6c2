/*-------------------------------------------------------------------------
 *
 * whatif.c
 *	  Planning with indexes that do not exist.
 *
 * Owns the hypothetical indexes while one planning lasts. They come into a
 * plan by the relation-info hook, which is installed for the length of
 * whatif_plan() and taken out again whatever happens, so that a statement
 * that is planned for real never meets it. Only relations of the very query
 * that was handed in are given indexes: a function that is folded to a
 * constant may plan statements of its own meanwhile, and those are real.
 * (hypopg keeps a flag instead; an error leaves it set, and the next plain
 * statement fails on an index that is not there.)  Indexes that are other
 * modules' inventions are taken out, lest ours be held against them.
 *
 * The plans are looked at, never executed.
 *
 * Locking: none. Everything lives in the backend's memory and in the memory
 * context of the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/amapi.h"
#include "access/attmap.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "exprstats.h"
#include "whatif.h"
#include "compat.h"

/*
 * The OIDs of hypothetical indexes count down from the top of the range,
 * which an OID counter reaches last; a number that is taken is skipped.
 */
#define WHATIF_FIRST_OID	((Oid) 0xFFFFFFF0)

/* What a page holds when an index is built: less its header, at fill factor */
#define LEAF_BYTES			((BLCKSZ - 40) * 0.90)
#define INTERNAL_BYTES		((BLCKSZ - 40) * 0.70)

/* A posting list of equal keys is at most a tenth of a page (nbtsort.c) */
#define POSTING_TIDS		((BLCKSZ * 0.10 - 24) / sizeof(ItemPointerData))

/* The planning that goes on; NULL nearly always */
typedef struct WhatifPlanning
{
	List	   *indexes;
} WhatifPlanning;

static WhatifPlanning *current = NULL;

/*
 * Hooks that came before ours.  A library that is loaded by a function while
 * one is installed hangs itself before it: then ours has to stay in the chain
 * for good, and only passes on.
 */
static bool rel_info_chained = false;
static bool index_stats_chained = false;
static NpoRelInfoHook prev_rel_info_hook = NULL;
static get_index_stats_hook_type prev_index_stats_hook = NULL;

bool
whatif_active(void)
{
	return current != NULL;
}

/*
 * Where our query is said to begin, as no other one does.  Its address would
 * not tell it: from 16 on the planner goes on with a copy where it has turned
 * an outer join into an inner one.
 */
#define OUR_LOCATION	(-2)

/*
 * Does this planner state belong to the query of the what-if planning, and
 * not to one that a folded function plans meanwhile?
 */
bool
whatif_owns_root(PlannerInfo *root)
{
	while (root->parent_root != NULL)
		root = root->parent_root;
	return current != NULL && root->parse->stmt_location == OUR_LOCATION;
}

WhatifIndex *
whatif_find(Oid indexoid)
{
	ListCell   *lc;

	if (current == NULL)
		return NULL;
	foreach(lc, current->indexes)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);

		if (index->indexoid == indexoid)
			return index;
	}
	return NULL;
}

/* A partition may number its columns otherwise: attnum is this relation's */
static int
key_width(Oid relid, AttrNumber attnum, const WhatifKey *key)
{
	int			width = 0;

	if (attnum > 0)
		width = get_attavgwidth(relid, attnum);
	if (width <= 0 && !OidIsValid(key->type))
		width = sizeof(Datum);
	if (width <= 0)
		width = get_typavgwidth(key->type, -1);
	return width;
}

/*
 * Distinct values of a key, nulls counting as one; an expression is taken to
 * have as many as its column.
 */
static double
key_distinct(Oid relid, AttrNumber attnum, Node *expr, double tuples)
{
	HeapTuple	tuple;
	double		distinct = tuples;

	if (attnum == 0)
	{
		List	   *vars = pull_var_clause(expr, 0);

		if (list_length(vars) != 1)
			return tuples;
		attnum = ((Var *) linitial(vars))->varattno;
	}
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
							Int16GetDatum(attnum), BoolGetDatum(false));
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_statistic stats = (Form_pg_statistic) GETSTRUCT(tuple);

		distinct = stats->stadistinct > 0 ? stats->stadistinct :
			-stats->stadistinct * tuples;
		distinct += (stats->stanullfrac > 0) ? 1 : 0;
		if (distinct < 1)
			distinct = tuples;
		ReleaseSysCache(tuple);
	}
	return Min(distinct, tuples);
}

/*
 * Leaf bytes of a B-tree: equal keys share one tuple with a posting list
 * where every operator class takes equal as the same.
 */
static double
btree_leaf_bytes(WhatifIndex *index, Oid relid, IndexOptInfo *info,
				 double tuple_bytes)
{
	double		tuples = info->tuples;
	double		distinct = 1;
	double		per_posting;
	bool		dedup = true;

	for (int i = 0; i < index->nkeys; i++)
	{
		Oid			proc = get_opfamily_proc(index->keys[i].opfamily,
											 index->keys[i].opcintype,
											 index->keys[i].opcintype,
											 BTEQUALIMAGE_PROC);

		if (!OidIsValid(proc))
			dedup = false;
		distinct *= key_distinct(relid, info->indexkeys[i],
								 (Node *) list_nth_node(TargetEntry, info->indextlist, i)->expr,
								 tuples);
	}
	distinct = Min(distinct, tuples);
	if (!dedup || tuples < 1 || distinct >= tuples * 0.9)
		return tuples * (tuple_bytes + sizeof(ItemIdData));
	per_posting = Min(tuples / distinct, POSTING_TIDS);
	return tuples / per_posting * (tuple_bytes + sizeof(ItemIdData)) +
		(per_posting > 1 ? tuples * sizeof(ItemPointerData) : 0);
}

/*
 * Pages and height of a B-tree. A real height matters: the planner charges
 * for each level, and an index without one looks cheaper than the same index
 * when it exists, times the outer rows of a nested loop.
 */
static void
size_btree(WhatifIndex *index, Oid relid, IndexOptInfo *info, double width)
{
	double		tuple_bytes = MAXALIGN(sizeof(IndexTupleData) + width);
	double		level;
	double		pages;
	double		fanout;
	int			height = 0;

	level = ceil(btree_leaf_bytes(index, relid, info, tuple_bytes) /
				 LEAF_BYTES);
	level = Max(level, 1);
	pages = level;
	fanout = Max(INTERNAL_BYTES / (tuple_bytes + sizeof(ItemIdData)), 2);
	while (level > 1)
	{
		level = ceil(level / fanout);
		pages += level;
		height++;
	}
	info->pages = (BlockNumber) (pages + 1);	/* and the meta page */
	info->tree_height = height;
}

/* The other access methods: the planner works out heights by itself */
static void
size_other(WhatifIndex *index, IndexOptInfo *info, double width)
{
	double		tuples = info->tuples;
	double		bytes;

	info->tree_height = -1;
	if (index->amoid == HASH_AM_OID)
		bytes = tuples * (sizeof(IndexTupleData) + 12) / 0.75;
	else if (index->amoid == BRIN_AM_OID)
		bytes = info->rel->pages / 128.0 * (8 + 2 * width) + 3 * BLCKSZ;
	else if (index->amoid == GIN_AM_OID)
		bytes = tuples * (width * 0.5 + 6);
	else
		bytes = tuples * (MAXALIGN(sizeof(IndexTupleData) + width) + 4) / 0.75;
	info->pages = (BlockNumber) (ceil(bytes / BLCKSZ) + 1);
}

/* What the access method says of itself */
static void
set_am_facts(IndexOptInfo *info, Oid amoid)
{
	/* not to be freed: it may be the access method's own */
	const IndexAmRoutine *am = GetIndexAmRoutineByAmId(amoid, false);

	info->relam = amoid;
	info->amcanorderbyop = am->amcanorderbyop;
	info->amoptionalkey = am->amoptionalkey;
	info->amsearcharray = am->amsearcharray;
	info->amsearchnulls = am->amsearchnulls;
	info->amcanparallel = am->amcanparallel;
	info->amhasgettuple = (am->amgettuple != NULL);
	info->amhasgetbitmap = (am->amgetbitmap != NULL);
	info->amcanmarkpos = (am->ammarkpos != NULL && am->amrestrpos != NULL);
	info->amcostestimate = am->amcostestimate;
}

/* Room for the per-column arrays */
static void
alloc_columns(IndexOptInfo *info, int n)
{
	info->ncolumns = n;
	info->nkeycolumns = n;
	info->indexkeys = palloc0(sizeof(int) * n);
	info->indexcollations = palloc0(sizeof(Oid) * n);
	info->opfamily = palloc0(sizeof(Oid) * n);
	info->opcintype = palloc0(sizeof(Oid) * n);
	info->canreturn = palloc0(sizeof(bool) * n);
	info->opclassoptions = palloc0(sizeof(bytea *) * n);
}

/*
 * Fill one column from its key; attmap leads from the index's table to this
 * partition's columns (NULL: the same).  Returns the key's expression for
 * this relation.
 */
static Node *
set_column(IndexOptInfo *info, int i, const WhatifKey *key, AttrMap *attmap)
{
	Node	   *expr = copyObject(key->expr);
	bool		whole_row;

	if (attmap != NULL)
		expr = map_variable_attnos(expr, 1, 0, attmap, InvalidOid, &whole_row);
	if (info->rel->relid != 1)
		ChangeVarNodes(expr, 1, info->rel->relid, 0);

	info->indexkeys[i] = key->attnum > 0 ? ((Var *) expr)->varattno : 0;
	info->indexcollations[i] = key->collation;
	info->opfamily[i] = key->opfamily;
	info->opcintype[i] = key->opcintype;
	info->canreturn[i] = info->relam == BTREE_AM_OID;
	if (key->attnum == 0)
		info->indexprs = lappend(info->indexprs, expr);
	if (info->sortopfamily != NULL)
	{
		info->sortopfamily[i] = key->opfamily;
		info->reverse_sort[i] = key->descending;
		info->nulls_first[i] = key->nulls_first;
	}
	return expr;
}

static List *
predicate_for(WhatifIndex *index, RelOptInfo *rel, AttrMap *attmap)
{
	List	   *predicate = copyObject(index->predicate);
	bool		whole_row;

	if (predicate == NIL)
		return NIL;
	if (attmap != NULL)
		predicate = (List *) map_variable_attnos((Node *) predicate, 1, 0,
												 attmap, InvalidOid, &whole_row);
	if (rel->relid != 1)
		ChangeVarNodes((Node *) predicate, 1, rel->relid, 0);
	return predicate;
}

/* The index as the planner would describe it if it existed on this relation */
static IndexOptInfo *
build_info(WhatifIndex *index, Oid relid, RelOptInfo *rel, AttrMap *attmap)
{
	IndexOptInfo *info = makeNode(IndexOptInfo);
	double		width = 0;

	info->indexoid = index->indexoid;
	info->reltablespace = rel->reltablespace;
	info->rel = rel;
	info->hypothetical = true;
	info->immediate = true;
	set_am_facts(info, index->amoid);
	alloc_columns(info, index->nkeys);
	if (index->amoid == BTREE_AM_OID)
	{
		info->sortopfamily = palloc0(sizeof(Oid) * index->nkeys);
		info->reverse_sort = palloc0(sizeof(bool) * index->nkeys);
		info->nulls_first = palloc0(sizeof(bool) * index->nkeys);
	}
	for (int i = 0; i < index->nkeys; i++)
	{
		Node	   *expr = set_column(info, i, &index->keys[i], attmap);

		info->indextlist = lappend(info->indextlist,
								   makeTargetEntry((Expr *) expr, i + 1, NULL,
												   false));
		width += key_width(relid, info->indexkeys[i], &index->keys[i]);
	}
	info->indpred = predicate_for(index, rel, attmap);
	info->tuples = clamp_row_est(rel->tuples * index->predicate_sel);
	if (index->amoid == BTREE_AM_OID)
		size_btree(index, relid, info, width);
	else
		size_other(index, info, width);
	index->bytes += (double) info->pages * BLCKSZ;
	return info;
}

/*
 * Add to one relation what there is for it: its own indexes, and those of a
 * partitioned table that it is a leaf of.
 */
static void
add_indexes(Oid relid, RelOptInfo *rel)
{
	Relation	relation;
	List	   *ancestors = NIL;
	ListCell   *lc;

	relation = table_open(relid, NoLock);
	if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
	{
		table_close(relation, NoLock);
		return;
	}
	if (relation->rd_rel->relispartition)
		ancestors = get_partition_ancestors(relid);
	foreach(lc, current->indexes)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);
		AttrMap    *attmap = NULL;

		if (index->relid != relid)
		{
			Relation	parent;

			if (!list_member_oid(ancestors, index->relid))
				continue;
			parent = table_open(index->relid, NoLock);
			attmap = npo_attrmap_by_name(RelationGetDescr(relation),
										 RelationGetDescr(parent));
			table_close(parent, NoLock);
		}
		rel->indexlist = lcons(build_info(index, relid, rel, attmap),
							   rel->indexlist);
	}
	table_close(relation, NoLock);
}

/* Indexes that another module has made up */
static void
remove_inventions(RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		if (((IndexOptInfo *) lfirst(lc))->hypothetical)
			rel->indexlist = foreach_delete_current(rel->indexlist, lc);
	}
}

/* Relation-info hook: installed while whatif_plan() lasts, and no longer */
static void
whatif_rel_info(NPO_REL_INFO_ARGS)
{
	if (prev_rel_info_hook)
		prev_rel_info_hook(NPO_REL_INFO_PASS);
	if (NPO_REL_INFO_HAS_STORAGE && whatif_owns_root(root))
	{
		remove_inventions(rel);
		add_indexes(NPO_REL_INFO_RELID, rel);
	}
}

static void
keep_stats(HeapTuple tuple)
{
	/* they live as long as the verification does */
}

/*
 * Index-statistics hook: an expression of a hypothetical index has the
 * statistics that can be worked out from its column's.
 */
static bool
whatif_index_stats(PlannerInfo *root, Oid indexOid, AttrNumber indexattnum,
				   VariableStatData *vardata)
{
	WhatifIndex *index = whatif_find(indexOid);
	WhatifKey  *key;

	if (index == NULL)
		return prev_index_stats_hook &&
			prev_index_stats_hook(root, indexOid, indexattnum, vardata);
	key = &index->keys[indexattnum - 1];
	if (key->stats == NULL)
		return false;
	if (!key->stats->made)
	{
		/* not where GEQO, say, throws everything away in a moment */
		MemoryContext context = MemoryContextSwitchTo(GetMemoryChunkContext(key->stats));

		key->stats->made = true;
		key->stats->tuple = exprstats_make(index->relid, key,
										   vardata->rel ? vardata->rel->tuples : 0);
		MemoryContextSwitchTo(context);
	}
	if (key->stats->tuple == NULL)
		return false;
	vardata->statsTuple = key->stats->tuple;
	vardata->freefunc = keep_stats;
	vardata->acl_ok = true;
	return true;
}

/* Give every index an OID that nothing in the catalog has */
static void
number_indexes(List *indexes)
{
	Oid			next = WHATIF_FIRST_OID;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);

		while (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(next)))
			next--;
		index->indexoid = next--;
		index->bytes = 0;
		index->used = false;
	}
}

static void
install_hooks(void)
{
	if (!rel_info_chained)
	{
		prev_rel_info_hook = npo_rel_info_hook;
		npo_rel_info_hook = whatif_rel_info;
	}
	if (!index_stats_chained)
	{
		prev_index_stats_hook = get_index_stats_hook;
		get_index_stats_hook = whatif_index_stats;
	}
}

static void
remove_hooks(void)
{
	rel_info_chained = npo_rel_info_hook != whatif_rel_info;
	if (!rel_info_chained)
		npo_rel_info_hook = prev_rel_info_hook;
	index_stats_chained = get_index_stats_hook != whatif_index_stats;
	if (!index_stats_chained)
		get_index_stats_hook = prev_index_stats_hook;
}

/*
 * Plan a copy of a query as though the indexes existed.  The plan is for
 * looking at only.  Whatever is thrown leaves no hook behind.
 */
PlannedStmt *
whatif_plan(Query *query, const char *query_string, int cursorOptions,
			ParamListInfo boundParams, WhatifPlanner planner, List *indexes)
{
	WhatifPlanning planning;
	WhatifPlanning *outer = current;
	PlannedStmt *result;

	Assert(outer == NULL);
	number_indexes(indexes);
	query = copyObject(query);
	planning.indexes = indexes;

	/* nobody is to count this as a planning of the statement */
	query->queryId = UINT64CONST(0);
	query->stmt_location = OUR_LOCATION;
	PG_TRY();
	{
		install_hooks();
		current = &planning;
		result = NPO_CALL_PLANNER(planner, query, query_string,
								  cursorOptions, boundParams);
	}
	PG_FINALLY();
	{
		remove_hooks();
		current = outer;
	}
	PG_END_TRY();
	return result;
}
