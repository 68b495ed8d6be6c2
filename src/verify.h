/*-------------------------------------------------------------------------
 *
 * verify.h
 *	  Asks the planner which candidates are worth having.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_VERIFY_H
#define PG_NPLUSONE_VERIFY_H

#include "candidates.h"

/* What came out of one statement */
typedef struct Verdict
{
	List	   *indexes;		/* of WhatifIndex; NIL: no index is the answer */
	double		cost_before;
	double		cost_after;
	bool		timed_out;		/* not everything was tried */
	bool		generic;		/* planned without the parameters' values */
	Finding    *finding;		/* the gravest, or NULL */
	PlannedStmt *before;
	PlannedStmt *after;
	List	   *tried;			/* indexes of the last plan, for naming them */
} Verdict;

extern void verify_statement(Verdict *verdict, Query *query,
							 const char *query_string, int cursorOptions,
							 ParamListInfo boundParams, WhatifPlanner planner,
							 int budget_ms);
extern bool verify_has_params(Query *query);
extern bool verify_worthwhile(PlannedStmt *plan);
extern bool verify_may_swallow(int sqlerrcode);

#endif							/* PG_NPLUSONE_VERIFY_H */
