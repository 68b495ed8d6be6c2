/*-------------------------------------------------------------------------
 *
 * unit.c
 *	  The unit of work: the statements that this backend runs together.
 *
 * Owns the private table of fingerprints and the list of executions that are
 * under way.  A unit outlives transactions, since in half of the programs
 * every statement is its own; it ends when the client has been idle outside
 * a transaction for pg_nplusone.idle_gap, at DISCARD ALL, and with the
 * session.  Ending a unit is one increment: an entry of an older generation
 * counts as new, but keeps its shape.
 *
 * All memory is one chunk, allocated when the backend counts its first
 * statement.  A statement outside of a loop takes no lock here, allocates
 * nothing, and reads no clock but the one that tells when it was done.
 *
 * What a statement needs between the executor's hooks hangs on its QueryDesc
 * (Execution.queryDesc) and not on a global, since executions interleave:
 * cursors stay open while others run, and a portal may be closed long after.
 * An error skips ExecutorEnd, so the callbacks of transactions and
 * subtransactions forget what they ended.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "clusters.h"
#include "compat.h"
#include "cycle.h"
#include "loops.h"
#include "requests.h"
#include "session.h"
#include "settings.h"
#include "slots.h"
#include "texts.h"
#include "unit.h"

#define UNIT_BUCKETS 128		/* a power of two */

/* an entry is spared by so many others before it may go */
#define SPARE_STATEMENTS 32

typedef struct UnitMemory
{
	Unit		unit;
	int16		buckets[UNIT_BUCKETS];
	Execution	executions[UNIT_EXECUTIONS];
	int			open;			/* of them, from the front, unused ones among them */
	int			hand;			/* where the search for a victim goes on */
	int64		statements;		/* since pg_nplusone_session_reset() */
} UnitMemory;

Unit	   *my_unit = NULL;

static UnitMemory *memory = NULL;

/* -------------------------------------------------------------------------
 * Memory
 * -------------------------------------------------------------------------
 */

/*
 * Set up what this backend keeps.  False, once and for all, in a process that
 * has no slot.
 */
bool
unit_attach(void)
{
	MemoryContext context;
	char	   *chunk;
	Size		size = MAXALIGN(sizeof(UnitMemory));

	if (memory != NULL)
		return true;
	if (!slots_attach())
		return false;
	context = AllocSetContextCreate(TopMemoryContext, "pg_nplusone",
									ALLOCSET_SMALL_SIZES);
	chunk = MemoryContextAllocZero(context,
								   size + loops_private_size() +
								   texts_private_size() + session_private_size());
	loops_init(chunk + size);
	texts_init(chunk + size + loops_private_size());
	session_init(chunk + size + loops_private_size() + texts_private_size());
	memory = (UnitMemory *) chunk;
	for (int i = 0; i < UNIT_BUCKETS; i++)
		memory->buckets[i] = -1;
	my_unit = &memory->unit;
	my_unit->generation = 1;
	return true;
}

/* -------------------------------------------------------------------------
 * The table of fingerprints
 * -------------------------------------------------------------------------
 */

static inline int16 *
bucket_of(uint64 queryid)
{
	return &memory->buckets[(queryid ^ queryid >> 32) % UNIT_BUCKETS];
}

static UnitEntry *
lookup_entry(uint64 queryid, Oid userid)
{
	for (int16 i = *bucket_of(queryid); i >= 0; i = my_unit->entries[i].next)
		if (my_unit->entries[i].queryid == queryid &&
			my_unit->entries[i].userid == userid)
			return &my_unit->entries[i];
	return NULL;
}

UnitEntry *
unit_find_entry(uint64 queryid)
{
	return lookup_entry(queryid, GetUserId());
}

static void
remove_entry(UnitEntry *entry)
{
	int16	   *link = bucket_of(entry->queryid);

	if (entry->loop >= 0)
		loops_release(entry);
	while (*link != entry->number)
		link = &my_unit->entries[*link].next;
	*link = entry->next;
	entry->queryid = 0;
}

/* May this entry go without losing anything of a loop that is under way? */
static bool
is_expendable(const UnitEntry *entry)
{
	return entry->generation != my_unit->generation ||
		(entry->loop < 0 && !entry->is_parent) ||
		my_unit->seq - entry->seq > SPARE_STATEMENTS;
}

