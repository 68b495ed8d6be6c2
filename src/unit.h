/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  The unit of work: the statements that this backend runs together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_UNIT_H
#define PG_NPLUSONE_UNIT_H

#include "executor/execdesc.h"
#include "storage/lock.h"

#include "evidence.h"
#include "shape.h"

#define UNIT_ENTRIES 64			/* fingerprints a backend keeps */
#define UNIT_EXECUTIONS 16		/* statements open at once */

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
	uint32		first_hash[SHAPE_KEYS];
	uint32		run;			/* executions with nothing in between */
	uint32		xact_calls;		/* executions in the transaction below */
	LocalTransactionId lxid;
	int16		number;			/* its place in the table */
	int16		next;			/* in its hash chain, -1: the last */
	int8		loop;			/* its loop state, -1: none */
	uint8		few_rows;		/* its latest execution gave one row at most */
	bool		is_parent;		/* some loop follows its rows */
	bool		in_xact;		/* xact_calls are in an explicit transaction */
	/* what its first execution took, for when a second makes it a loop */
	TimestampTz first_started;
	int64		first_rows;
	int64		first_exec_time;
	int32		first_blks_hit;
	int32		first_blks_read;
	Shape		shape;
} UnitEntry;

/* A statement between ExecutorStart and the end of its run. */
typedef struct Execution
{
	QueryDesc  *queryDesc;		/* NULL: unused */
	int			level;			/* transaction nesting level that began it */
	int16		entry;
	uint64		queryid;		/* of the entry, to see that it is still that */
	uint64		seq;
	bool		counted;		/* a loop counts it */
	bool		nested;			/* inside of another statement */
	TimestampTz started;
	int64		rows;			/* in all its runs so far */
	int64		exec_time;		/* microseconds, likewise */
} Execution;

typedef struct Unit
{
	uint32		generation;
	uint64		seq;			/* statements so far, over all units */
	TimestampTz started;
	TimestampTz ended;			/* when the latest statement was done */
	LocalTransactionId lxid;	/* of the latest statement */
	UnitEntry	entries[UNIT_ENTRIES];
} Unit;

/* what one run of the executor took */
typedef struct RunUsage
{
	TimestampTz started;
	TimestampTz ended;
	int64		rows;
	int64		blks_hit;
	int64		blks_read;
} RunUsage;

extern Unit *my_unit;

extern bool unit_attach(void);
extern Execution *unit_begin_statement(QueryDesc *queryDesc, uint64 queryid,
									   bool nested);
extern Execution *unit_find(QueryDesc *queryDesc);
extern bool unit_is_sampled(const Execution *execution);
extern void unit_prepare_sampler(Execution *execution, bool in_pieces,
								 Sampler *sampler);
extern void unit_end_run(Execution *execution, const RunUsage *usage);
extern void unit_end_triggers(Execution *execution, const RunUsage *usage);
extern void unit_forget(QueryDesc *queryDesc);
extern void unit_forget_level(int level);
extern void unit_check_idle_gap(void);
extern void unit_note_xact_end(TimestampTz when);
extern void unit_close(void);
extern UnitEntry *unit_find_entry(uint64 queryid);
extern int64 unit_session_statements(void);
extern void unit_session_reset(void);

#endif							/* PG_NPLUSONE_UNIT_H */
