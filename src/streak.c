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
is_other_unit(TimestampTz now, uint64 round_trips)
{
	return now - my_unit->ended > npo_idle_gap * INT64CONST(1000) ||
		round_trips == streak.execution.entry->round_trips;
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
start_execution(QueryDesc *queryDesc, UnitEntry *entry, TimestampTz now,
				uint64 round_trips, uint32 xact_calls)
{
	my_unit->lxid = entry->lxid = NPO_MY_LXID();
	entry->xact_calls = xact_calls;
	entry->round_trips = round_trips;
	entry->run++;
	entry->seq = ++my_unit->seq;
	entry->completed = false;
	streak.execution.queryDesc = queryDesc;
	streak.execution.seq = entry->seq;
	streak.execution.started = now;
	streak.execution.rows = 0;
	streak.execution.exec_time = 0;
	unit_count_statement();
}

/*
 * One more execution of the statement of the streak, which the caller has
 * recognised.  NULL when it has to go the usual way.
 */
Execution *
streak_begin(QueryDesc *queryDesc)
{
	UnitEntry  *entry = streak.execution.entry;
	uint64		round_trips = pgStatActiveTime + pgStatTransactionIdleTime;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	uint32		xact_calls = entry->lxid == NPO_MY_LXID() ? entry->xact_calls + 1 : 1;
	uint32		key;

	if (GetUserId() != streak.userid || entry->queryid != streak.queryid ||
		!entry->completed || entry->seq != my_unit->seq ||
		is_other_unit(now, round_trips) ||
		!is_same_request(entry, queryDesc->sourceText))
		return NULL;
	key = read_key(queryDesc, entry);
	if (!loops_goes_on(streak.loop, entry->run + 1, xact_calls, key) ||
		(key == VALUE_UNKNOWN && !streak.stores))
		return NULL;
	start_execution(queryDesc, entry, now, round_trips, xact_calls);
	loops_count_one(streak.loop, key, now);
	return &streak.execution;
}

/* Has a statement inside of it ended its loop, or taken its place? */
static inline bool
is_replaced(const UnitEntry *entry)
{
	return entry->seq != streak.execution.seq ||
		entry->loop != streak.loop->number;
}

/* It has run, and well. */
void
streak_end(QueryDesc *queryDesc, TimestampTz ended, int64 exec_time)
{
	LoopCounters *c = streak.counters;
	UnitEntry  *entry = streak.execution.entry;
	int64		rows = (int64) queryDesc->estate->es_processed;

	my_unit->ended = ended;
	my_slot->requests.current.exec_time += exec_time;
	streak.execution.queryDesc = NULL;
	if (is_replaced(entry))
		return;
	c->ended = ended;
	c->rows += rows;
	c->exec_time += exec_time;
	c->max_exec_time = Max(c->max_exec_time, exec_time);
	c->blks_hit += pgBufferUsage.shared_blks_hit - streak.execution.blks_hit;
	c->blks_read += pgBufferUsage.shared_blks_read - streak.execution.blks_read;
	entry->completed = true;
	entry->few_rows = rows <= 1;
	loops_note_rows(streak.loop, rows);
	if (cycle_latest != NULL)
		cycle_latest->empty = (rows == 0);
}
