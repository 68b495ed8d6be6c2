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

/*
 * Statements of interest in this backend: how many are wanted, 0 nearly
 * always, and a bit for each that is counted, by the end of its queryid.
 */
extern int	hints_wanted_count;
extern uint64 hints_counted;

extern void hints_define_settings(void);
extern void hints_request(uint64 queryid, uint64 clusterid, int64 calls,
						  double time);
extern void hints_count(QueryDesc *queryDesc, int64 time);
extern bool hints_is_wanted(uint64 queryid);
extern void hints_plan(Query *query, const char *query_string,
					   int cursorOptions, ParamListInfo boundParams,
					   PlannedStmt *plan, WhatifPlanner planner);
extern bool hints_set_busy(bool now);
extern void hints_flush(void);
extern void hints_forget(void);

#define HINTS_COUNTED_BIT(queryid) (UINT64CONST(1) << ((queryid) & 63))

/* For every planning: one compare unless something is wanted */
static inline bool
hints_wanted(uint64 queryid)
{
	return hints_wanted_count > 0 && hints_is_wanted(queryid);
}

/* For every execution, its time in microseconds: one test for nearly all */
static inline void
hints_note_execution(QueryDesc *queryDesc, int64 time)
{
	if (hints_counted & HINTS_COUNTED_BIT((uint64) queryDesc->plannedstmt->queryId))
		hints_count(queryDesc, time);
}

#endif							/* PG_NPLUSONE_HINTS_H */
