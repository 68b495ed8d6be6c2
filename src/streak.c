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
 * There is one streak in a backend.  Whatever else happens closes it: another
 * statement, followed or not, a utility, an unexpected answer.  So tags and
 * settings are those of its beginning, and need not be compared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/instrument.h"
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
can_open(const UnitEntry *entry)
{
	const Loop *loop = loops_get(entry->loop);

	/* the second in a row may be followed by a third */
	if (entry->run < 2 || entry->is_parent || loop->settled != unit_news ||
		!requests_same_tags())
		return false;
	if (stores_row(entry))
		return !loop->wants_history && loop->follow.sample < 0;
	return entry->shape.nkeys == 1 && (entry->shape.flags & (SHAPE_OPAQUE | SHAPE_OFFSET)) == 0;
}

/* How often can the statement be executed before its loop is unsettled? */
static uint32
executions_left(const UnitEntry *entry, const Loop *loop)
{
	int64		calls = my_slot->loops[loop->number].counters.calls;
	uint32		run = entry->run - loop->run_low;

	if (run > loop->run_range || loop->settled_until < calls)
		return 0;
	return Min((uint32) Min(loop->settled_until - calls, PG_INT32_MAX),
			   loop->run_range - run);
}

/* A client's statement has been run in another way, and well. */
void
streak_open(UnitEntry *entry, const QueryDesc *queryDesc)
{
	Loop	   *loop = loops_get(entry->loop);

	if (!can_open(entry))
		return;
	streak.queryid = entry->queryid;
	streak.news = unit_news;
	streak.left = executions_left(entry, loop);
	streak.stores = stores_row(entry);
	streak.sampled = loops_is_sampled(entry) &&
		(queryDesc->operation == CMD_SELECT ||
		 queryDesc->plannedstmt->hasReturning);
	streak.same_xact = (loop->tie == TIE_XACT);
	streak.userid = entry->userid;
	streak.max_gap = npo_idle_gap * INT64CONST(1000);
	streak.max_xact_calls = loop->xact_low + loop->xact_range;
	streak.loop = loop;
	streak.counters = &my_slot->loops[loop->number].counters;
	streak.rows = entry->few_rows ? 1 : 2;
	streak.key = VALUE_UNKNOWN;
	memset(&streak.execution, 0, sizeof(streak.execution));
	streak.execution.entry = entry;
	streak.execution.queryid = entry->queryid;
	streak.execution.seq = entry->seq;
	streak.execution.counted = true;
}

/* Has a statement inside of it ended its loop, or taken its place? */
static inline bool
is_replaced(const UnitEntry *entry)
{
	return entry->queryid != streak.queryid || entry->loop != streak.loop->number;
}

/* Close the streak: what it has left unwritten is written. */
void
streak_write_down(void)
{
	UnitEntry  *entry = streak.execution.entry;
	Loop	   *loop = streak.loop;

	if (!is_replaced(entry))
	{
		entry->completed = (streak.execution.queryDesc == NULL);
		entry->few_rows = streak.rows <= 1;
		entry->seq = loop->seq = streak.execution.seq;
		if (loop->parent == 0)
			loops_note_orphan(loop);
		if (cycle_wanted && cycle_latest != NULL && streak.key != VALUE_UNKNOWN)
		{
			cycle_latest->hash[0] = streak.key;
			cycle_latest->empty = (streak.rows == 0);
		}
	}
	streak.queryid = 0;
}

/* The only key, mostly a parameter; what is stored is not compared. */
static inline uint32
read_key(const QueryDesc *queryDesc, UnitEntry *entry)
{
	ParamListInfo params = queryDesc->params;
	int			param = entry->shape.keys[0].param;
	KeyValues	values;

	if (streak.stores)
		return VALUE_UNKNOWN;
	if (param != 0 && params != NULL && param <= params->numParams)
		return shape_number_hash(params, param);
	shape_read_keys(queryDesc, &entry->shape, &values);
	return values.hash[0];
}

/* Does an execution with this key change nothing but the counts? */
static inline bool
goes_on(Loop *loop, uint32 key)
{
	if (key == VALUE_UNKNOWN)
		return streak.stores;
	return (loop->identity_varied || key == loop->identity) &&
		loops_keeps_pace(loop, key);
}

/* The execution is counted, its only key as its identity. */
static inline void
count_execution(Loop *loop, uint32 key, int64 gap)
{
	LoopCounters *c = streak.counters;

	if (loop->wants_history)
		evidence_note_key(&loop->history, my_unit->seq, key);
	if (loops_seen(loop, key))
		c->duplicate_calls++;
	if (gap > 0)
		c->gap_time += gap;
	c->calls++;
	unit_statements++;
	/* the request has its name since its first statement */
	my_slot->requests.current.statements++;
}

/*
 * One more execution of the statement of the streak, which the caller has
 * recognised.  False when it has to go the usual way.
 */
bool
streak_begin(QueryDesc *queryDesc)
{
	UnitEntry  *entry = streak.execution.entry;
	uint64		round_trips = pgStatActiveTime + pgStatTransactionIdleTime;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	LocalTransactionId lxid = NPO_MY_LXID();
	bool		same_xact = (lxid == entry->lxid);
	int64		gap = now - my_unit->ended;
	uint32		key;

	if (streak.execution.queryDesc != NULL || streak.left == 0 ||
		gap > streak.max_gap ||
		round_trips == entry->round_trips ||
		(same_xact ? entry->xact_calls >= streak.max_xact_calls : streak.same_xact) ||
		GetUserId() != streak.userid ||
		streak.loop->resets != clusters_resets() ||
		!unit_is_plain(entry, queryDesc->sourceText))
		return false;
	key = read_key(queryDesc, entry);
	if (!goes_on(streak.loop, key))
		return false;
	entry->xact_calls = same_xact ? entry->xact_calls + 1 : 1;
	my_unit->lxid = entry->lxid = lxid;
	entry->round_trips = round_trips;
	entry->run++;
	streak.left--;
	streak.key = key;
	streak.execution.queryDesc = queryDesc;
	streak.execution.seq = ++my_unit->seq;
	streak.execution.started = now;
	count_execution(streak.loop, key, gap);
	return true;
}

/*
 * It has run, and well, and nothing inside of it has closed the streak.
 * Returns how long it took, in microseconds.
 */
pg_attribute_always_inline int64
streak_end(QueryDesc *queryDesc)
{
	LoopCounters *c = streak.counters;
	int64		rows = (int64) queryDesc->estate->es_processed;
	TimestampTz ended = GetCurrentTimestamp();
	int64		exec_time = Max(ended - streak.execution.run_started, 0);

	my_unit->ended = ended;
	my_slot->requests.current.exec_time += exec_time;
	streak.execution.queryDesc = NULL;
	streak.rows = rows;
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
