/*-------------------------------------------------------------------------
 *
 * poolwatch.h
 *	  What this session has run of loops that are spread over several.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_POOLWATCH_H
#define PG_NPLUSONE_POOLWATCH_H

#include "loops.h"
#include "unit.h"

/* number of the execution whose usage is waited for, 0: none */
extern uint64 poolwatch_seq;

extern bool poolwatch_take(UnitEntry *entry, Loop *loop, QueryDesc *queryDesc,
						   const KeyValues *values, TimestampTz now,
						   bool walks);
extern bool poolwatch_take_first(UnitEntry *entry, QueryDesc *queryDesc,
								 const KeyValues *values, TimestampTz now);
extern void poolwatch_end_run(const UnitEntry *entry, const RunUsage *usage);
extern void poolwatch_loop_ends(const UnitEntry *entry, Loop *loop);
extern void poolwatch_unit_ends(void);
extern void poolwatch_parent_done(const Sample *sample);
extern bool poolwatch_is_busy(const UnitEntry *entry);

#endif							/* PG_NPLUSONE_POOLWATCH_H */