/*
 * A free entry.  When there is none, that of a statement that has not been
 * repeated goes; when all of them have, the one longest unused.
 */
static UnitEntry *
claim_entry(void)
{
	UnitEntry  *oldest = &my_unit->entries[0];

	for (int i = 0; i < UNIT_ENTRIES; i++)
	{
		UnitEntry  *entry = &my_unit->entries[memory->hand];

		memory->hand = (memory->hand + 1) % UNIT_ENTRIES;
		if (entry->queryid == 0)
			return entry;
		if (is_expendable(entry))
		{
			oldest = entry;
			break;
		}
		if (entry->seq < oldest->seq)
			oldest = entry;
	}
	if (oldest->generation == my_unit->generation)
		my_slot->dropped++;
	remove_entry(oldest);
	return oldest;
}

static UnitEntry *
add_entry(uint64 queryid, Oid userid)
{
	UnitEntry  *entry = claim_entry();
	int16	   *bucket;

	memset(entry, 0, sizeof(*entry));
	entry->number = entry - my_unit->entries;
	entry->queryid = queryid;
	entry->userid = userid;
	entry->loop = -1;
	bucket = bucket_of(queryid);
	entry->next = *bucket;
	*bucket = entry->number;
	return entry;
}

/* -------------------------------------------------------------------------
 * Where a unit ends
 * -------------------------------------------------------------------------
 */

/* Something that is no part of a loop has come between two statements. */
void
unit_break_run(void)
{
	if (my_unit != NULL)
		my_unit->seq++;
}

/* End the unit: loops go to their clusters, everything counts as new. */
void
unit_close(void)
{
	if (memory == NULL)
		return;
	loops_fold_all();
	evidence_reset();
	requests_close_unit();
	my_unit->generation++;
}

/*
 * Has the client been idle for too long?  Only time outside of transactions
 * counts: a transaction that is still open ties its statements together
 * however slowly they come.
 */
void
unit_check_idle_gap(void)
{
	LocalTransactionId lxid = NPO_MY_LXID();
	TimestampTz since = my_unit->ended;

	if (lxid != my_unit->lxid && since != 0 &&
		GetCurrentTransactionStartTimestamp() - since > npo_idle_gap * INT64CONST(1000))
		unit_close();
	my_unit->lxid = lxid;
}

/*
 * A transaction has ended in which the server did more than the statements
 * that are followed, or waited for the client: that was no idle gap.
 */
void
unit_note_xact_end(TimestampTz when)
{
	if (my_unit != NULL && my_unit->ended != 0)
		my_unit->ended = when;
}

/* -------------------------------------------------------------------------
 * Executions
 * -------------------------------------------------------------------------
 */

Execution *
unit_find(QueryDesc *queryDesc)
{
	/* the latest one, nearly always */
	for (int i = memory->open - 1; i >= 0; i--)
		if (memory->executions[i].queryDesc == queryDesc)
			return &memory->executions[i];
	return NULL;
}

static void
trim_executions(void)
{
	while (memory->open > 0 &&
		   memory->executions[memory->open - 1].queryDesc == NULL)
		memory->open--;
}

void
unit_forget(QueryDesc *queryDesc)
{
	Execution  *execution = unit_find(queryDesc);

	if (execution == NULL)
		return;
	execution->queryDesc = NULL;
	trim_executions();
}

/* Forget what began at this transaction nesting level or deeper. */
void
unit_forget_level(int level)
{
	if (memory->open == 0)
		return;
	for (int i = 0; i < memory->open; i++)
		if (memory->executions[i].level >= level)
			memory->executions[i].queryDesc = NULL;
	trim_executions();
}

/* a free place; NULL when too many statements are open */
static Execution *
claim_execution(void)
{
	if (memory->open < UNIT_EXECUTIONS)
		return &memory->executions[memory->open++];
	return unit_find(NULL);
}

/* a place for an execution; NULL when too many are open */
static Execution *
add_execution(QueryDesc *queryDesc, UnitEntry *entry, TimestampTz now)
{
	Execution  *execution = claim_execution();

	if (execution == NULL)
	{
		my_slot->dropped++;
		return NULL;
	}
	execution->queryDesc = queryDesc;
	execution->level = GetCurrentTransactionNestLevel();
	execution->entry = entry->number;
	execution->queryid = entry->queryid;
	execution->seq = my_unit->seq;
	execution->counted = false;
	execution->started = now;
	execution->rows = 0;
	execution->exec_time = 0;
	return execution;
}

