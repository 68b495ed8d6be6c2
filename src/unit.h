/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  The unit of work: the statements that this backend runs together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_UNIT_H
#define PG_NPLUSONE_UNIT_H

#include "access/xact.h"
#include "executor/execdesc.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/lock.h"
#include "utils/timestamp.h"

#include "evidence.h"
#include "settings.h"
#include "shape.h"

#define UNIT_ENTRIES 64			/* fingerprints a backend keeps */
#define UNIT_BUCKETS 128		/* a power of two */
#define UNIT_EXECUTIONS 12		/* cursors and the like open at once */

/*
 * A fingerprint that this backend has seen.  The shape stays as long as the
 * entry does; the rest belongs to one unit of work, that of "generation".
 */
typedef struct UnitEntry
{
	uint64		queryid;		/* 0: unused */
	Oid			userid;
	uint32		generation;
	uint64		seq;			/* number of its latest execution */
	uint64		first_seq;		/* and of its first in this unit */
	uint64		round_trips;	/* the client's, when it last ran */
	const char *plain_text;		/* text that is known to have no comment, */
	uint32		plain_plannings;	/* while no statement has been planned
									 * since */
	uint32		first_hash[SHAPE_KEYS];
	uint32		run;			/* executions with nothing in between */
	uint32		xact_calls;		/* executions in the transaction below */
	LocalTransactionId lxid;
	int16		number;			/* its place in the table */
	int16		next;			/* in its hash chain, -1: the last */
	int8		loop;			/* its loop state, -1: none */
	bool		few_rows;		/* its latest execution gave one row at most */
	bool		is_parent;		/* some loop follows its rows */
	bool		keeps_singles;	/* its loop may keep single rows */
	bool		completed;		/* its latest execution did not fail */
	bool		first_pooled;	/* its first is counted in pool.c */
	/* what its first execution took, for when a second makes it a loop */
	TimestampTz first_started;
	int64		first_rows;
	int64		first_exec_time;
	int32		first_blks_hit;
	int32		first_blks_read;
	Shape		shape;
} UnitEntry;

/* A statement from its first run on. */
typedef struct Execution
{
	QueryDesc  *queryDesc;		/* NULL: unused */
	UnitEntry  *entry;
	uint64		queryid;		/* of the entry, to see that it is still that */
	uint64		seq;
	int			level;			/* transaction nesting level that began it */
	bool		counted;		/* a loop counts it */
	bool		nested;			/* inside of another statement */
	bool		was_dear;		/* it made a loop, which has taken some time */
	TimestampTz started;
	int64		rows;			/* in all its runs so far */
	int64		exec_time;		/* microseconds, likewise */
	/* the run that is under way */
	TimestampTz run_started;
	int64		blks_hit;		/* of this backend, when it began */
	int64		blks_read;
} Execution;

typedef struct Unit
{
	uint32		generation;
	uint64		seq;			/* statements so far, over all units */
	TimestampTz started;
	TimestampTz ended;			/* when the latest statement was done */
	LocalTransactionId lxid;	/* of the latest statement */
	Execution	executions[UNIT_EXECUTIONS];
	UnitEntry  *latest;			/* of the latest statement, never NULL */
	int			hand;			/* where the search for a victim goes on */
	UnitEntry	entries[UNIT_ENTRIES];
	int16		buckets[UNIT_BUCKETS];	/* -1: empty */
} Unit;

/* what one run of the executor took */
typedef struct RunUsage
{
	TimestampTz ended;
	int64		exec_time;		/* microseconds */
	int64		rows;
	int64		blks_hit;
	int64		blks_read;
} RunUsage;

extern Unit *my_unit;

/* executions kept, from the front of the list, unused ones among them */
extern int	unit_open;

/*
 * Moves when something has happened that the ties of loops may depend on: a
 * result began to be kept, a loop was published or moved, the rows of its
 * parent have grown.  Never 0.
 */
extern uint32 unit_news;

static inline void
unit_note_news(void)
{
	if (++unit_news == 0)
		unit_news = 1;
}

/* statements that this backend has planned: no cached plan was new since */
extern uint32 unit_plannings;

/* statements of this session, see pg_nplusone_session_statements() */
extern int64 unit_statements;

/* What a run has taken that began with these. */
static inline void
unit_measure_run(RunUsage *usage, const QueryDesc *queryDesc,
				 TimestampTz started, int64 blks_hit, int64 blks_read)
{
	usage->ended = GetCurrentTimestamp();
	usage->exec_time = Max(usage->ended - started, 0);
	usage->blks_hit = pgBufferUsage.shared_blks_hit - blks_hit;
	usage->blks_read = pgBufferUsage.shared_blks_read - blks_read;
	usage->rows = (int64) queryDesc->estate->es_processed;
}

/*
 * Has the client been idle for too long?  Only time outside of transactions
 * counts: a transaction that is still open ties its statements together
 * however slowly they come.
 */
