/*-------------------------------------------------------------------------
 *
 * stopwatch.h
 *	  How long something of ours has taken.
 *
 * What is bounded is work, so the processor's time counts: on a busy machine
 * the clock on the wall would end at random what takes a millisecond.  But
 * neither is anybody to wait for a function that sleeps.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_STOPWATCH_H
#define PG_NPLUSONE_STOPWATCH_H

#include <time.h>

#include "utils/timestamp.h"

/* Waiting may take so many times as long as working */
#define STOPWATCH_PATIENCE	5

typedef struct Stopwatch
{
	clock_t		cpu;
	TimestampTz wall;
} Stopwatch;

static inline void
stopwatch_start(Stopwatch *watch)
{
	watch->cpu = clock();
	watch->wall = GetCurrentTimestamp();
}

static inline bool
stopwatch_is_over(const Stopwatch *watch, int ms)
{
	return clock() - watch->cpu > (clock_t) ms * (CLOCKS_PER_SEC / 1000) ||
		GetCurrentTimestamp() - watch->wall >
		(int64) ms * STOPWATCH_PATIENCE * INT64CONST(1000);
}

#endif							/* PG_NPLUSONE_STOPWATCH_H */
