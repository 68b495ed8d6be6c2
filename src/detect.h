/*-------------------------------------------------------------------------
 *
 * detect.h
 *	  What happens once per loop, when it has become one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_DETECT_H
#define PG_NPLUSONE_DETECT_H

#include "loops.h"
#include "orm.h"
#include "pool.h"

/* a loop of pool.c, as far as its detection needs to know it */
typedef struct PooledLoop
{
	const Sample *parent;		/* its first column is the one followed */
	int			key;			/* key place of the child */
	const KeyValues *values;	/* of this execution */
	const PoolTicket *ticket;
	const LoopCounters *counters;
} PooledLoop;

extern void detect_publish_pooled(UnitEntry *entry, const PooledLoop *loop,
								  QueryDesc *queryDesc);
extern void detect_publish(UnitEntry *entry, Loop *loop, SlotLoop *counts,
						   QueryDesc *queryDesc);
extern Orm	detect_statement_orm(const QueryDesc *queryDesc);

#endif							/* PG_NPLUSONE_DETECT_H */
