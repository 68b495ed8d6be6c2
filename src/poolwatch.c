/*-------------------------------------------------------------------------
 *
 * poolwatch.c
 *	  What this session has run of loops that are spread over several.
 *
 * A look-up that is repeated here and walks no result of this session may be
 * part of a loop whose parent ran elsewhere.  At its second execution, and
 * then rarely, the results that other sessions of the same database, role and
 * application_name have kept are looked at for its keys, in their slots and
 * without a lock.  Those that have one are entered in the table of pool.c,
 * where from then on all executions of the child, in whatever session, claim
 * their rows.
 *
 * An execution that has claimed a row is counted there and not by the loop of
 * this session.  If nothing comes of it, this session counts it after all: so
 * the sums of what it has claimed are kept until that is known.  Executions
 * that have found nobody to belong to yet are kept one by one, for the parent
 * may turn up later.  Both in a few watches of library memory, one per child.
 *
 * A statement that names its request (a trace) looks at its first execution,
 * since a pooler may send each to another session; it finds where to look in
 * the table of traces, and belongs to nothing outside of its request.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "classify.h"
#include "compat.h"
#include "detect.h"
#include "guard.h"
#include "normalize.h"
#include "pool.h"
#include "poolwatch.h"
#include "requests.h"
#include "settings.h"
#include "texts.h"
#include "traces.h"

#define WATCHES 4				/* children at once */
#define WATCH_PENDING 16		/* executions that belong to nobody yet */
#define WATCH_SHARES 12			/* loops with a claim of ours */

#define LOOK_SLOTS 128			/* slots looked at at once */
#define LOOK_FOUND 12			/* results taken from one look */
#define LOOK_INTERVAL (INT64CONST(10) * 1000)
#define LOOK_BACKOFF 9			/* doublings of the interval at most */

/* how old a result may be that is looked at */
#define PARENT_AGE (INT64CONST(5) * USECS_PER_SEC)

/* a child of a proven loop is watched closely for so long */
#define WATCHED_FOR (INT64CONST(10) * USECS_PER_SEC)

typedef struct Pending
{
	uint64		seq;
	uint32		hash[SHAPE_KEYS];
	TimestampTz started;
	PoolUsage	usage;
} Pending;

typedef struct Share
{
	PoolTicket	ticket;			/* place -1: unused */
	PoolUsage	usage;
} Share;

typedef struct Watch
{
	uint64		child;			/* 0: unused */
	int			loop;			/* whose executions these are, -1: none */
	uint64		seq;			/* of the latest */
	uint32		seen;			/* executions of it */
	uint32		look_next;		/* the one that looks next, if it is time */
	bool		postponed;		/* it had to be put off */
	uint8		failures;		/* claims that have led to nothing lately */
	TimestampTz look_at;		/* when to look again */
	TimestampTz busy_until;		/* it belongs to others until then, it seems */
	int			npending;
	Pending		pending[WATCH_PENDING];
	Share		shares[WATCH_SHARES];
} Watch;

/* the execution that is under way */
typedef struct Current
{
	Watch	   *watch;			/* NULL: a first one */
	PoolTicket	ticket;			/* place -1: it is the last of those pending */
} Current;

uint64		poolwatch_seq = 0;

static Watch watches[WATCHES];
static Current current;
static int	next_slot = 0;		/* where the next look begins */

/* -------------------------------------------------------------------------
 * Watches
 * -------------------------------------------------------------------------
 */

static Watch *
find_watch(uint64 child)
{
	for (int i = 0; i < WATCHES; i++)
		if (watches[i].child == child)
			return &watches[i];
	return NULL;
}

static void
forget_executions(Watch *watch)
{
	watch->loop = -1;
	watch->npending = 0;
	watch->seen = watch->look_next = 0;
	watch->postponed = false;
	for (int i = 0; i < WATCH_SHARES; i++)
		watch->shares[i].ticket.place = -1;
	if (current.watch == watch)
		poolwatch_seq = 0;
}

