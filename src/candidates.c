/*-------------------------------------------------------------------------
 *
 * candidates.c
 *	  Indexes that a statement might be glad of, from its expression trees.
 *
 * Plans a copy of the statement once with a listener at the place where the
 * planner looks for paths, lets relfacts.c read each base relation there, and
 * makes candidates of what it read: equalities first, then one range or the
 * sort order; join keys; a partial index for a literal that few rows meet;
 * GIN and GiST where the operator wants one.  Nothing is decided here; what
 * is of use the planner says afterwards.
 *
 * The listener is installed for that one planning and taken out again
 * whatever happens.
 *
 * Locking: none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "relfacts.h"
#include "compat.h"

/* A relation of fewer pages is read faster than any index of it */
#define MIN_PAGES		10

/* A column of so few values goes behind one that has ten times as many */
#define COARSE_DISTINCT	20

/* A condition that more than this share meets is no key beside others */
#define USELESS_SHARE	0.30

/* More than these are not even looked at */
#define MAX_MADE		40

static Candidates *listening = NULL;
static set_rel_pathlist_hook_type prev_set_rel_pathlist_hook = NULL;
static bool chained = false;	/* as in whatif.c: somebody came before us */

static bool
same_index(const WhatifIndex *a, const WhatifIndex *b)
{
	if (a->relid != b->relid || a->amoid != b->amoid || a->nkeys != b->nkeys ||
		!equal(a->predicate, b->predicate))
		return false;
	for (int i = 0; i < a->nkeys; i++)
		if (!relfacts_same_key(&a->keys[i], &b->keys[i]) ||
			a->keys[i].opclass != b->keys[i].opclass ||
			a->keys[i].collation != b->keys[i].collation ||
			a->keys[i].descending != b->keys[i].descending ||
			a->keys[i].nulls_first != b->keys[i].nulls_first)
			return false;
	return true;
}

static bool
is_made(Candidates *into, const WhatifIndex *index)
{
	ListCell   *lc;

	foreach(lc, into->candidates)
	{
		Candidate  *cand = (Candidate *) lfirst(lc);

		if (list_length(cand->indexes) == 1 &&
			same_index(linitial(cand->indexes), index))
			return true;
	}
	return false;
}

/* Does an index with these leading keys, and no predicate, exist already? */
static bool
exists_already(RelFacts *facts, const WhatifIndex *index)
{
	ListCell   *lc;

	foreach(lc, facts->rel->indexlist)
	{
		IndexOptInfo *info = (IndexOptInfo *) lfirst(lc);
		bool		same = (info->nkeycolumns >= index->nkeys &&
							info->relam == index->amoid && info->indpred == NIL);

		for (int i = 0; same && i < index->nkeys; i++)
			same = info->indexkeys[i] == index->keys[i].attnum &&
				index->keys[i].attnum > 0 &&
				info->opfamily[i] == index->keys[i].opfamily &&
				info->indexcollations[i] == index->keys[i].collation &&
				(info->sortopfamily == NULL ||
				 (info->reverse_sort[i] == index->keys[i].descending &&
				  info->nulls_first[i] == index->keys[i].nulls_first));
		if (same)
			return true;
	}
	return false;
}

/* Append a key unless the index has it; false when there is no room */
static void
append_key(WhatifIndex *index, const RelKey *rk)
{
	if (index->nkeys >= WHATIF_MAX_KEYS)
		return;
	for (int i = 0; i < index->nkeys; i++)
		if (relfacts_same_key(&index->keys[i], &rk->key))
			return;
	index->keys[index->nkeys++] = rk->key;
}

static WhatifIndex *
new_index(RelFacts *facts, Oid amoid, const char *why)
{
	WhatifIndex *index = palloc0(sizeof(WhatifIndex));

	index->relid = facts->relid;
	index->amoid = amoid;
	index->predicate_sel = 1.0;
	index->why = why;
	return index;
}

