/*-------------------------------------------------------------------------
 *
 * streak.h
 *	  The express way for the statement that has just run once more.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_STREAK_H
#define PG_NPLUSONE_STREAK_H

#include "unit.h"

/*
 * The statement whose loop is settled and which was the latest to run, as far
 * as it is looked at again and again.
 */
typedef struct Streak
{
	uint64		queryid;		/* 0: there is no streak */
	Oid			userid;
	uint32		news;			/* unit_news when it began */
	bool		stores;			/* a row, whose values are taken as different */
	bool		sampled;		/* it might return a second row */
	struct Loop *loop;
	struct LoopCounters *counters;
	/* the execution that is under way or was last */
	Execution	execution;
} Streak;

extern Streak streak;

extern Execution *streak_begin(QueryDesc *queryDesc);
extern int64 streak_end(QueryDesc *queryDesc);
extern void streak_open(const Execution *execution);

/* Is this the statement of the streak, a client's, run at once? */
static inline bool
streak_is(const QueryDesc *queryDesc, uint64 count)
{
	return (uint64) queryDesc->plannedstmt->queryId == streak.queryid &&
		streak.news == unit_news && count == 0 && !queryDesc->already_executed;
}

#endif							/* PG_NPLUSONE_STREAK_H */
