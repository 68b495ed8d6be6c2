/*-------------------------------------------------------------------------
 *
 * cycle.c
 *	  Select-then-write: a read that finds nothing, then the INSERT of it.
 *
 * get_or_create() in a loop sends SELECT and INSERT in turn, or only SELECTs
 * where the row is there, so neither statement runs unbroken.  What ties them
 * is a value: the key that found no row is one that the INSERT stores.  This
 * room follows the latest such cycle of the unit of work, in a few words of
 * private memory.  As long as a session has sent no INSERT nothing is noted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cycle.h"
#include "unit.h"
#include "value.h"

typedef struct Cycle
{
	int			nreads;			/* since the latest write */
	CycleRead	reads[CYCLE_READS];
	uint32		upserts;		/* turns in which the read had found nothing */
	int			nreaders;		/* reads that have led to the write so far */
	uint64		readers[CYCLE_READS];
} Cycle;

static Cycle cycle;
bool		cycle_wanted = false;
CycleRead  *cycle_latest = NULL;
uint64		cycle_write = 0;

void
cycle_reset(void)
{
	memset(&cycle, 0, sizeof(cycle));
	cycle_latest = NULL;
	cycle_write = 0;
}

static bool
is_reader(uint64 queryid)
{
	for (int i = 0; i < cycle.nreaders; i++)
		if (cycle.readers[i] == queryid)
			return true;
	return false;
}

static void
note_read(uint64 queryid, const KeyValues *values)
{
	CycleRead  *read = NULL;

	for (int i = 0; i < cycle.nreads && read == NULL; i++)
		if (cycle.reads[i].queryid == queryid)
			read = &cycle.reads[i];
	if (read == NULL)
	{
		if (cycle.nreads == CYCLE_READS)
		{
			cycle_reset();		/* too much between two writes */
			return;
		}
		read = &cycle.reads[cycle.nreads++];
	}
	read->queryid = queryid;
	read->empty = false;
	memcpy(read->hash, values->hash, sizeof(read->hash));
	cycle_latest = read;
}

/* Does the written row have a value that the read asked for? */
static bool
carries(const KeyValues *values, const CycleRead *read)
{
	for (int i = 0; i < SHAPE_KEYS; i++)
		for (int j = 0; j < SHAPE_KEYS; j++)
			if (read->hash[i] != VALUE_UNKNOWN && read->hash[i] == values->hash[j])
				return true;
	return false;
}

static void
note_write(uint64 queryid, const KeyValues *values)
{
	bool		upsert = false;
	bool		stray = false;

	if (cycle_write != queryid)
	{
		cycle_write = queryid;
		cycle.upserts = 0;
		cycle.nreaders = 0;
	}
	for (int i = 0; i < cycle.nreads; i++)
	{
		const CycleRead *read = &cycle.reads[i];

		if (read->empty && carries(values, read))
		{
			upsert = true;
			if (!is_reader(read->queryid) && cycle.nreaders < CYCLE_READS)
				cycle.readers[cycle.nreaders++] = read->queryid;
		}
		else if (!is_reader(read->queryid))
			stray = true;
	}
	cycle.nreads = 0;
	cycle_latest = NULL;
	if (stray)
		cycle_reset();
	else if (upsert)
	{
		cycle.upserts++;
		unit_note_news();
	}
}

/* A statement is about to start that is not the read of before. */
void
cycle_note_another(uint64 queryid, const Shape *shape, const KeyValues *values)
{
	if (shape->kind <= KIND_FOR_UPDATE && shape->nkeys > 0)
		note_read(queryid, values);
	else if (shape->kind == KIND_INSERT || shape->kind == KIND_UPSERT)
		note_write(queryid, values);
	else
		cycle_reset();
}

/* A run is done; only that of a read since the latest write matters. */
void
cycle_note_result(uint64 queryid, int64 rows)
{
	for (int i = 0; i < cycle.nreads; i++)
		if (cycle.reads[i].queryid == queryid)
			cycle.reads[i].empty = (rows == 0);
}

uint32
cycle_count_upserts(uint64 queryid)
{
	return cycle_write == queryid || is_reader(queryid) ? cycle.upserts : 0;
}

/* The read before this write, 0: none, or not the write of the cycle. */
uint64
cycle_reader_of(uint64 queryid)
{
	return cycle_write == queryid && cycle.nreaders > 0 ? cycle.readers[0] : 0;
}