/* The watch of a child, or the one unused for longest. */
static Watch *
watch_of(uint64 child)
{
	Watch	   *watch = find_watch(child);

	if (watch != NULL)
		return watch;
	watch = &watches[0];
	for (int i = 1; i < WATCHES; i++)
		if (watches[i].seq < watch->seq)
			watch = &watches[i];
	memset(watch, 0, sizeof(*watch));
	watch->child = child;
	forget_executions(watch);
	return watch;
}

static Pending *
add_pending(Watch *watch)
{
	if (watch->npending == WATCH_PENDING)
		memmove(&watch->pending[0], &watch->pending[1],
				--watch->npending * sizeof(Pending));
	memset(&watch->pending[watch->npending], 0, sizeof(Pending));
	return &watch->pending[watch->npending++];
}

static void
remove_pending(Watch *watch, int i)
{
	watch->npending--;
	memmove(&watch->pending[i], &watch->pending[i + 1],
			(watch->npending - i) * sizeof(Pending));
}

static void
first_usage(const UnitEntry *entry, PoolUsage *usage)
{
	usage->calls = 1;
	usage->rows = entry->first_rows;
	usage->exec_time = entry->first_exec_time;
	usage->gap_time = 0;
	usage->blks_hit = entry->first_blks_hit;
	usage->blks_read = entry->first_blks_read;
}

/* The loop of this session begins: so does what is kept of it. */
static void
begin_watch(Watch *watch, const UnitEntry *entry, const Loop *loop)
{
	Pending    *first;

	forget_executions(watch);
	watch->loop = loop->number;
	if (my_slot->loops[loop->number].counters.calls != 1)
		return;
	watch->seen = 1;
	first = add_pending(watch);
	first->seq = entry->first_seq;
	memcpy(first->hash, entry->first_hash, sizeof(first->hash));
	first->started = entry->first_started;
	first_usage(entry, &first->usage);
}

/* -------------------------------------------------------------------------
 * What has been claimed
 * -------------------------------------------------------------------------
 */

static void
add_usage(PoolUsage *sum, const PoolUsage *usage)
{
	sum->calls += usage->calls;
	sum->rows += usage->rows;
	sum->exec_time += usage->exec_time;
	sum->gap_time += usage->gap_time;
	sum->blks_hit += usage->blks_hit;
	sum->blks_read += usage->blks_read;
}

/* Count executions for the loop of this session, or do not any more. */
static void
count_here(int loop, const PoolUsage *usage, int sign)
{
	SlotLoop   *counts = &my_slot->loops[loop];

	change_begin(&counts->change);
	counts->counters.calls += sign * usage->calls;
	pool_count_usage(&counts->counters, usage, sign);
	counts->counters.duplicate_calls =
		Min(counts->counters.duplicate_calls, counts->counters.calls);
	change_end(&counts->change);
}

/*
 * What has become of our claims?  Those of no loop are counted here, unless
 * the loop that is here follows something else.
 */
static void
settle_shares(Watch *watch)
{
	for (int i = 0; i < WATCH_SHARES; i++)
	{
		Share	   *share = &watch->shares[i];
		PoolOutcome outcome;

		if (share->ticket.place < 0)
			continue;
		outcome = pool_outcome(&share->ticket);
		if (outcome == POOL_OPEN)
			continue;
		share->ticket.place = -1;
		if (outcome == POOL_PROVEN)
		{
			watch->failures = 0;
			watch->look_at = 0;
			watch->busy_until = GetCurrentStatementStartTimestamp() + WATCHED_FOR;
		}
		else
		{
			watch->failures = Min(watch->failures + 1, LOOK_BACKOFF);
			if (loops_get(watch->loop)->parent == 0)
				count_here(watch->loop, &share->usage, 1);
		}
	}
}

