/*-------------------------------------------------------------------------
 *
 * cycle.h
 *	  Select-then-write: a read that finds nothing, then the INSERT of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_CYCLE_H
#define PG_NPLUSONE_CYCLE_H

#include "shape.h"

extern void cycle_reset(void);
extern void cycle_note_statement(uint64 queryid, const Shape *shape,
								 const KeyValues *values);
extern void cycle_note_result(uint64 queryid, int64 rows);
extern uint32 cycle_upserts(uint64 queryid);
extern uint64 cycle_reader_of(uint64 queryid);

#endif							/* PG_NPLUSONE_CYCLE_H */
