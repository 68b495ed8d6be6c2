/*-------------------------------------------------------------------------
 *
 * traces.c
 *	  Requests that name themselves, and where they have been.
 *
 * Owns a small table of live requests in shared memory: of each, whether it
 * has been counted, what its units of work add up to, and which sessions hold
 * results of it.  Only statements that carry a trace come here, under one
 * lightweight lock.  A request is forgotten when it has been silent for
 * EXPIRY, or longer than the others when there is no room; then what it does
 * next counts as another request.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "locks.h"
#include "traces.h"

#define EXPIRY (INT64CONST(30) * USECS_PER_SEC)

/* a request lies in one of so many places */
#define PROBES 8

typedef struct Trace
{
	uint32		origin;			/* hash of role and request, 0: unused */
	Oid			dbid;
	TimestampTz seen;
	int64		statements;		/* of units that have ended */
	int64		exec_time;
	bool		has_loop;
	uint8		nslots;
	uint16		slots[TRACE_SLOTS];
} Trace;

typedef struct TraceTable
{
	LWLock	   *lock;
	Trace		traces[TRACES];
} TraceTable;

static TraceTable *table = NULL;

Size
traces_shmem_size(void)
{
	return MAXALIGN(sizeof(TraceTable));
}

void
traces_shmem_init(void)
{
	bool		found;

	table = ShmemInitStruct("pg_nplusone traces", traces_shmem_size(), &found);
	if (found)
		return;
	memset(table, 0, traces_shmem_size());
	table->lock = &GetNamedLWLockTranche(TRACES_TRANCHE)->lock;
}

/* The request, if it is known; the lock is held. */
static Trace *
find(uint32 origin)
{
	for (uint32 i = 0; i < PROBES; i++)
	{
		Trace	   *trace = &table->traces[(origin + i) % TRACES];

		if (trace->origin == origin && trace->dbid == MyDatabaseId)
			return trace;
	}
	return NULL;
}

/* The request, known or not; the lock is held exclusively. */
static Trace *
find_or_add(uint32 origin, bool *is_new)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Trace	   *trace = find(origin);

	*is_new = trace == NULL || now - trace->seen > EXPIRY;
	if (trace == NULL)
	{
		trace = &table->traces[origin % TRACES];
		for (uint32 i = 1; i < PROBES; i++)
			if (table->traces[(origin + i) % TRACES].seen < trace->seen)
				trace = &table->traces[(origin + i) % TRACES];
	}
	if (*is_new)
	{
		memset(trace, 0, sizeof(*trace));
		trace->origin = origin;
		trace->dbid = MyDatabaseId;
	}
	trace->seen = Max(trace->seen, now);
	return trace;
}

/* A unit of work begins.  Is it the first of its request? */
bool
traces_begin(uint32 origin)
{
	bool		is_new;

	npo_lock(table->lock, LW_EXCLUSIVE);
	(void) find_or_add(origin, &is_new);
	npo_unlock(table->lock);
	return is_new;
}

/* A unit has ended: returns what all units of its request have added up to. */
void
traces_add(uint32 origin, int64 *statements, int64 *exec_time)
{
	Trace	   *trace;
	bool		is_new;

	npo_lock(table->lock, LW_EXCLUSIVE);
	trace = find_or_add(origin, &is_new);
	trace->statements += *statements;
	trace->exec_time += *exec_time;
	*statements = trace->statements;
	*exec_time = trace->exec_time;
	npo_unlock(table->lock);
}

/* There is a loop in it.  Is it the first? */
bool
traces_note_loop(uint32 origin)
{
	Trace	   *trace;
	bool		is_new;
	bool		first;

	npo_lock(table->lock, LW_EXCLUSIVE);
	trace = find_or_add(origin, &is_new);
	first = !trace->has_loop;
	trace->has_loop = true;
	npo_unlock(table->lock);
	return first;
}

/* A result of several rows is in this slot. */
void
traces_note_result(uint32 origin, int slot)
{
	Trace	   *trace;
	bool		is_new;
	bool		known = false;

	npo_lock(table->lock, LW_EXCLUSIVE);
	trace = find_or_add(origin, &is_new);
	for (int i = 0; i < trace->nslots && !known; i++)
		known = trace->slots[i] == slot;
	if (!known && trace->nslots == TRACE_SLOTS)
	{
		/* the latest are where what comes next is from */
		memmove(&trace->slots[0], &trace->slots[1],
				(TRACE_SLOTS - 1) * sizeof(trace->slots[0]));
		trace->nslots--;
	}
	if (!known)
		trace->slots[trace->nslots++] = slot;
	npo_unlock(table->lock);
}

/* The slots that hold results of a request. */
int
traces_slots(uint32 origin, uint16 *slots)
{
	const Trace *trace;
	int			n = 0;

	npo_lock(table->lock, LW_SHARED);
	trace = find(origin);
	if (trace != NULL)
	{
		n = trace->nslots;
		memcpy(slots, trace->slots, sizeof(trace->slots));
	}
	npo_unlock(table->lock);
	return n;
}

bool
traces_has_slots(uint32 origin)
{
	uint16		slots[TRACE_SLOTS];

	return traces_slots(origin, slots) > 0;
}