static void
append_keys(WhatifIndex *index, List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
		append_key(index, (RelKey *) lfirst(lc));
}

static void
offer(RelFacts *facts, WhatifIndex *index)
{
	Candidate  *cand;

	if (index->nkeys == 0 || is_made(facts->into, index) ||
		list_length(facts->into->candidates) >= MAX_MADE ||
		(index->predicate == NIL && exists_already(facts, index)))
		return;
	cand = palloc0(sizeof(Candidate));
	cand->indexes = list_make1(index);
	cand->partial = index->predicate != NIL;
	facts->into->candidates = lappend(facts->into->candidates, cand);
}

/* first, then second: the B-tree of two lists of keys */
static void
offer_btree(RelFacts *facts, List *first, List *second, const char *why)
{
	WhatifIndex *index = new_index(facts, BTREE_AM_OID, why);

	append_keys(index, first);
	index->nequal = index->nkeys;
	append_keys(index, second);
	offer(facts, index);
}

/* Does a key tell so few rows apart that it goes behind the others? */
static bool
is_coarse(const RelKey *rk, double most)
{
	return rk->lowcard || (rk->distinct > 0 && rk->distinct <= COARSE_DISTINCT &&
						   rk->distinct * 10 <= most);
}

/*
 * Equalities: in the order in which they are written, but what hardly tells
 * rows apart last, and what most rows meet not at all.
 */
static List *
order_equalities(List *equal)
{
	List	   *fine = NIL;
	List	   *coarse = NIL;
	double		most = 0;
	ListCell   *lc;

	foreach(lc, equal)
		most = Max(most, ((RelKey *) lfirst(lc))->distinct);
	foreach(lc, equal)
	{
		RelKey	   *rk = (RelKey *) lfirst(lc);

		if (!is_coarse(rk, most))
			fine = lappend(fine, rk);
		else if (list_length(equal) == 1 || rk->sel <= USELESS_SHARE)
			coarse = lappend(coarse, rk);
	}
	return list_truncate(list_concat(fine, coarse), 3);
}

/* May these keys lead an index? */
static bool
may_lead(List *keys)
{
	return keys != NIL && !((RelKey *) linitial(keys))->lowcard;
}

static void
offer_singles(RelFacts *facts, List *keys, const char *why)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		RelKey	   *rk = (RelKey *) lfirst(lc);

		/* a coarse column by itself only where its value is rare */
		if (!rk->lowcard || (rk->sel <= 0.10 && facts->partial == NIL))
			offer_btree(facts, list_make1(rk), NIL, why);
	}
}

static void
offer_equalities(RelFacts *facts, List *equal)
{
	ListCell   *lc;

	/* a coarse column leads only where no partial index can do without it */
	if (may_lead(equal) || facts->partial == NIL)
	{
		foreach(lc, facts->range)
		{
			if (foreach_current_index(lc) < 2 && equal != NIL)
				offer_btree(facts, equal, list_make1(lfirst(lc)),
							"equality, then range");
		}
		if (facts->order != NIL && equal != NIL)
		{
			offer_btree(facts, equal, facts->order,
						"equality, then the sort order");
			offer_btree(facts, equal, list_make1(linitial(facts->order)),
						"equality, then the sort order");
		}
	}
	if (may_lead(equal))
		offer_btree(facts, equal, NIL, "equality");
	offer_singles(facts, equal, "equality");
}

/* Two ranges: the one that keeps fewer rows first */
static void
offer_two_ranges(RelFacts *facts)
{
	RelKey	   *first;
	RelKey	   *second;

	if (list_length(facts->range) < 2)
		return;
	first = linitial(facts->range);
	second = lsecond(facts->range);
	if (second->sel < first->sel)
	{
		RelKey	   *swap = first;

		first = second;
		second = swap;
	}
	offer_btree(facts, list_make1(first), list_make1(second), "two ranges");
}

