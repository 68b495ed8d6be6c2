/*-------------------------------------------------------------------------
 *
 * slots.h
 *	  One slot of shared memory per backend: what it is counting right now.
 *
 * Only the owner writes to a slot, and it takes no lock and issues no locked
 * instruction for it.  A reader copies a part and checks that its change
 * count was even and is the same afterwards; see slots_read_loop().
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_SLOTS_H
#define PG_NPLUSONE_SLOTS_H

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"

#define SLOT_LOOPS 12			/* repeated statements followed at once */
#define SLOT_ROUTES 2			/* routes summed up before they are shared */
#define SLOT_SAMPLES 8			/* results kept as evidence */
#define SAMPLE_COLUMNS 16		/* columns of a result kept */
#define SAMPLE_CELLS 320		/* values of a result kept */

/* The counters of one loop that is running.  Times are in microseconds. */
typedef struct LoopCounters
{
	int64		calls;
	int64		duplicate_calls;
	int64		parent_rows;
	int64		rows;
	int64		exec_time;
	int64		max_exec_time;
	int64		gap_time;
	int64		blks_hit;
	int64		blks_read;
	TimestampTz started;		/* when its first statement came */
	TimestampTz ended;			/* when its latest statement was done */
} LoopCounters;

typedef struct SlotLoop
{
	uint32		change;			/* odd while the owner writes */
	int32		cluster;		/* index of its cluster, -1: not published */
	uint32		cluster_serial; /* which life of that cluster */
	uint8		pattern;
	uint8		confidence;
	uint64		queryid;
	uint64		parent_queryid;
	Oid			userid;
	LoopCounters counters;
} SlotLoop;

typedef struct SampleColumn
{
	Oid			relid;			/* the table column it comes from, or 0 */
	AttrNumber	attnum;
	uint8		resno;			/* its place in the result, from 1 */
	uint8		class;			/* ValueClass */
} SampleColumn;

/*
 * Fingerprints of the first rows of a result.  Rows of several executions
 * are chained when they belong to one loop; "total" numbers them through,
 * row n is held in cell n % capacity of each column.
 */
typedef struct Sample
{
	uint32		change;			/* odd while the owner writes */
	uint32		stream;			/* changes when the rows start afresh */
	uint64		queryid;		/* 0: unused, or left */
	uint64		left;			/* what it was when the owner left it, or 0 */
	uint64		server_queryid; /* as pg_stat_statements has it */
	uint64		seq;			/* of the statement that started the stream */
	uint64		last_seq;		/* of the one that last added to it */
	int64		rows;			/* returned by the latest execution */
	uint32		total;			/* rows ever put in this stream */
	uint32		batch;			/* number of the latest execution's first row */
	uint16		capacity;		/* rows held at most */
	uint8		ncolumns;
	bool		truncated;		/* some rows of the stream were not kept */
	int32		text;			/* handle of the statement's text, private */
	TimestampTz started;
	SampleColumn columns[SAMPLE_COLUMNS];
	uint32		cells[SAMPLE_CELLS];
} Sample;

/* units of work of one origin; times are in microseconds */
typedef struct RequestSums
{
	Oid			userid;
	Oid			dbid;
	char		application_name[NAMEDATALEN];
	char		route[2 * NAMEDATALEN]; /* empty: untagged */
	int64		units;
	int64		statements;
	int64		max_statements;
	int64		units_with_loops;
	int64		exec_time;
	int64		max_time;
} RequestSums;

typedef struct SlotRequests
{
	uint32		change;			/* odd while the owner writes */
	uint32		generation;		/* of resets, see requests.c */
	int			npending;
	RequestSums pending[SLOT_ROUTES];	/* units that have ended */
	RequestSums current;		/* the one under way */
} SlotRequests;

typedef struct BackendSlot
{
	uint64		dropped;		/* statements lost to a full private table, by
								 * all backends that have had this slot */
	int			pid;			/* 0: nobody */
	Oid			dbid;
	uint32		origin;			/* of the unit of work, see requests.c */
	uint32		origins[SLOT_SAMPLES];	/* of each sample below */
	SlotRequests requests;
	SlotLoop	loops[SLOT_LOOPS];
	Sample		samples[SLOT_SAMPLES];
} BackendSlot;

/* the slot of this backend, NULL before slots_attach() */
extern BackendSlot *my_slot;

extern Size slots_shmem_size(void);
extern void slots_shmem_init(void);
extern bool slots_attach(void);
extern void slots_detach(void);
extern int	slots_count(void);
extern BackendSlot *slots_get(int number);
extern bool slots_read_loop(const SlotLoop *loop, SlotLoop *copy);
extern void slots_move_counters(SlotLoop *from, SlotLoop *to);
extern bool slots_read_sample(const Sample *sample, Sample *copy);
extern uint64 slots_dropped(void);

/* The owner brackets its writes with these. */
static inline void
change_begin(uint32 *change)
{
	(*change)++;
	pg_write_barrier();
}

static inline void
change_end(uint32 *change)
{
	pg_write_barrier();
	(*change)++;
}

#endif							/* PG_NPLUSONE_SLOTS_H */
