/*-------------------------------------------------------------------------
 *
 * heavy.h
 *	  Reads that carry too much: wide columns, whole tables, deep offsets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HEAVY_H
#define PG_NPLUSONE_HEAVY_H

#include "executor/execdesc.h"
#include "executor/tuptable.h"

#include "heavystore.h"

#define HEAVY_MEASURED 32		/* rows of a result that are measured at most */
#define HEAVY_COLUMNS 24		/* columns of variable length told apart */

/*
 * Bytes of the rows behind the sample of a result.  First every third is
 * measured, then every seventh, and so on; a row that is measured stands for
 * its neighbours.  Lives on the stack of the run; only
 * the first two are set before the sample is full.
 */
typedef struct HeavyMeter
{
	bool		wanted;			/* the client gets the whole result at once */
	bool		active;			/* further rows are to be passed here */
	int16		ncolumns;		/* of those below */
	int16		natts;			/* of the result */
	int32		until;			/* the next row is measured after so many */
	int32		distance;		/* rows that one measured row stands for */
	int32		measured;
	double		weight;			/* rows that they stand for */
	double		fixed;			/* bytes of each row of fixed length */
	double		other;			/* weighted, in variable ones beyond these */
	int16		resno[HEAVY_COLUMNS];
	int16		out_of_line[HEAVY_COLUMNS]; /* how many measured values were */
	double		bytes[HEAVY_COLUMNS];	/* weighted */
} HeavyMeter;

struct Execution;

extern void heavy_define_settings(void);
extern bool heavy_start(HeavyMeter *meter, const QueryDesc *queryDesc,
						TupleDesc tupdesc, int first);
extern bool heavy_measure_row(HeavyMeter *meter, TupleTableSlot *slot);
extern void heavy_note_rows(const HeavyMeter *meter, QueryDesc *queryDesc,
							const struct Execution *execution);
extern void heavy_note_offset(QueryDesc *queryDesc,
							  const struct Execution *execution);
extern void heavy_withdraw(Oid relid);

/* A row comes by.  False: no further ones are wanted. */
static inline bool
heavy_pass_row(HeavyMeter *meter, TupleTableSlot *slot)
{
	return --meter->until > 0 || heavy_measure_row(meter, slot);
}

#endif							/* PG_NPLUSONE_HEAVY_H */
