/*-------------------------------------------------------------------------
 *
 * tally.c
 *	  Sums over all loops that have ended, by pattern and confidence.
 *
 * Clusters give way to others and are reset, so sums over them fall now and
 * then; a monitoring system takes a sum that falls for one that began anew,
 * and sees all of it as new.  These only grow, from the start of the server
 * on.  There are few of them, whatever the server does.
 *
 * Owns an array of atomic counters in shared memory.  Whoever folds a loop
 * adds to them, which is once per loop; nobody takes a lock.  A reader may
 * see a loop in some of its counters and not yet in others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/atomics.h"
#include "storage/shmem.h"

#include "tally.h"

#define PATTERNS (PATTERN_OTHER + 1)
#define CONFIDENCES (CONFIDENCE_PROVEN + 1)

/* Times are in microseconds. */
typedef struct Tally
{
	pg_atomic_uint64 loops;
	pg_atomic_uint64 calls;
	pg_atomic_uint64 duplicate_calls;
	pg_atomic_uint64 rows;
	pg_atomic_uint64 exec_time;
	pg_atomic_uint64 gap_time;
} Tally;

static Tally *tallies = NULL;

static Tally *
tally_of(int pattern, int confidence)
{
	return &tallies[pattern * CONFIDENCES + confidence];
}

Size
tally_shmem_size(void)
{
	return MAXALIGN(PATTERNS * CONFIDENCES * sizeof(Tally));
}

void
tally_shmem_init(void)
{
	bool		found;

	tallies = ShmemInitStruct("pg_nplusone tally", tally_shmem_size(), &found);
	if (found)
		return;
	for (int i = 0; i < PATTERNS * CONFIDENCES; i++)
	{
		pg_atomic_init_u64(&tallies[i].loops, 0);
		pg_atomic_init_u64(&tallies[i].calls, 0);
		pg_atomic_init_u64(&tallies[i].duplicate_calls, 0);
		pg_atomic_init_u64(&tallies[i].rows, 0);
		pg_atomic_init_u64(&tallies[i].exec_time, 0);
		pg_atomic_init_u64(&tallies[i].gap_time, 0);
	}
}

/* A loop has ended.  Called from exit and abort callbacks, too. */
void
tally_add(const SlotLoop *loop)
{
	Tally	   *tally = tally_of(loop->pattern, loop->confidence);
	const LoopCounters *counters = &loop->counters;

	pg_atomic_fetch_add_u64(&tally->loops, 1);
	pg_atomic_fetch_add_u64(&tally->calls, counters->calls);
	pg_atomic_fetch_add_u64(&tally->duplicate_calls, counters->duplicate_calls);
	pg_atomic_fetch_add_u64(&tally->rows, counters->rows);
	pg_atomic_fetch_add_u64(&tally->exec_time, counters->exec_time);
	pg_atomic_fetch_add_u64(&tally->gap_time, counters->gap_time);
}

/* The sums, as they stand; what they have no room for stays zero. */
void
tally_read(Pattern pattern, Confidence confidence, ClusterTotals *sums)
{
	Tally	   *tally = tally_of(pattern, confidence);

	memset(sums, 0, sizeof(*sums));
	sums->loops = pg_atomic_read_u64(&tally->loops);
	sums->calls = pg_atomic_read_u64(&tally->calls);
	sums->duplicate_calls = pg_atomic_read_u64(&tally->duplicate_calls);
	sums->rows = pg_atomic_read_u64(&tally->rows);
	sums->exec_time = pg_atomic_read_u64(&tally->exec_time);
	sums->gap_time = pg_atomic_read_u64(&tally->gap_time);
}
