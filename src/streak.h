/*-------------------------------------------------------------------------
 *
 * streak.h
 *	  The express way for the statement that has just run once more.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_STREAK_H
#define PG_NPLUSONE_STREAK_H

#include "compat.h"
#include "loops.h"

/*
 * The statement that ran last, if its loop is settled.  What it changes in
 * private memory at every execution is written when the streak is closed,
 * for nobody looks at it before.
 */
typedef struct Streak
{
	uint64		queryid;		/* 0: there is no streak, or not any more */
	uint32		news;			/* unit_news when it began */
	uint32		left;			/* executions until its ties are to be weighed */
	bool		stores;			/* a row, whose values are taken as different */
	bool		sampled;		/* it might return a second row */
	bool		same_xact;		/* tied by the transaction of before */
	Oid			userid;
	int64		max_gap;		/* idle time that ends the unit of work */
	uint32		max_xact_calls; /* with more, the transaction would be a tie */
	Loop	   *loop;
	LoopCounters *counters;
	/* of the latest execution */
	uint32		key;
	int64		rows;
	Execution	execution;		/* queryDesc is NULL when it is done, and well */
} Streak;

extern Streak streak;

extern bool streak_begin(QueryDesc *queryDesc);
extern int64 streak_end(QueryDesc *queryDesc);
extern void streak_open(UnitEntry *entry, const QueryDesc *queryDesc);
extern void streak_write_down(void);

/* Something else than the statement of the streak is about to happen. */
static inline void
streak_close(void)
{
	if (streak.queryid != 0)
		streak_write_down();
}

/* No statement is under way: one that was has failed, and ends the streak. */
static inline void
streak_forget_run(void)
{
	if (streak.execution.queryDesc == NULL)
		return;
	streak_close();
	streak.execution.queryDesc = NULL;
}

/* Is this the statement of the streak? */
static inline bool
streak_is(const QueryDesc *queryDesc)
{
	return streak.news == unit_news &&
		NPO_FINGERPRINT((uint64) queryDesc->plannedstmt->queryId,
						queryDesc->plannedstmt) == streak.queryid;
}

#endif							/* PG_NPLUSONE_STREAK_H */
