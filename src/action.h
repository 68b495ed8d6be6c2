/*-------------------------------------------------------------------------
 *
 * action.h
 *	  What pg_nplusone.action asks for when a loop has been found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_ACTION_H
#define PG_NPLUSONE_ACTION_H

#include "clusters.h"

/* pg_nplusone.action */
typedef enum Action
{
	ACTION_OFF,
	ACTION_LOG,
	ACTION_NOTICE,
	ACTION_WARNING,
	ACTION_ERROR
} Action;

/* the SQLSTATE of a report: of a class that PostgreSQL leaves to others */
#define ERRCODE_NPLUSONE_LOOP MAKE_SQLSTATE('N', 'P', '0', '0', '1')

extern bool action_is_due(Confidence confidence, const SlotLoop *loop);
extern void action_report(const Finding *finding, const LoopCounters *counters);

#endif							/* PG_NPLUSONE_ACTION_H */