/* the entry of an execution, unless another statement has taken it over */
static UnitEntry *
entry_of(const Execution *execution)
{
	UnitEntry  *entry = &my_unit->entries[execution->entry];

	return entry->queryid == execution->queryid ? entry : NULL;
}

/*
 * Is this transaction one that the client has begun?  Around a pipeline and
 * around several statements in one string the server makes a block of its
 * own, which nothing but the attempt to end it tells from the client's.
 */
static bool
in_clients_block(void)
{
	if (!IsTransactionBlock())
		return false;
	EndImplicitTransactionBlock();
	if (IsTransactionBlock())
		return true;
	BeginImplicitTransactionBlock();
	return false;
}

/*
 * Executions that the client sent without waiting for an answer in between
 * (a pipeline, a batch, several statements in one string) cost no round trip
 * and make no loop.  The time that the server accounts to "active" and "idle
 * in transaction" moves exactly when it tells the client that it is ready.
 */
static bool
is_pipelined(const UnitEntry *entry, uint64 round_trips, TimestampTz now)
{
	if (entry->seq == 0 || entry->generation != my_unit->generation)
		return false;
	if (!pgstat_track_activities)
		return entry->lxid == NPO_MY_LXID() && !in_clients_block();

	/*
	 * Both times start over when the statistics are flushed, once a second
	 * at most, so equality says something within half of one.
	 */
	return entry->round_trips == round_trips &&
		now - my_unit->ended < USECS_PER_SEC / 2;
}

/* the first execution of a statement in this unit */
static void
begin_entry(UnitEntry *entry, const KeyValues *values, TimestampTz now)
{
	entry->generation = my_unit->generation;
	entry->first_seq = my_unit->seq;
	entry->loop = -1;
	entry->is_parent = false;
	memcpy(entry->first_hash, values->hash, sizeof(entry->first_hash));
	entry->first_started = now;
	entry->first_rows = 0;
	entry->first_exec_time = 0;
	entry->first_blks_hit = entry->first_blks_read = 0;
}

/* how this execution follows the one before of the same statement */
static void
note_company(UnitEntry *entry, bool nested)
{
	LocalTransactionId lxid = NPO_MY_LXID();
	bool		known = (entry->generation == my_unit->generation);

	entry->run = known && entry->completed && entry->seq == my_unit->seq - 1 ?
		entry->run + 1 : 1;
	entry->completed = false;
	entry->seq = my_unit->seq;
	if (entry->lxid != lxid || !known)
		entry->xact_calls = 0;
	entry->lxid = lxid;
	entry->in_xact = nested || IsTransactionBlock();
	entry->xact_calls++;
}

/* Find or make the entry; NULL for a statement that is none of our business. */
static UnitEntry *
recognise(QueryDesc *queryDesc, uint64 queryid)
{
	Oid			userid = GetUserId();
	UnitEntry  *entry = lookup_entry(queryid, userid);

	if (entry == NULL)
	{
		/* do not spend an entry on SELECT 1 */
		if (!shape_touches_user_relation(queryDesc->plannedstmt))
			return NULL;
		entry = add_entry(queryid, userid);
		shape_read(queryDesc, &entry->shape);
	}
	if (entry->shape.flags & (SHAPE_NOISE | SHAPE_RI))
		return NULL;
	return entry;
}

/*
 * The client has sent a statement: see which unit of work it is in.  False
 * when it asks not to be followed.
 */
static bool
begin_client_statement(const QueryDesc *queryDesc)
{
	RequestNews news;

	memory->statements++;
	unit_check_idle_gap();
	news = requests_note_statement(queryDesc->sourceText);
	if (news == REQUEST_NEW)
	{
		unit_close();
		news = requests_note_statement(queryDesc->sourceText);
	}
	if (news == REQUEST_IGNORED)
		return false;
	requests_count_statement();
	return true;
}

/*
 * A statement is about to start.  Returns its execution, or NULL when it is
 * not followed.  A loop that reaches the threshold is published from here, so
 * this may look into the catalog and may raise an error.
 */