static void
offer_sorts_and_ranges(RelFacts *facts)
{
	offer_singles(facts, facts->range, "range");
	offer_two_ranges(facts);
	if (facts->order != NIL)
	{
		offer_btree(facts, NIL, facts->order, "sort order");
		offer_btree(facts, NIL, list_make1(linitial(facts->order)),
					"sort order");
	}
	if (facts->order != NIL && facts->range != NIL)
		offer_btree(facts, facts->order, list_make1(linitial(facts->range)),
					"sort order, then range");
}

static void
offer_joins(RelFacts *facts, List *equal)
{
	ListCell   *lc;

	foreach(lc, facts->join)
	{
		RelKey	   *join = (RelKey *) lfirst(lc);
		List	   *one = list_make1(join);

		offer_btree(facts, one, NIL, "join key");
		if (may_lead(equal) &&
			((RelKey *) linitial(equal))->distinct >= join->distinct)
			offer_btree(facts, equal, one, "equality, then join key");
		if (equal != NIL)
			offer_btree(facts, one, equal, "join key, then equality");
		if (facts->range != NIL)
			offer_btree(facts, one, list_make1(linitial(facts->range)),
						"join key, then range");
		if (facts->order != NIL)
			offer_btree(facts, one, facts->order,
						"join key, then the sort order");
	}
	if (list_length(facts->join) > 1)
		offer_btree(facts, facts->join, NIL, "join keys");
}

static List *
primary_key_columns(Oid relid)
{
	Oid			constraint;
	Bitmapset  *columns = get_primary_key_attnos(relid, false, &constraint);
	List	   *attnums = NIL;
	int			x = -1;

	while ((x = bms_next_member(columns, x)) >= 0)
		attnums = lappend_int(attnums, x + FirstLowInvalidHeapAttributeNumber);
	return attnums;
}

/* The keys of a partial index that has nothing else to be sorted by */
static List *
primary_key(RelFacts *facts)
{
	List	   *attnums = primary_key_columns(facts->relid);
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, attnums)
	{
		RelKey	   *rk = palloc0(sizeof(RelKey));
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(facts->relid, (AttrNumber) lfirst_int(lc),
							  &type, &typmod, &collation);
		rk->key.attnum = (AttrNumber) lfirst_int(lc);
		rk->key.expr = (Node *) makeVar(1, rk->key.attnum, type, typmod,
										collation, 0);
		rk->key.type = type;
		rk->key.collation = collation;
		rk->key.opclass = GetDefaultOpClass(type, BTREE_AM_OID);
		if (!OidIsValid(rk->key.opclass))
			return NIL;
		rk->key.opfamily = get_opclass_family(rk->key.opclass);
		rk->key.opcintype = get_opclass_input_type(rk->key.opclass);
		keys = lappend(keys, rk);
	}
	return keys;
}

/* The columns that a predicate speaks of, as keys: the last resort */
static List *
predicate_keys(RelFacts *facts, RelKey *partial)
{
	List	   *vars = pull_var_clause(partial->clause, 0);
	RelKey	   *rk = palloc0(sizeof(RelKey));
	Var		   *var = linitial(vars);

	rk->key.attnum = var->varattno;
	rk->key.expr = (Node *) var;
	rk->key.type = var->vartype;
	rk->key.collation = var->varcollid;
	rk->key.opclass = GetDefaultOpClass(var->vartype, BTREE_AM_OID);
	if (var->varattno <= 0 || !OidIsValid(rk->key.opclass))
		return NIL;
	rk->key.opfamily = get_opclass_family(rk->key.opclass);
	rk->key.opcintype = get_opclass_input_type(rk->key.opclass);
	return list_make1(rk);
}

static void
offer_partial(RelFacts *facts, RelKey *partial, List *first, List *second,
			  const char *why)
{
	WhatifIndex *index = new_index(facts, BTREE_AM_OID, why);

	append_keys(index, first);
	append_keys(index, second);
	index->predicate = list_make1(partial->clause);
	index->predicate_sel = Max(partial->sel, 1e-7);
	offer(facts, index);
}