/* the share in a loop; NULL: too many are open */
static Share *
share_of(Watch *watch, const PoolTicket *ticket)
{
	Share	   *unused = NULL;

	for (int i = 0; i < WATCH_SHARES; i++)
	{
		Share	   *share = &watch->shares[i];

		if (share->ticket.place < 0)
			unused = share;
		else if (share->ticket.place == ticket->place && share->ticket.id == ticket->id)
			return share;
	}
	if (unused != NULL)
	{
		memset(unused, 0, sizeof(*unused));
		unused->ticket = *ticket;
	}
	return unused;
}

static bool
has_room(const Watch *watch)
{
	for (int i = 0; i < WATCH_SHARES; i++)
		if (watch->shares[i].ticket.place < 0)
			return true;
	return false;
}

static void
note_share(Watch *watch, const PoolTicket *ticket, const PoolUsage *usage)
{
	Share	   *share = share_of(watch, ticket);

	if (share != NULL)
		add_usage(&share->usage, usage);
}

/* -------------------------------------------------------------------------
 * Proof
 * -------------------------------------------------------------------------
 */

/* The rows of the parent as a result of this session would be held. */
static void
make_sample(Sample *sample, const PoolParent *parent)
{
	memset(sample, 0, sizeof(*sample));
	sample->queryid = parent->parent;
	sample->server_queryid = parent->server_parent;
	sample->stream = parent->stream;
	sample->rows = parent->rows;
	sample->total = sample->capacity = parent->nvalues;
	sample->ncolumns = 1;
	sample->started = parent->started;
	sample->columns[0] = parent->column;
	sample->text = TEXT_NONE;
	memcpy(sample->cells, parent->values, parent->nvalues * sizeof(uint32));

	/* the text of a statement never leaves its session */
	for (int i = 0; i < SLOT_SAMPLES && parent->slot == NPO_MY_SLOT(); i++)
		if (my_slot->samples[i].stream == parent->stream)
			sample->text = my_slot->samples[i].text;
}

/* A claim of ours has proven a loop: it is on us to make it known. */
static void
prove(const PoolTicket *ticket, UnitEntry *entry, const KeyValues *values,
	  QueryDesc *queryDesc)
{
	PoolParent	parent;
	LoopCounters counters;
	Sample		sample;
	PooledLoop	pooled;

	if (!pool_start_proof(ticket, &parent, &counters))
		return;
	make_sample(&sample, &parent);
	pooled.parent = &sample;
	pooled.key = parent.key;
	pooled.values = values;
	pooled.ticket = ticket;
	pooled.counters = &counters;
	detect_publish_pooled(entry, &pooled, queryDesc);
	clusters_rouse();
}

/* what is told of a parent in whose session this is */
typedef struct ParentText
{
	const Sample *sample;
	PoolCluster cluster;
} ParentText;

static void
tell_parent(void *arg)
{
	const ParentText *work = arg;
	int			len;
	const char *text = texts_get(work->sample->text, &len);

	if (text != NULL)
		clusters_tell_parent(work->cluster.number, work->cluster.serial,
							 normalize_statement(pnstrdup(text, len), 0, 0,
												 npo_query_size - 1));
}

/*
 * A result is there that others may be about to walk.  Their loops may want to
 * know the text of its statement, which never leaves its session as it is.
 */
