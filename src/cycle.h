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

#define CYCLE_READS 4			/* different reads before one write */

typedef struct CycleRead
{
	uint64		queryid;
	uint32		hash[SHAPE_KEYS];
	bool		empty;			/* its latest execution gave no row */
} CycleRead;

extern bool cycle_wanted;		/* this session inserts rows: note reads as
								 * well */
extern CycleRead *cycle_latest; /* the latest statement, if it is a read */
extern uint64 cycle_write;		/* queryid of the write, 0: no cycle */

extern void cycle_reset(void);
extern void cycle_note_another(uint64 queryid, const Shape *shape,
							   const KeyValues *values);
extern void cycle_note_result(uint64 queryid, int64 rows);
extern uint32 cycle_count_upserts(uint64 queryid);
extern uint64 cycle_reader_of(uint64 queryid);

/* A run is done. */
static inline void
cycle_note_rows(uint64 queryid, int64 rows)
{
	if (!cycle_wanted)
		return;
	if (cycle_latest != NULL && cycle_latest->queryid == queryid)
		cycle_latest->empty = (rows == 0);
	else
		cycle_note_result(queryid, rows);
}

/* A statement is about to start.  That of a loop of reads mostly is the same. */
static inline void
cycle_note_statement(uint64 queryid, const Shape *shape, const KeyValues *values)
{
	if (!cycle_wanted)
		return;
	if (cycle_latest != NULL && cycle_latest->queryid == queryid)
	{
		memcpy(cycle_latest->hash, values->hash, sizeof(cycle_latest->hash));
		cycle_latest->empty = false;
	}
	else
		cycle_note_another(queryid, shape, values);
}

/* How many turns of select-then-write this statement has had a part in. */
static inline uint32
cycle_upserts(uint64 queryid)
{
	return cycle_write != 0 ? cycle_count_upserts(queryid) : 0;
}

#endif							/* PG_NPLUSONE_CYCLE_H */