/* Equalities that are not what the predicate says already */
static List *
without_predicate(List *keys, RelKey *partial)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (!equal(((RelKey *) lfirst(lc))->clause, partial->clause))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

static void
offer_partials(RelFacts *facts, List *equal)
{
	ListCell   *lc;

	foreach(lc, facts->partial)
	{
		RelKey	   *partial = (RelKey *) lfirst(lc);
		List	   *rest = without_predicate(equal, partial);
		List	   *range = facts->range ? list_make1(linitial(facts->range)) : NIL;

		if (rest != NIL)
			offer_partial(facts, partial, rest, NIL,
						  "equality among the few rows of a literal condition");
		if (facts->order != NIL)
			offer_partial(facts, partial, rest, facts->order,
						  "sort order among the few rows of a literal condition");
		if (range != NIL)
			offer_partial(facts, partial, rest, range,
						  "range among the few rows of a literal condition");
		if (facts->join != NIL)
			offer_partial(facts, partial, list_make1(linitial(facts->join)), NIL,
						  "join key among the few rows of a literal condition");
		if (rest == NIL && facts->order == NIL && range == NIL)
		{
			List	   *keys = primary_key(facts);

			offer_partial(facts, partial,
						  keys ? keys : predicate_keys(facts, partial), NIL,
						  "the few rows of a literal condition");
		}
	}
}

static void
offer_others(RelFacts *facts)
{
	ListCell   *lc;

	foreach(lc, facts->other)
	{
		RelKey	   *rk = (RelKey *) lfirst(lc);
		WhatifIndex *index = new_index(facts, rk->amoid,
									   "an operator that this access method serves");

		append_key(index, rk);
		offer(facts, index);
	}
}

/* One index for each arm of an OR, tried together */
static void
offer_ors(RelFacts *facts)
{
	ListCell   *lc;
	ListCell   *alc;

	foreach(lc, facts->ors)
	{
		Candidate  *cand = palloc0(sizeof(Candidate));

		foreach(alc, (List *) lfirst(lc))
		{
			List	   *keys = (List *) lfirst(alc);
			WhatifIndex *index = new_index(facts,
										   ((RelKey *) linitial(keys))->amoid,
										   "an arm of an OR");
			ListCell   *ilc;
			bool		have = exists_already(facts, index);

			append_keys(index, order_equalities(keys));
			have = exists_already(facts, index);
			foreach(ilc, cand->indexes)
				have = have || same_index(lfirst(ilc), index);
			if (!have)
				cand->indexes = lappend(cand->indexes, index);
		}
		if (cand->indexes != NIL && list_length(cand->indexes) <= 3)
			facts->into->candidates = lappend(facts->into->candidates, cand);
	}
}

static void
make_candidates(RelFacts *facts)
{
	List	   *equal = order_equalities(facts->equal);

	offer_equalities(facts, equal);
	offer_joins(facts, equal);
	offer_partials(facts, equal);
	offer_sorts_and_ranges(facts);
	offer_others(facts);
	offer_ors(facts);
}

/*
 * Pages of a relation; of a partitioned one, of the partitions left.  Adds
 * their rows to *tuples.
 */
static double
size_of(PlannerInfo *root, RelOptInfo *rel, double *tuples)
{
	double		pages = rel->pages;
	ListCell   *lc;

	if (pages > 0)
		*tuples += rel->tuples;

	foreach(lc, root->append_rel_list)
	{
		AppendRelInfo *appinfo = (AppendRelInfo *) lfirst(lc);
		RelOptInfo *child = root->simple_rel_array[appinfo->child_relid];

		if (appinfo->parent_relid == rel->relid && child != NULL &&
			!IS_DUMMY_REL(child) && child->relid != rel->relid)
			pages += size_of(root, child, tuples);
	}
	return pages;
}

