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
 * They go with the memory of their executor.
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
#include "poolwatch.h"
#include "requests.h"
#include "session.h"
#include "settings.h"
#include "slots.h"
#include "streak.h"
#include "texts.h"
#include "unit.h"

/* an entry is spared by so many others before it may go */
#define SPARE_STATEMENTS 32

Unit	   *my_unit = NULL;
int			unit_open = 0;
uint32		unit_news = 1;
uint32		unit_plannings = 0;
int64		unit_statements = 0;	/* since pg_nplusone_session_reset() */

static int64 earlier_statements = 0;	/* before pg_nplusone_session_reset() */

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
	Size		size = MAXALIGN(sizeof(Unit));

	if (my_unit != NULL)
		return true;
	if (!slots_attach())
		return false;
	context = AllocSetContextCreate(TopMemoryContext, "pg_nplusone",
									ALLOCSET_SMALL_SIZES);
	chunk = MemoryContextAllocExtended(context,
									   size + loops_private_size() +
									   texts_private_size() + session_private_size(),
									   MCXT_ALLOC_ZERO | MCXT_ALLOC_NO_OOM);
	if (chunk == NULL)
	{
		/* no reason to fail a statement */
		MemoryContextDelete(context);
		return false;
	}
	loops_init(chunk + size);
	texts_init(chunk + size + loops_private_size());
	session_init(chunk + size + loops_private_size() + texts_private_size());
	my_unit = (Unit *) chunk;
	for (int i = 0; i < UNIT_BUCKETS; i++)
		my_unit->buckets[i] = -1;
	my_unit->generation = 1;
	my_unit->latest = &my_unit->entries[0];
	return true;
}

/* -------------------------------------------------------------------------
 * The table of fingerprints
 * -------------------------------------------------------------------------
 */

UnitEntry *
unit_find_entry(uint64 queryid)
{
	return unit_lookup_statement(queryid);
}

static void
remove_entry(UnitEntry *entry)
{
	int16	   *link = unit_bucket_of(entry->queryid);

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
		UnitEntry  *entry = &my_unit->entries[my_unit->hand];

		my_unit->hand = (my_unit->hand + 1) % UNIT_ENTRIES;
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
	bucket = unit_bucket_of(queryid);
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
	if (my_unit == NULL)
		return;
	streak_close();
	poolwatch_unit_ends();
	loops_fold_all();
	evidence_reset();
	requests_close_unit();
	my_unit->generation++;
}

/* A client's statement is about to begin: does a unit with it? */
static inline void
check_idle_gap(void)
{
	LocalTransactionId lxid = NPO_MY_LXID();
	bool		is_over = unit_is_over(lxid);

	my_unit->lxid = lxid;
	if (is_over)
		unit_close();
}