void
poolwatch_parent_done(const Sample *sample)
{
	ParentText	work = {sample, {-1, 0}};
	MemoryContext context;
	MemoryContext caller;

	if (!npo_pools)
		return;
	pool_parent_done(sample, sample->queryid, NPO_MY_SLOT(), &work.cluster);
	if (work.cluster.number < 0)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_nplusone detection",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	(void) guard_run(tell_parent, &work);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* -------------------------------------------------------------------------
 * Looking for parents
 * -------------------------------------------------------------------------
 */

/* How many of the keys pending at a place are among these values? */
static int
count_found(const uint32 *values, int nvalues, TimestampTz started,
			const Watch *watch, int key)
{
	int			n = 0;

	for (int i = 0; i < watch->npending; i++)
		for (int j = 0; j < nvalues && watch->pending[i].started >= started; j++)
			if (values[j] == watch->pending[i].hash[key])
			{
				n++;
				break;
			}
	return n;
}

/*
 * The column of a result that the child may walk: the one that the catalog
 * explains best, else the one that has most of the keys.
 */
static bool
choose_column(const Sample *sample, const Watch *watch, const Shape *shape,
			  int *best_column, int *best_key)
{
	int			best_rank = -1;
	int			best_found = 0;
	uint32		values[POOL_ROWS];
	int			n;

	for (int key = 0; key < shape->nkeys; key++)
		for (int column = 0; column < sample->ncolumns; column++)
		{
			int			found;
			int			rank;

			if (shape->keys[key].role != KEY_EQUAL)
				continue;
			n = pool_copy_values(sample, column, values);
			found = count_found(values, n, sample->started, watch, key);
			if (found == 0)
				continue;
			rank = classify_rank(sample->columns[column].relid, sample->columns[column].attnum,
								 shape, key);
			if (rank < best_rank || (rank == best_rank && found <= best_found))
				continue;
			best_rank = rank;
			best_found = found;
			*best_column = column;
			*best_key = key;
		}
	return best_found > 0;
}

/*
 * Is this result one of our own?  What we have used it for, we know; but of a
 * request that comes and goes it is as good as any other.
 */
static bool
is_ours(const BackendSlot *slot, const Sample *sample)
{
	return slot == my_slot && (sample->queryid != 0 || !requests_traced());
}

/* Does a result have keys that we look for?  Then it is entered. */
static bool
enter_parent(int number, int place, const Watch *watch, const UnitEntry *entry)
{
	const BackendSlot *slot = slots_get(number);
	Sample		sample;
	PoolParent	parent;
	int			column,
				key;

	if (!slots_read_sample(&slot->samples[place], &sample) ||
		sample.capacity == 0 || sample.ncolumns == 0 || is_ours(slot, &sample))
		return false;
	memset(&parent, 0, sizeof(parent));
	parent.parent = sample.queryid != 0 ? sample.queryid : sample.left;
	if (parent.parent == 0 || parent.parent == watch->child ||
		GetCurrentStatementStartTimestamp() - sample.started > PARENT_AGE ||
		pool_has_parent(watch->child, number, sample.stream, sample.started) ||
		!choose_column(&sample, watch, &entry->shape, &column, &key))
		return false;
	parent.child = watch->child;
	parent.origin = my_slot->origin;
	parent.userid = entry->userid;
	parent.traced = requests_traced();
	parent.key = key;
	pool_describe_result(&parent, &sample, number, column);
	return parent.nvalues >= 2 && pool_add(&parent);
}

/* All results of one slot that are of our origin. */
static int
look_at_slot(int number, const Watch *watch, const UnitEntry *entry)
{
	const BackendSlot *slot = slots_get(number);
	int			n = 0;

	if (slot->pid == 0 || slot->dbid != MyDatabaseId)
		return 0;
	for (int i = 0; i < SLOT_SAMPLES; i++)
		if (slot->origins[i] == my_slot->origin)
			n += enter_parent(number, i, watch, entry);
	return n;
}

static int
look_around(const Watch *watch, const UnitEntry *entry)
{
	int			n = 0;
	int			slots = slots_count();

	for (int i = 0; i < Min(slots, LOOK_SLOTS) && n < LOOK_FOUND; i++)
	{
		next_slot = (next_slot + 1) % slots;
		n += look_at_slot(next_slot, watch, entry);
	}
	return n;
}

/* where the request has been, and left results */
static int
look_at_trace(const Watch *watch, const UnitEntry *entry)
{
	uint16		slots[TRACE_SLOTS];
	int			nslots = traces_slots(my_slot->origin, slots);
	int			n = 0;

	for (int i = 0; i < nslots; i++)
		n += look_at_slot(slots[i], watch, entry);
	return n;
}

/* Do the keys seem to walk a result of this session? */
static bool
is_explained_here(const Watch *watch, const UnitEntry *entry)
{
	Candidate	candidates[MAX_CANDIDATES];
	KeyHistory	history;

	if (evidence_samples == 0)
		return false;
	memset(&history, 0, sizeof(history));
	for (int i = 0; i < watch->npending; i++)
	{
		KeyValues	values;

		memset(&values, 0, sizeof(values));
		memcpy(values.hash, watch->pending[i].hash, sizeof(values.hash));
		evidence_note_keys(&history, watch->pending[i].seq, &values);
	}
	return evidence_search(&history, &entry->shape, entry->queryid, 2, candidates) > 0;
}

/*
 * Look if it is time: at the second execution, then at every doubling, and as
 * often as may be while others are at it.  What walks a result of this session,
 * as it seems, waits for what comes.
 */
static bool
look(Watch *watch, const UnitEntry *entry, TimestampTz now)
{
	int			n;

	watch->postponed = watch->seen >= watch->look_next &&
		(now < watch->look_at || is_explained_here(watch, entry));
	if (watch->postponed ||
		(watch->seen < watch->look_next && watch->busy_until <= now) ||
		now < watch->look_at)
		return false;
	watch->look_at = now + (LOOK_INTERVAL << watch->failures);
	watch->look_next = watch->seen * 2;
	n = requests_traced() ? look_at_trace(watch, entry) : look_around(watch, entry);
	if (n > 0)
		clusters_rouse();
	return n > 0;
}

/* -------------------------------------------------------------------------
 * One execution
 * -------------------------------------------------------------------------
 */

/* a look-up by key that costs a round trip */
static bool
can_be_pooled(const UnitEntry *entry, const KeyValues *values)
{
	const Shape *shape = &entry->shape;

	if (!npo_pools || npo_sample_rows == 0 || values->batch ||
		(shape->flags & (SHAPE_NOISE | SHAPE_SKIP_LOCKED | SHAPE_BATCH)) != 0 ||
		shape->kind == KIND_INSERT || shape->kind == KIND_UPSERT ||
		shape->kind == KIND_OTHER || IsTransactionBlock())
		return false;
	for (int i = 0; i < shape->nkeys; i++)
		if (shape->keys[i].role == KEY_EQUAL && values->hash[i] != VALUE_UNKNOWN)
			return true;
	return false;
}

static void
make_claim(PoolClaim *claim, uint64 child, const uint32 *hash, TimestampTz started)
{
	claim->child = child;
	claim->origin = my_slot->origin;
	claim->slot = NPO_MY_SLOT();
	memcpy(claim->hash, hash, sizeof(claim->hash));
	claim->started = started;
}

/* Claim rows for what is pending; a claim may prove a loop, whose ticket is returned. */
static bool
claim_pending(Watch *watch, uint64 seq, PoolTicket *provable)
{
	bool		any = false;

	for (int i = 0; i < watch->npending && has_room(watch);)
	{
		Pending    *pending = &watch->pending[i];
		PoolClaim	claim;
		PoolTicket	ticket;
		bool		proves;

		make_claim(&claim, watch->child, pending->hash, pending->started);
		if (!pool_claim(&claim, &ticket, &proves))
		{
			i++;
			continue;
		}
		any = true;
		if (proves)
			*provable = ticket;
		note_share(watch, &ticket, &pending->usage);
		if (pending->seq == seq)
			current.ticket = ticket;
		else
		{
			count_here(watch->loop, &pending->usage, -1);
			pool_add_usage(&ticket, &pending->usage,
						   pending->started + pending->usage.exec_time);
		}
		remove_pending(watch, i);
	}
	return any;
}

/* Is the result that this session walks one that others walk, too? */
static bool
is_walked_elsewhere(const UnitEntry *entry, const Loop *loop)
{
	const Follow *follow = &loop->follow;
	const Sample *sample;

	if (follow->sample < 0)
		return false;
	sample = &my_slot->samples[follow->sample];
	return sample->stream == follow->stream &&
		pool_has_parent(entry->queryid, NPO_MY_SLOT(), sample->stream, sample->started);
}

/* Then both are one loop, if what has been counted here fits in. */
static void
join(const UnitEntry *entry, Loop *loop)
{
	Watch	   *watch = find_watch(entry->queryid);

	if (!is_walked_elsewhere(entry, loop) ||
		!pool_join(entry->queryid, NPO_MY_SLOT(), &my_slot->samples[loop->follow.sample],
				   loop->seen, LOOP_SEEN, &my_slot->loops[loop->number]))
		return;
	loops_yield(loop);
	if (watch != NULL)
		watch->npending = 0;
}

/*
 * Does this session explain by itself what it has run?  What is not walked
 * here row by row is the others', once there is a miss.
 */
static bool
belongs_here(const Watch *watch, const UnitEntry *entry, const Loop *loop, bool walks)
{
	if (loop->follow.sample < 0)
		return is_explained_here(watch, entry);
	return walks && (loop->follow.misses == 0 || !is_walked_elsewhere(entry, loop));
}

/* Note the execution among those pending; it may not stay there for long. */
static void
note_execution(Watch *watch, const KeyValues *values, TimestampTz now)
{
	Pending    *pending = add_pending(watch);

	watch->seen++;
	watch->seq = my_unit->seq;
	pending->seq = my_unit->seq;
	memcpy(pending->hash, values->hash, sizeof(pending->hash));
	pending->started = now;
	pending->usage.calls = 1;
	pending->usage.gap_time = Max(now - my_unit->ended, 0);
	current.watch = watch;
	current.ticket.place = -1;
	poolwatch_seq = my_unit->seq;
}

/*
 * A repeated statement is about to run.  True when it is of a loop that is
 * spread over sessions, as far as is known: then nothing else counts it.
 * "walks" says that it goes to the next row of a result of this session.
 * May look into the catalog, and raise an error.
 */
bool
poolwatch_take(UnitEntry *entry, Loop *loop, QueryDesc *queryDesc,
			   const KeyValues *values, TimestampTz now, bool walks)
{
	PoolTicket	provable = {-1, 0};
	Watch	   *watch;
	bool		followed;

	if (!can_be_pooled(entry, values))
		return false;
	followed = pool_may_follow(entry->queryid) &&
		pool_follows(entry->queryid, my_slot->origin);
	if (followed)
		join(entry, loop);
	if (!followed && loop->follow.sample >= 0)
		return false;
	watch = watch_of(entry->queryid);
	if (watch->loop != loop->number)
		begin_watch(watch, entry, loop);
	settle_shares(watch);
	note_execution(watch, values, now);
	if (followed)
	{
		watch->busy_until = Max(watch->busy_until, now + 10 * LOOK_INTERVAL);
		if (!belongs_here(watch, entry, loop, walks))
			claim_pending(watch, my_unit->seq, &provable);
	}
	if (current.ticket.place < 0 && loop->follow.sample < 0 && look(watch, entry, now))
		claim_pending(watch, my_unit->seq, &provable);
	if (provable.place >= 0)
		prove(&provable, entry, values, queryDesc);
	return current.ticket.place >= 0;
}

/*
 * The same for the first execution in a unit of work, which looks only where
 * its request has been.
 */
bool
poolwatch_take_first(UnitEntry *entry, QueryDesc *queryDesc,
					 const KeyValues *values, TimestampTz now)
{
	PoolClaim	claim;
	bool		proves;

	if (!can_be_pooled(entry, values) || !traces_has_slots(my_slot->origin))
		return false;
	if (!pool_may_follow(entry->queryid) ||
		!pool_follows(entry->queryid, my_slot->origin))
	{
		Watch		one;

		memset(&one, 0, sizeof(one));
		one.child = entry->queryid;
		one.npending = 1;
		memcpy(one.pending[0].hash, values->hash, sizeof(values->hash));
		one.pending[0].started = now;
		if (look_at_trace(&one, entry) == 0)
			return false;
	}
	make_claim(&claim, entry->queryid, values->hash, now);
	if (!pool_claim(&claim, &current.ticket, &proves))
		return false;
	current.watch = NULL;
	poolwatch_seq = my_unit->seq;
	if (proves)
		prove(&current.ticket, entry, values, queryDesc);
	return true;
}

/* A run of the execution that was noted last is done. */
void
poolwatch_end_run(const UnitEntry *entry, const RunUsage *usage)
{
	PoolUsage	took;

	memset(&took, 0, sizeof(took));
	took.rows = usage->rows;
	took.exec_time = usage->exec_time;
	took.blks_hit = (int32) usage->blks_hit;
	took.blks_read = (int32) usage->blks_read;
	if (current.ticket.place < 0)
	{
		Watch	   *watch = current.watch;

		if (watch->npending > 0 &&
			watch->pending[watch->npending - 1].seq == poolwatch_seq)
			add_usage(&watch->pending[watch->npending - 1].usage, &took);
		return;
	}
	if (current.watch != NULL)
		note_share(current.watch, &current.ticket, &took);
	took.calls = 1;
	pool_add_usage(&current.ticket, &took, usage->ended);
}

/* Does its statement belong to others just now, so that each one counts? */
bool
poolwatch_is_busy(const UnitEntry *entry)
{
	const Watch *watch = find_watch(entry->queryid);

	return watch != NULL &&
		(watch->busy_until > GetCurrentStatementStartTimestamp() ||
		 (watch->postponed && watch->seen < WATCH_PENDING));
}

/* -------------------------------------------------------------------------
 * The end
 * -------------------------------------------------------------------------
 */

/* The loop of this session ends: last claims, for numbers only. */
void
poolwatch_loop_ends(const UnitEntry *entry, Loop *loop)
{
	Watch	   *watch = find_watch(entry->queryid);
	PoolTicket	provable = {-1, 0};

	if (pool_may_follow(entry->queryid))
		join(entry, loop);
	if (watch == NULL || watch->loop != loop->number)
		return;
	if (loop->follow.sample < 0 && pool_may_follow(entry->queryid))
		claim_pending(watch, 0, &provable);
	settle_shares(watch);
	forget_executions(watch);
}

/* A statement that has run once in this unit of work. */
static void
claim_single(const UnitEntry *entry)
{
	PoolClaim	claim;
	PoolTicket	ticket;
	PoolUsage	usage;
	bool		proves;

	make_claim(&claim, entry->queryid, entry->first_hash, entry->first_started);
	if (!pool_claim(&claim, &ticket, &proves))
		return;
	first_usage(entry, &usage);
	pool_add_usage(&ticket, &usage, entry->first_started + usage.exec_time);
}

/* The unit of work ends: was something that has run once a part of a loop? */
void
poolwatch_unit_ends(void)
{
	uint64		children[POOL_LOOPS];
	int			n;

	if (!npo_pools || !pool_is_live())
		return;
	n = pool_children(my_slot->origin, children);
	for (int i = 0; i < n; i++)
	{
		const UnitEntry *entry = unit_find_entry(children[i]);

		if (entry != NULL && entry->generation == my_unit->generation &&
			entry->loop < 0 && entry->seq == entry->first_seq &&
			entry->completed && !entry->first_pooled)
			claim_single(entry);
	}
}
