/*-------------------------------------------------------------------------
 *
 * hints.h
 *	  Which statements are looked at for missing indexes, and when.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HINTS_H
#define PG_NPLUSONE_HINTS_H

#include "executor/execdesc.h"

#include "hintstore.h"
#include "whatif.h"

/* Settings */
extern bool hints_enabled;
extern int	hints_min_time;		/* ms; -1: loops only */

/* Statements of interest in this backend: 0 nearly always */
extern int	hints_interests;
extern int	hints_wanted_count;

extern void hints_define_settings(void);
extern void hints_request(uint64 queryid, uint64 clusterid, int64 calls,
						  double time);
extern void hints_count(QueryDesc *queryDesc, double time);
extern bool hints_is_wanted(uint64 queryid);
extern void hints_plan(Query *query, const char *query_string,
					   int cursorOptions, ParamListInfo boundParams,
					   PlannedStmt *plan, WhatifPlanner planner);
extern bool hints_set_busy(bool now);
extern void hints_flush(void);
extern void hints_forget(void);

/* For every planning: one compare unless something is wanted */
static inline bool
hints_wanted(uint64 queryid)
{
	return hints_wanted_count > 0 && hints_is_wanted(queryid);
}

/* For every execution: one compare unless something is of interest */
static inline void
hints_note_execution(QueryDesc *queryDesc, double time)
{
	if (hints_interests > 0)
		hints_count(queryDesc, time);
}

#endif							/* PG_NPLUSONE_HINTS_H */