Execution *
unit_begin_statement(QueryDesc *queryDesc, uint64 queryid, bool nested)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	uint64		round_trips = pgStatActiveTime + pgStatTransactionIdleTime;
	UnitEntry  *entry;
	Execution  *execution;
	KeyValues	values;
	bool		counted;

	if (!nested && !begin_client_statement(queryDesc))
		return NULL;
	entry = recognise(queryDesc, queryid);
	if (entry == NULL)
		return NULL;
	if (nested)
		now = Max(now, my_unit->ended);
	else if (is_pipelined(entry, round_trips, now))
		return NULL;

	my_unit->seq++;
	execution = add_execution(queryDesc, entry, now);
	if (execution != NULL)
		execution->nested = nested;
	shape_read_keys(queryDesc, &entry->shape, &values);
	note_company(entry, nested);
	if (entry->loop >= 0 && loops_has_ended(entry, &values))
		loops_release(entry);
	if (entry->generation != my_unit->generation)
		begin_entry(entry, &values, now);
	entry->round_trips = round_trips;
	counted = loops_count(entry, queryDesc, &values, now, nested);
	if (execution != NULL)
		execution->counted = counted;
	if (entry->is_parent)
		loops_parent_again(entry);
	return execution;
}

/* Is there anything to see in the rows?  One row alone rarely says a thing. */
bool
unit_is_sampled(const Execution *execution)
{
	const UnitEntry *entry = entry_of(execution);

	return entry != NULL &&
		((entry->shape.flags & SHAPE_SINGLE_ROW) == 0 || loops_keep_single_row(entry));
}

/*
 * How to sample this run.  "in_pieces" says that the client fetches a few
 * rows at a time, so that this may not be the first piece.
 */
void
unit_prepare_sampler(Execution *execution, bool in_pieces, Sampler *sampler)
{
	UnitEntry  *entry = entry_of(execution);

	sampler->queryid = execution->queryid;
	sampler->seq = execution->seq;
	sampler->started = execution->started;
	sampler->queryDesc = execution->queryDesc;
	sampler->sample = -1;
	sampler->seen = 0;
	sampler->ncolumns = 0;
	sampler->full = (entry == NULL);
	sampler->keep_single = in_pieces ||
		(entry != NULL && loops_keep_single_row(entry));
	sampler->skip_first = !sampler->keep_single && entry != NULL && entry->few_rows;
	sampler->chain = execution->rows > 0 ||
		(entry != NULL && loops_chain_rows(entry));
}

static void
note_first_run(UnitEntry *entry, const RunUsage *usage, int64 exec_time)
{
	entry->first_rows += usage->rows;
	entry->first_exec_time += exec_time;
	entry->first_blks_hit += (int32) usage->blks_hit;
	entry->first_blks_read += (int32) usage->blks_read;
}

/* A run of the executor is done, and well. */
void
unit_end_run(Execution *execution, const RunUsage *usage)
{
	UnitEntry  *entry = entry_of(execution);
	bool		first_run = (execution->rows == 0 && execution->exec_time == 0);
	int64		exec_time = Max(usage->ended - usage->started, 0);

	my_unit->ended = usage->ended;
	execution->rows += usage->rows;
	execution->exec_time += exec_time;
	if (!execution->nested)
		requests_add_time(exec_time);
	if (entry == NULL || entry->generation != my_unit->generation)
		return;
	entry->few_rows = execution->rows <= 1;
	entry->completed = true;
	cycle_note_result(entry->queryid, execution->rows);
	if (entry->loop >= 0 && execution->counted)
		loops_end_run(entry, usage, execution->rows, execution->exec_time, first_run);
	else if (execution->seq == entry->first_seq)
		note_first_run(entry, usage, exec_time);
}

/* The triggers that a statement had queued are done: their time is its own. */
void
unit_end_triggers(Execution *execution, const RunUsage *usage)
{
	RunUsage	triggers = *usage;

	triggers.rows = 0;
	unit_end_run(execution, &triggers);
}

/* -------------------------------------------------------------------------
 * The session
 * -------------------------------------------------------------------------
 */

/* Statements since the reset, without the one that asks. */
int64
unit_session_statements(void)
{
	return memory == NULL ? 0 : Max(memory->statements - 1, 0);
}

void
unit_session_reset(void)
{
	if (memory == NULL)
		return;
	unit_close();
	session_reset();
	memory->statements = 0;
}