static inline bool
unit_is_over(LocalTransactionId lxid)
{
	return lxid != my_unit->lxid && my_unit->ended != 0 &&
		GetCurrentTransactionStartTimestamp() - my_unit->ended >
		npo_idle_gap * INT64CONST(1000);
}

/* The run, and the calls of its transaction, that the statement "seq" makes. */
static inline uint32
unit_run_at(const UnitEntry *entry, uint64 seq)
{
	return entry->completed && entry->seq + 1 == seq ? entry->run + 1 : 1;
}

static inline uint32
unit_xact_calls_at(const UnitEntry *entry, LocalTransactionId lxid)
{
	return entry->lxid == lxid ? entry->xact_calls + 1 : 1;
}

/* Does its statement skip rows by OFFSET? */
static inline bool
unit_has_offset(const Execution *execution)
{
	return (execution->entry->shape.flags & SHAPE_OFFSET) != 0;
}

extern bool unit_attach(void);
extern bool unit_begin_statement(QueryDesc *queryDesc, uint64 queryid,
								 bool nested, Execution *execution);
extern bool unit_look_if_plain(UnitEntry *entry, const char *text);
extern Execution *unit_keep(const Execution *execution);
extern void unit_keep_declared(QueryDesc *queryDesc, uint64 queryid);
extern void unit_prepare_sampler(Execution *execution, bool in_pieces,
								 Sampler *sampler);
extern bool unit_chains_rows(const Execution *execution);
extern void unit_end_run(Execution *execution, const RunUsage *usage);
extern void unit_trim_executions(void);
extern void unit_forget_level(int level);
extern void unit_count_statement(void);
extern void unit_check_idle_gap(void);
extern void unit_note_xact_end(TimestampTz when);
extern void unit_break_run(void);
extern void unit_close(void);
extern UnitEntry *unit_find_entry(uint64 queryid);
extern int64 unit_session_statements(void);
extern int64 unit_total_statements(void);
extern void unit_session_reset(void);

/* The entry of an execution, unless another statement has taken it over. */
static inline UnitEntry *
unit_entry_of(const Execution *execution)
{
	return execution->entry->queryid == execution->queryid ? execution->entry : NULL;
}

static inline int16 *
unit_bucket_of(uint64 queryid)
{
	return &my_unit->buckets[(queryid ^ queryid >> 32) % UNIT_BUCKETS];
}

/* the entry of a statement that runs, which often is the latest again; or NULL */
static inline UnitEntry *
unit_lookup_statement(uint64 queryid)
{
	const Oid	userid = GetUserId();
	UnitEntry  *entry = my_unit->latest;

	if (entry->queryid == queryid && entry->userid == userid)
		return entry;
	for (int16 i = *unit_bucket_of(queryid); i >= 0; i = entry->next)
	{
		entry = &my_unit->entries[i];
		if (entry->queryid == queryid && entry->userid == userid)
			return entry;
	}
	return NULL;
}

/*
 * Is the text without a comment?  It need not be looked at again where it lies
 * where it lay, and nothing has been planned since, as it would have been if
 * it were another that came to lie there.
 */
static inline bool
unit_is_plain(UnitEntry *entry, const char *text)
{
	return (entry->plain_text == text && entry->plain_plannings == unit_plannings) ||
		unit_look_if_plain(entry, text);
}

/* the first execution of a statement in this unit */
static inline void
unit_begin_entry(UnitEntry *entry, const KeyValues *values, TimestampTz now)
{
	entry->generation = my_unit->generation;
	entry->first_seq = my_unit->seq;
	entry->loop = -1;
	entry->is_parent = false;
	entry->keeps_singles = false;
	entry->first_pooled = false;
	entry->run = entry->xact_calls = 1;
	memcpy(entry->first_hash, values->hash, sizeof(entry->first_hash));
	entry->first_started = now;
	entry->first_rows = 0;
	entry->first_exec_time = 0;
	entry->first_blks_hit = entry->first_blks_read = 0;
}

/* A run of it is done. */
static inline void
unit_note_first_run(UnitEntry *entry, const RunUsage *usage)
{
	entry->first_rows += usage->rows;
	entry->first_exec_time += usage->exec_time;
	entry->first_blks_hit += (int32) usage->blks_hit;
	entry->first_blks_read += (int32) usage->blks_read;
}

/* The execution kept for this QueryDesc, the latest one nearly always; or NULL. */
static inline Execution *
unit_find(QueryDesc *queryDesc)
{
	for (int i = unit_open - 1; i >= 0; i--)
		if (my_unit->executions[i].queryDesc == queryDesc)
			return &my_unit->executions[i];
	return NULL;
}

static inline void
unit_forget(QueryDesc *queryDesc)
{
	Execution  *execution = unit_find(queryDesc);

	if (execution == NULL)
		return;
	execution->queryDesc = NULL;
	unit_trim_executions();
}

#endif							/* PG_NPLUSONE_UNIT_H */