/* Tables and materialized views of the user's own that are not temporary */
static bool
worth_an_index(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	Oid			namespace;

	if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId ||
		(rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW &&
		 rte->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	namespace = get_rel_namespace(rte->relid);
	if (IsCatalogNamespace(namespace) || isAnyTempNamespace(namespace) ||
		get_rel_persistence(rte->relid) == RELPERSISTENCE_TEMP)
		return false;
	return true;
}

/*
 * A partition stands for nothing of its own when its parent is there; an
 * inheritance child has to have indexes of its own, and so have the arms of
 * UNION ALL.
 */
static bool
stands_for_itself(PlannerInfo *root, RelOptInfo *rel)
{
	AppendRelInfo *appinfo;
	RangeTblEntry *parent;

	if (rel->reloptkind == RELOPT_BASEREL)
		return true;
	if (rel->reloptkind != RELOPT_OTHER_MEMBER_REL ||
		root->append_rel_array == NULL)
		return false;
	appinfo = root->append_rel_array[rel->relid];
	parent = planner_rt_fetch(appinfo->parent_relid, root);
	return parent->rtekind != RTE_RELATION ||
		parent->relkind != RELKIND_PARTITIONED_TABLE;
}

static void
note_offset(PlannerInfo *root)
{
	Node	   *offset = root->parse->limitOffset;

	if (offset != NULL && IsA(offset, Const) && !((Const *) offset)->constisnull)
		listening->offset = Max(listening->offset,
								(double) DatumGetInt64(((Const *) offset)->constvalue));
}

/* A filter above a materialized CTE stays above it */
static void
note_cte_filter(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	RelFacts	facts = {.root = root,.rel = rel,.into = listening};

	if (rte->rtekind == RTE_CTE && !rte->self_reference &&
		rel->baserestrictinfo != NIL)
		relfacts_finding(&facts, FINDING_CTE,
						 "the filter on CTE %s is applied after the CTE has been materialized; NOT MATERIALIZED, or the filter inside it, lets an index serve",
						 quote_identifier(rte->ctename));
}

/* Path-list hook: installed while candidates_collect() lasts */
static void
listen(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	RelFacts	facts;

	if (prev_set_rel_pathlist_hook)
		prev_set_rel_pathlist_hook(root, rel, rti, rte);
	if (listening == NULL || !whatif_owns_root(root) || IS_DUMMY_REL(rel))
		return;
	note_offset(root);
	note_cte_filter(root, rel, rte);
	memset(&facts, 0, sizeof(facts));
	if (!worth_an_index(root, rel, rte) || !stands_for_itself(root, rel) ||
		size_of(root, rel, &facts.tuples) < MIN_PAGES)
		return;
	facts.root = root;
	facts.rel = rel;
	facts.relid = rte->relid;
	facts.into = listening;
	relfacts_collect(&facts);
	if (!listening->literal_pass)
		make_candidates(&facts);
}

/*
 * Plan the statement as it is, and note what it could use.  Returns the plan,
 * whose cost is the one that every candidate is held against.
 */
PlannedStmt *
candidates_collect(Candidates *into, Query *query, const char *query_string,
				   int cursorOptions, ParamListInfo boundParams,
				   WhatifPlanner planner)
{
	PlannedStmt *result;

	PG_TRY();
	{
		if (!chained)
		{
			prev_set_rel_pathlist_hook = set_rel_pathlist_hook;
			set_rel_pathlist_hook = listen;
		}
		listening = into;
		result = whatif_plan(query, query_string, cursorOptions, boundParams,
							 planner, NIL);
	}
	PG_FINALLY();
	{
		chained = set_rel_pathlist_hook != listen;
		if (!chained)
			set_rel_pathlist_hook = prev_set_rel_pathlist_hook;
		listening = NULL;
	}
	PG_END_TRY();
	return result;
}
