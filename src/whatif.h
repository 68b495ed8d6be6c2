/*-------------------------------------------------------------------------
 *
 * whatif.h
 *	  Planning with indexes that do not exist.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_WHATIF_H
#define PG_NPLUSONE_WHATIF_H

#include "access/htup.h"
#include "nodes/params.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"

#define WHATIF_MAX_KEYS		4

/* Statistics of an expression, worked out once for all keys made of it */
typedef struct WhatifStats
{
	bool		made;
	HeapTuple	tuple;			/* see exprstats.c; NULL: none to be had */
} WhatifStats;

/* One key of an index: a column, or an expression whose Vars have varno 1 */
typedef struct WhatifKey
{
	AttrNumber	attnum;			/* 0: an expression */
	Node	   *expr;			/* the expression, or the column's Var */
	Oid			type;
	Oid			collation;
	Oid			opclass;
	Oid			opfamily;
	Oid			opcintype;
	bool		descending;
	bool		nulls_first;
	WhatifStats *stats;			/* an expression's */
} WhatifKey;

/* One index that does not exist */
typedef struct WhatifIndex
{
	Oid			relid;			/* its table; may be a partitioned parent */
	Oid			amoid;
	int			nkeys;
	WhatifKey	keys[WHATIF_MAX_KEYS];
	List	   *predicate;		/* implicitly ANDed, Vars have varno 1 */
	double		predicate_sel;	/* the share of the rows that it keeps */
	int			nequal;			/* leading keys whose order is free */
	const char *why;			/* what the statement does with the keys */

	/* set while planning */
	Oid			indexoid;		/* nobody's: it means something here only */
	double		bytes;			/* estimated size, all partitions together */
	bool		used;			/* a plan was made of it */
} WhatifIndex;

/* What to call for a planning: the hook that came before ours, or the planner */
typedef planner_hook_type WhatifPlanner;

extern bool whatif_active(void);
extern PlannedStmt *whatif_plan(Query *query, const char *query_string,
								int cursorOptions, ParamListInfo boundParams,
								WhatifPlanner planner, List *indexes);
extern WhatifIndex *whatif_find(Oid indexoid);
extern bool whatif_owns_root(PlannerInfo *root);

#endif							/* PG_NPLUSONE_WHATIF_H */
