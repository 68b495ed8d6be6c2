/*-------------------------------------------------------------------------
 *
 * streak.c
 *	  The express way for the statement that has just run once more.
 *
 * A loop is one statement again and again, and it is the loops that put load
 * on a server.  Once nothing about a loop can change but its counts (settle()
 * in loops.c says when), its next execution is recognised by a few compares
 * with the one before and counted at once, past the table of fingerprints,
 * tags, shapes and ties.  What does not fit, in whatever way, goes the usual
 * way: until it is sure that an execution fits, nothing is written.
 *
 * There is one streak in a backend.  It is left as soon as unit_news moves,
 * and replaced when another settled statement has run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "clusters.h"
#include "compat.h"
#include "cycle.h"
#include "loops.h"
#include "requests.h"
#include "settings.h"
#include "streak.h"

Streak		streak;

static inline bool
stores_row(const UnitEntry *entry)
{
	return entry->shape.kind == KIND_INSERT || entry->shape.kind == KIND_UPSERT;
}

/* May the statement that has just run be the first of a streak? */
static bool
can_open(const Execution *execution)
{
	const UnitEntry *entry = execution->entry;
	const Loop *loop = loops_get(entry->loop);

	if (execution->nested || entry->is_parent || loop->settled != unit_news)
		return false;
	if (stores_row(entry))
		return !loop->wants_history && loop->follow.sample < 0;
	return entry->shape.nkeys == 1 && (entry->shape.flags & SHAPE_OPAQUE) == 0;
}

/* A statement has been run the usual way, and well. */
void
streak_open(const Execution *execution)
{
	UnitEntry  *entry = execution->entry;

	if (!can_open(execution))
	{
		streak.queryid = 0;
		return;
	}
	streak.queryid = entry->queryid;
	streak.userid = entry->userid;
	streak.news = unit_news;
	streak.stores = stores_row(entry);
	streak.sampled = loops_is_sampled(entry);
	streak.loop = loops_get(entry->loop);
	streak.counters = &my_slot->loops[entry->loop].counters;
	streak.execution = *execution;
	streak.execution.queryDesc = NULL;
	streak.execution.was_dear = false;
}

/* Does the text belong to the request of before, as it did before? */
static inline bool
is_same_request(UnitEntry *entry, const char *text)
{
	if (requests_route_changed || !requests_same_tags())
		return false;
	if (entry->plain_text == text && entry->plain_plannings == unit_plannings)
		return true;
	if (!requests_is_plain(text))
		return false;
	entry->plain_text = text;
	entry->plain_plannings = unit_plannings;
	return true;
}

/* Has the client been silent, or has it not waited for an answer? */
static inline bool
is_other_unit(TimestampTz now, uint64 round_trips, const UnitEntry *entry)
{
	return now - my_unit->ended > npo_idle_gap * INT64CONST(1000) ||
		round_trips == entry->round_trips;
}

/* What is stored is not compared. */
static inline uint32
read_key(const QueryDesc *queryDesc, UnitEntry *entry)
{
	KeyValues	values;

	if (streak.stores)
		return VALUE_UNKNOWN;
	shape_read_keys(queryDesc, &entry->shape, &values);
	return values.hash[0];
}

static inline void
start_execution(QueryDesc *queryDesc, UnitEntry *entry, TimestampTz now)
{
	Unit	   *unit = my_unit;
	uint64		seq = unit->seq + 1;

	unit->seq = seq;
	entry->seq = seq;
	entry->run++;
	entry->completed = false;
	streak.execution.queryDesc = queryDesc;
	streak.execution.seq = seq;
	streak.execution.started = now;
	streak.execution.rows = 0;
	streak.execution.exec_time = 0;
	unit_statements++;
	requests_count_statement();
}

/* The execution is counted, its only key as its identity. */
static inline void
count_execution(Loop *loop, uint32 key, TimestampTz now)
{
	uint64		seq = streak.execution.seq;

	loop->seq = seq;
	if (loop->parent == 0)
		loops_note_orphan(loop);
	if (loop->wants_history)
		evidence_note_key(&loop->history, seq, key);
	if (cycle_latest != NULL)
		cycle_latest->hash[0] = key;
	loops_count_call(loop, loops_seen(loop, key), now);
}

/*
 * One more execution of the statement of the streak, which the caller has
 * recognised.  NULL when it has to go the usual way.
 */
Execution *
streak_begin(QueryDesc *queryDesc)
{
	UnitEntry  *entry = streak.execution.entry;
	Loop	   *loop = streak.loop;
	uint64		round_trips = pgStatActiveTime + pgStatTransactionIdleTime;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	LocalTransactionId lxid = NPO_MY_LXID();
	uint32		xact_calls = entry->lxid == lxid ? entry->xact_calls + 1 : 1;
	uint32		key;

	if (GetUserId() != streak.userid ||
		!entry->completed || entry->seq != my_unit->seq ||
		is_other_unit(now, round_trips, entry) ||
		!is_same_request(entry, queryDesc->sourceText))
		return NULL;
	key = read_key(queryDesc, entry);
	if (!loops_goes_on(loop, entry->run + 1, xact_calls, key) ||
		(key == VALUE_UNKNOWN && !streak.stores))
		return NULL;
	my_unit->lxid = lxid;
	entry->lxid = lxid;
	entry->xact_calls = xact_calls;
	entry->round_trips = round_trips;
	start_execution(queryDesc, entry, now);
	count_execution(loop, key, now);
	return &streak.execution;
}

/* Has a statement inside of it ended its loop, or taken its place? */
static inline bool
is_replaced(const UnitEntry *entry)
{
	return entry->seq != streak.execution.seq ||
		entry->loop != streak.loop->number;
}

/* It has run, and well.  Returns how long it took, in microseconds. */
int64
streak_end(QueryDesc *queryDesc)
{
	LoopCounters *c = streak.counters;
	UnitEntry  *entry = streak.execution.entry;
	int64		rows = (int64) queryDesc->estate->es_processed;
	TimestampTz ended = GetCurrentTimestamp();
	int64		exec_time = Max(ended - streak.execution.run_started, 0);

	my_unit->ended = ended;
	my_slot->requests.current.exec_time += exec_time;
	streak.execution.queryDesc = NULL;
	if (is_replaced(entry))
		return exec_time;
	entry->completed = true;
	entry->few_rows = rows <= 1;
	if (cycle_latest != NULL)
		cycle_latest->empty = (rows == 0);
	loops_note_rows(streak.loop, rows);
	c->ended = ended;
	c->rows += rows;
	c->exec_time += exec_time;
	if (exec_time > c->max_exec_time)
		c->max_exec_time = exec_time;
	c->blks_hit += pgBufferUsage.shared_blks_hit - streak.execution.blks_hit;
	c->blks_read += pgBufferUsage.shared_blks_read - streak.execution.blks_read;
	return exec_time;
}