void
unit_check_idle_gap(void)
{
	check_idle_gap();
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

void
unit_trim_executions(void)
{
	while (unit_open > 0 &&
		   my_unit->executions[unit_open - 1].queryDesc == NULL)
		unit_open--;
}

/* Forget what began at this transaction nesting level or deeper. */
void
unit_forget_level(int level)
{
	if (unit_open == 0)
		return;
	for (int i = 0; i < unit_open; i++)
		if (my_unit->executions[i].level >= level)
			my_unit->executions[i].queryDesc = NULL;
	unit_trim_executions();
}

/* a free place; NULL when too many statements are open */
static Execution *
claim_execution(void)
{
	if (unit_open < UNIT_EXECUTIONS)
		return &my_unit->executions[unit_open++];
	return unit_find(NULL);
}

/* The memory of its executor goes, and its QueryDesc with it. */
static void
forget_execution(void *queryDesc)
{
	unit_forget(queryDesc);
}

/* Be told when the statement is done, or has failed; false: no memory. */
static bool
watch_end(QueryDesc *queryDesc)
{
	MemoryContext context = queryDesc->estate->es_query_cxt;
	MemoryContextCallback *callback;

	callback = MemoryContextAllocExtended(context, sizeof(*callback),
										  MCXT_ALLOC_NO_OOM);
	if (callback == NULL)
		return false;
	callback->func = forget_execution;
	callback->arg = queryDesc;
	MemoryContextRegisterResetCallback(context, callback);
	return true;
}

/*
 * Keep an execution for another run, or for its triggers.  NULL when too many
 * are kept.
 */
Execution *
unit_keep(const Execution *execution)
{
	Execution  *kept = unit_find(execution->queryDesc);

	if (kept == NULL && watch_end(execution->queryDesc))
		kept = claim_execution();
	if (kept == NULL)
	{
		my_slot->dropped++;
		return NULL;
	}
	*kept = *execution;
	kept->level = GetCurrentTransactionNestLevel();
	return kept;
}

/* A cursor has been declared whose query has no fingerprint of its own. */
void
unit_keep_declared(QueryDesc *queryDesc, uint64 queryid)
{
	Execution	declared;

	memset(&declared, 0, sizeof(declared));
	declared.queryDesc = queryDesc;
	declared.queryid = queryid;
	(void) unit_keep(&declared);
}

static inline void
start_execution(Execution *execution, QueryDesc *queryDesc, UnitEntry *entry,
				TimestampTz now, bool nested)
{
	execution->queryDesc = queryDesc;
	execution->entry = entry;
	execution->queryid = entry->queryid;
	execution->seq = my_unit->seq;
	execution->nested = nested;
	execution->started = now;
	execution->rows = 0;
	execution->exec_time = 0;
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
came_at_once(const UnitEntry *entry, TimestampTz now)
{
	if (entry->seq == 0 || entry->generation != my_unit->generation)
		return false;
	if (!pgstat_track_activities)
		return entry->lxid == NPO_MY_LXID() && !in_clients_block();

	/*
	 * Both times start over when the statistics are flushed, once a second at
	 * most, so equality says something within half of one.
	 */
	return now - my_unit->ended < USECS_PER_SEC / 2;
}

static inline bool
is_pipelined(const UnitEntry *entry, uint64 round_trips, TimestampTz now)
{
	return entry->round_trips == round_trips && came_at_once(entry, now);
}

/* how this execution follows the one before of the same statement */
static inline void
note_company(UnitEntry *entry)
{
	LocalTransactionId lxid = NPO_MY_LXID();

	entry->run = unit_run_at(entry, my_unit->seq);
	entry->xact_calls = unit_xact_calls_at(entry, lxid);
	entry->completed = false;
	entry->seq = my_unit->seq;
	entry->lxid = lxid;
}

/*
 * The session inserts rows.  The statement before may have been the read of
 * the first cycle: if it was the first of its kind, all is known of it.
 */
static void
want_cycles(void)
{
	const UnitEntry *latest = my_unit->latest;
	KeyValues	values = {0};

	if (cycle_wanted)
		return;
	cycle_wanted = true;
	if (latest->queryid == 0 || latest->generation != my_unit->generation ||
		latest->seq != my_unit->seq || latest->seq != latest->first_seq)
		return;
	memcpy(values.hash, latest->first_hash, sizeof(values.hash));
	cycle_note_another(latest->queryid, &latest->shape, &values);
	cycle_note_rows(latest->queryid, latest->first_rows);
}

/*
 * The entry of a statement that was not known; NULL for one that is none of
 * our business.
 */
static UnitEntry *
recognise(QueryDesc *queryDesc, uint64 queryid)
{
	UnitEntry  *entry;

	/* do not spend an entry on SELECT 1 */
	if (!shape_touches_user_relation(queryDesc->plannedstmt))
		return NULL;
	entry = add_entry(queryid, GetUserId());
	shape_read(queryDesc, &entry->shape);
	if (entry->shape.kind == KIND_INSERT || entry->shape.kind == KIND_UPSERT)
		want_cycles();
	return entry;
}

/* Does the statement's text say that it is of another request, or ignored? */
static RequestNews
read_tags(const char *text)
{
	RequestNews news = requests_note_statement(text);

	if (news != REQUEST_NEW)
		return news;
	unit_close();
	return requests_note_statement(text);
}

/* unit_is_plain() of a text that has not been looked at */
bool
unit_look_if_plain(UnitEntry *entry, const char *text)
{
	if (!requests_is_plain(text))
		return false;
	entry->plain_text = text;
	entry->plain_plannings = unit_plannings;
	return true;
}

/* A client's statement is counted for its session and its request. */
void
unit_count_statement(void)
{
	unit_statements++;
	requests_count_statement();
}

/*
 * The client has sent a statement: see which unit of work it is in.  False
 * when it asks not to be followed.
 */
static inline bool
begin_client_statement(UnitEntry *entry, const char *text)
{
	check_idle_gap();
	if ((entry == NULL || !requests_same_tags() || !unit_is_plain(entry, text)) &&
		read_tags(text) == REQUEST_IGNORED)
	{
		unit_statements++;
		return false;
	}
	unit_count_statement();
	return true;
}

/* Count an execution that is not the first of its unit, or take it as that. */
static inline bool
count_execution(UnitEntry *entry, QueryDesc *queryDesc, const KeyValues *values,
				TimestampTz now, bool nested)
{
	if (entry->loop >= 0 &&
		loops_is_settled(loops_get(entry->loop), entry->run, entry->xact_calls, values))
	{
		cycle_note_statement(entry->queryid, &entry->shape, values);
		loops_count_settled(loops_get(entry->loop), &entry->shape, queryDesc, values, now);
		return true;
	}
	if (entry->loop >= 0 && loops_has_ended(entry, values))
		loops_release(entry);
	cycle_note_statement(entry->queryid, &entry->shape, values);
	if (entry->generation != my_unit->generation)
	{
		/* not in vain for a statement that never comes again */
		if (entry->generation != 0 && (entry->shape.flags & SHAPE_ROWS_KNOWN) == 0)
			shape_note_rows(queryDesc->plannedstmt, &entry->shape);
		unit_begin_entry(entry, values, now);
		if (requests_traced() && !nested)
			entry->first_pooled = poolwatch_take_first(entry, queryDesc, values, now);
		return false;
	}
	return loops_count(entry, queryDesc, values, now, nested);
}

/*
 * A statement is about to run.  Fills its execution; false when it is not
 * followed.  A loop that reaches the threshold is published from here, so
 * this may look into the catalog and may raise an error.
 */
bool
unit_begin_statement(QueryDesc *queryDesc, uint64 queryid, bool nested,
					 Execution *execution)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	uint64		round_trips = pgStatActiveTime + pgStatTransactionIdleTime;
	UnitEntry  *entry = unit_lookup_statement(queryid);
	uint32		news = unit_news;
	KeyValues	values;

	if (!nested && !begin_client_statement(entry, queryDesc->sourceText))
		return false;
	if (entry == NULL && (entry = recognise(queryDesc, queryid)) == NULL)
		return false;
	if (entry->shape.flags & (SHAPE_NOISE | SHAPE_RI))
		return false;
	if (nested)
		now = Max(now, my_unit->ended);
	else if (is_pipelined(entry, round_trips, now))
		return false;

	my_unit->seq++;
	start_execution(execution, queryDesc, entry, now, nested);
	shape_read_keys(queryDesc, &entry->shape, &values);
	note_company(entry);
	entry->round_trips = round_trips;
	execution->counted = count_execution(entry, queryDesc, &values, now, nested);
	execution->was_dear = news != unit_news;
	if (entry->is_parent)
		loops_parent_again(entry);
	my_unit->latest = entry;
	return true;
}

/*
 * How to sample this run.  "in_pieces" says that the client fetches a few
 * rows at a time, so that this may not be the first piece.
 */
void
unit_prepare_sampler(Execution *execution, bool in_pieces, Sampler *sampler)
{
	UnitEntry  *entry = unit_entry_of(execution);
	bool		follows = entry != NULL && loops_keep_single_row(entry);

	sampler->execution = execution;
	sampler->sample = -1;
	sampler->seen = 0;
	sampler->ncolumns = 0;
	sampler->full = (entry == NULL);
	sampler->meter.wanted = entry != NULL && !in_pieces && !execution->nested;
	sampler->meter.active = false;
	sampler->keep_single = in_pieces || follows;
	sampler->singles = follows && (entry->shape.flags & SHAPE_SINGLE_ROW) != 0;
	sampler->truncates = sampler->singles && loops_is_last_single(entry);
	sampler->skip_first = !sampler->keep_single && entry != NULL && entry->few_rows;
}

/* Do the rows of this execution go to the end of those that are there? */
bool
unit_chains_rows(const Execution *execution)
{
	UnitEntry  *entry = unit_entry_of(execution);

	return execution->rows > 0 || (entry != NULL && loops_chain_rows(entry));
}

/* A run of the executor is done, and well, with the triggers it fired. */
void
unit_end_run(Execution *execution, const RunUsage *usage)
{
	UnitEntry  *entry = unit_entry_of(execution);
	bool		first_run = (execution->rows == 0 && execution->exec_time == 0);

	my_unit->ended = usage->ended;
	execution->rows += usage->rows;
	execution->exec_time += usage->exec_time;
	if (!execution->nested)
		requests_add_time(usage->exec_time);
	if (entry == NULL || entry->generation != my_unit->generation)
		return;
	entry->few_rows = execution->rows <= 1;
	entry->completed = true;
	/* there are more rows for a loop to follow */
	if (entry->is_parent)
		unit_note_news();
	cycle_note_rows(entry->queryid, execution->rows);
	if (poolwatch_seq == execution->seq)
		poolwatch_end_run(entry, usage);
	if (execution->counted && entry->loop >= 0)
	{
		loops_add_run(loops_get(entry->loop), usage, execution->exec_time);
		if (first_run)
			loops_note_rows(loops_get(entry->loop), execution->rows);
		if (!execution->nested)
			streak_open(entry, execution->queryDesc);
	}
	else if (execution->seq == entry->first_seq && !entry->first_pooled)
		unit_note_first_run(entry, usage);
}

/* -------------------------------------------------------------------------
 * The session
 * -------------------------------------------------------------------------
 */

/* Statements since the reset, without the one that asks. */
int64
unit_session_statements(void)
{
	return my_unit == NULL ? 0 : Max(unit_statements - 1, 0);
}

/* All statements of the session. */
int64
unit_total_statements(void)
{
	return earlier_statements + unit_statements;
}

void
unit_session_reset(void)
{
	if (my_unit == NULL)
		return;
	unit_close();
	session_reset();
	earlier_statements += unit_statements;
	unit_statements = 0;
}
