/*-------------------------------------------------------------------------
 *
 * pool.c
 *	  Loops whose executions are spread over several sessions.
 *
 * A program that looks its rows up side by side, or through a pooler that
 * hands its statements to whatever session is free, makes a loop of which
 * every session sees a part.  The parts are put together here: a place of
 * the table stands for one execution of a parent, has the values of the
 * column that a child may walk, and says which of its rows have been asked
 * for.  An execution of the child claims the row that it asks for, wherever it
 * runs; no row is claimed twice.  poolwatch.c decides what comes here.
 *
 * Rows are not asked for in order, but nearly: the sessions race with each
 * other.  What the claims say is weighed, in bits, against keys drawn at random
 * from the list itself, as if there were no others: a list that is most of a
 * small table is hit at every look-up.  Two programs are thought of, one that
 * walks row by row, and one that works on a window of rows at once, alone or
 * with a share of the keys among others.  How likely the keys are for one of
 * them, over how likely they are by chance, is a bet that chance wins once in
 * 2^n times, whichever row an execution is given: so it is made on every key
 * of the list, claimed or not.  Within one request (a trace) no chance has to
 * be ruled out.
 *
 * Locking.  One lightweight lock is held for the length of a claim, and only
 * executions that may belong to such a loop take it.  A proven loop is
 * published through its SlotLoop, as those in slots are, and readers use its
 * change count alone.  The lock is taken before those of clusters; nothing
 * is allocated, looked up or reported under it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "clusters.h"
#include "locks.h"
#include "pool.h"
#include "settings.h"

/* bits that prove a loop, see weigh() */
#define PROOF_BITS 20.0f

/* it is given up at so few, or when so many keys a row have been of others */
#define HOPELESS_BITS (-8.0f)
#define HOPELESS_MISSES 3

/* matches that prove one within a request */
#define PROOF_MATCHES 3

/* one look-up in so many may be of no free row, within a request */
#define FORGIVEN_SHARE 10

/* rows that a program works on at once, at most */
#define WINDOW 12

/* how likely the next row, or one in the window, is for such a program */
#define SHARE_NEXT 0.9f
#define SHARE_WINDOW 0.98f

/* shares of the keys of a list that one loop may have, beside all of them */
#define SHARES 3
static const float shares[SHARES] = {0.6f, 0.3f, 0.1f};

/*
 * What it costs to have tried all explanations: half of the belief goes to
 * the two in which a loop is alone, half to the six in which it is not.
 */
#define BITS_ALONE 2.0f
#define BITS_SHARED 3.6f

/* a loop that is not proven is given up when nothing has come for so long */
#define PATIENCE USECS_PER_SEC

/*
 * For so long after a result has been found by a look, others of the same
 * statement are entered as well.
 */
#define BREEDING_TIME (INT64CONST(200) * 1000)

/* what a child follows is remembered for so long after the latest proof */
#define MEMORY (INT64CONST(600) * USECS_PER_SEC)

#define RELATIONS 12
#define OUTCOMES 1024			/* lives of which it is known what came of
								 * them */
#define DONE 128				/* results that need not be entered again */

typedef enum PoolState
{
	STATE_FREE,
	STATE_OPEN,
	STATE_PROVING,				/* somebody is publishing it */
	STATE_PROVEN
} PoolState;

typedef struct PoolLoop
{
	uint32		id;
	Oid			dbid;
	PoolParent	parent;
	uint8		state;			/* PoolState */
	int8		last;			/* row claimed last, -1: none */
	bool		is_bred;		/* of another loop, none of both proven */
	bool		is_spread;		/* others than the parent's session are in it */
	uint32		misses;			/* keys of the list that were of others */
	float		by_row[SHARES]; /* bits, see note_key() */
	float		by_window[SHARES];
	uint32		beyond;			/* claims of rows behind those that are here */
	uint64		claimed;		/* bit per row */
	uint32		running;		/* executions that are not done */
	TimestampTz began;
	TimestampTz seen;			/* the latest claim */
	SlotLoop	loop;
	uint32		when[POOL_ROWS];	/* of each claim, after the parent's start */
} PoolLoop;

/* a column that a child has been proven to follow, and whose result is next */
typedef struct PoolRelation
{
	Oid			dbid;
	uint32		origin;
	uint64		child;
	uint64		parent;
	Oid			userid;
	uint8		key;
	SampleColumn column;
	int32		cluster;		/* that of its loops, */
	uint32		cluster_serial;
	bool		told;			/* which has the parent's text, if it could be
								 * had */
	TimestampTz proven;
} PoolRelation;

typedef struct PoolTable
{
	PoolHints	hints;
	LWLock	   *lock;
	uint32		next_id;
	uint32		outcomes[OUTCOMES / 32];	/* bit per life: it was proven */
	uint32		done_next;
	uint32		done[DONE];		/* hashes, see hash_parent() */
	PoolRelation relations[RELATIONS];
	PoolLoop	loops[POOL_LOOPS];
} PoolTable;

bool		npo_pools = true;
PoolHints  *pool_hints = NULL;

static PoolTable *table = NULL;

Size
pool_shmem_size(void)
{
	return MAXALIGN(sizeof(PoolTable));
}

void
pool_shmem_init(void)
{
	bool		found;

	table = ShmemInitStruct("pg_nplusone pool", pool_shmem_size(), &found);
	pool_hints = &table->hints;
	if (found)
		return;
	memset(table, 0, pool_shmem_size());
	pg_atomic_init_u64(&table->hints.children, 0);
	pg_atomic_init_u64(&table->hints.parents, 0);
	table->lock = &GetNamedLWLockTranche(POOL_TRANCHE)->lock;
	table->next_id = 1;
	for (int i = 0; i < POOL_LOOPS; i++)
		table->loops[i].loop.cluster = -1;
}

/* the counts of a loop, for readers of its cluster; see slots_read_loop() */
const SlotLoop *
pool_get(int place)
{
	return &table->loops[place].loop;
}

/* -------------------------------------------------------------------------
 * Lives of a place; the lock is held exclusively
 * -------------------------------------------------------------------------
 */

static void
set_outcome(uint32 id, bool proven)
{
	uint32	   *word = &table->outcomes[id % OUTCOMES / 32];
	uint32		bit = UINT32_C(1) << id % 32;

	*word = proven ? *word | bit : *word & ~bit;
}

/* The table has changed. */
static void
update_hints(void)
{
	uint64		children = 0,
				parents = 0;

	for (int i = 0; i < POOL_LOOPS; i++)
		if (table->loops[i].state != STATE_FREE)
		{
			children |= pool_bit(table->loops[i].parent.child);
			parents |= pool_bit(table->loops[i].parent.parent);
		}
	for (int i = 0; i < RELATIONS; i++)
		if (table->relations[i].proven != 0)
			parents |= pool_bit(table->relations[i].parent);
	pg_atomic_write_u64(&table->hints.children, children);
	pg_atomic_write_u64(&table->hints.parents, parents);
}

static uint32
hash_parent(uint64 child, int slot, TimestampTz started)
{
	return (uint32) value_mix(value_mix(child, slot), started);
}

/* A loop has come to its end: if it is one, it goes to its cluster. */
static void
retire(PoolLoop *l)
{
	set_outcome(l->id, l->state == STATE_PROVEN);
	if (l->state == STATE_PROVEN)
		clusters_fold(&l->loop);
	table->done[table->done_next++ % DONE] =
		hash_parent(l->parent.child, l->parent.slot, l->parent.started);
	l->state = STATE_FREE;
	update_hints();
}

static bool
has_expired(const PoolLoop *l, TimestampTz now)
{
	int64		patience = l->state == STATE_PROVEN ?
	Max(npo_idle_gap * INT64CONST(1000), PATIENCE) : PATIENCE;

	return now - l->seen > patience;
}

static void
sweep(TimestampTz now)
{
	for (int i = 0; i < POOL_LOOPS; i++)
		if (table->loops[i].state != STATE_FREE && has_expired(&table->loops[i], now))
			retire(&table->loops[i]);
}

/* Loops that have ended hold their clusters: let go of them. */
void
pool_sweep(void)
{
	npo_lock(table->lock, LW_EXCLUSIVE);
	sweep(GetCurrentTimestamp());
	npo_unlock(table->lock);
}

/* a free place, or that of the open loop longest unused; NULL: all are proven */
static PoolLoop *
free_place(void)
{
	PoolLoop   *oldest = NULL;

	for (int i = 0; i < POOL_LOOPS; i++)
	{
		PoolLoop   *l = &table->loops[i];

		if (l->state == STATE_FREE)
			return l;
		if (l->state == STATE_OPEN && (oldest == NULL || l->seen < oldest->seen))
			oldest = l;
	}
	if (oldest != NULL)
		retire(oldest);
	return oldest;
}

static void
begin_life(PoolLoop *l, const PoolParent *parent, TimestampTz now)
{
	memset(l, 0, sizeof(*l));
	l->id = table->next_id++;
	set_outcome(l->id, false);
	l->dbid = MyDatabaseId;
	l->parent = *parent;
	l->last = -1;
	l->began = l->seen = now;
	l->loop.cluster = -1;
	l->loop.queryid = parent->child;
	l->loop.parent_queryid = parent->parent;
	l->loop.userid = parent->userid;
	l->state = STATE_OPEN;
	update_hints();
}

/* -------------------------------------------------------------------------
 * Looking loops up
 * -------------------------------------------------------------------------
 */

static inline bool
is_for(const PoolLoop *l, uint64 child, uint32 origin)
{
	return l->state != STATE_FREE && l->parent.child == child &&
		l->parent.origin == origin && l->dbid == MyDatabaseId;
}

/* Is there a loop that executions of this child may belong to?  A hint. */
bool
pool_follows(uint64 child, uint32 origin)
{
	for (int i = 0; i < POOL_LOOPS; i++)
		if (is_for(&table->loops[i], child, origin))
			return true;
	return false;
}

/* the children that are followed for an origin, at most POOL_LOOPS */
int
pool_children(uint32 origin, uint64 *children)
{
	int			n = 0;

	for (int i = 0; i < POOL_LOOPS; i++)
	{
		uint64		child = table->loops[i].parent.child;
		bool		known = !is_for(&table->loops[i], child, origin);

		for (int j = 0; j < n && !known; j++)
			known = children[j] == child;
		if (!known)
			children[n++] = child;
	}
	return n;
}

/* A slot that another session has taken over numbers its streams anew. */
static PoolLoop *
find_parent(uint64 child, int slot, uint32 stream, TimestampTz started)
{
	for (int i = 0; i < POOL_LOOPS; i++)
	{
		PoolLoop   *l = &table->loops[i];

		if (l->state != STATE_FREE && l->parent.child == child &&
			l->parent.slot == slot && l->parent.stream == stream &&
			l->parent.started == started)
			return l;
	}
	return NULL;
}

/* A hint, too. */
bool
pool_has_parent(uint64 child, int slot, uint32 stream, TimestampTz started)
{
	return find_parent(child, slot, stream, started) != NULL;
}

/* The loop of a ticket, unless another has its place. */
static PoolLoop *
loop_of(const PoolTicket *ticket)
{
	PoolLoop   *l = ticket->place >= 0 ? &table->loops[ticket->place] : NULL;

	return l != NULL && l->state != STATE_FREE && l->id == ticket->id ? l : NULL;
}

PoolOutcome
pool_outcome(const PoolTicket *ticket)
{
	PoolLoop   *l;
	PoolOutcome outcome;

	npo_lock(table->lock, LW_SHARED);
	l = loop_of(ticket);
	if (l != NULL)
		outcome = l->state == STATE_PROVEN ? POOL_PROVEN : POOL_OPEN;
	else if (table->next_id - ticket->id >= OUTCOMES)
		outcome = POOL_PROVEN;	/* nobody knows: do not count it twice */
	else
		outcome = (table->outcomes[ticket->id % OUTCOMES / 32] >> ticket->id % 32 & 1) ?
			POOL_PROVEN : POOL_REFUTED;
	npo_unlock(table->lock);
	return outcome;
}

/* -------------------------------------------------------------------------
 * Parents
 * -------------------------------------------------------------------------
 */

/* Has it been walked through, or has it been found that it was not? */
static bool
is_done(const PoolParent *parent)
{
	uint32		hash = hash_parent(parent->child, parent->slot, parent->started);

	for (int i = 0; i < DONE; i++)
		if (table->done[i] == hash)
			return true;
	return false;
}

static bool
add_parent(const PoolParent *parent, TimestampTz now)
{
	PoolLoop   *l;

	sweep(now);
	if (is_done(parent) || find_parent(parent->child, parent->slot, parent->stream, parent->started) != NULL)
		return false;
	l = free_place();
	if (l != NULL)
		begin_life(l, parent, now);
	return l != NULL;
}

/* A result has been found that a child may be walking. */
bool
pool_add(const PoolParent *parent)
{
	bool		added;

	npo_lock(table->lock, LW_EXCLUSIVE);
	added = add_parent(parent, GetCurrentTimestamp());
	npo_unlock(table->lock);
	return added;
}

/* Remember what the child of a proven loop follows. */
static void
note_relation(const PoolLoop *l, TimestampTz now)
{
	const PoolParent *parent = &l->parent;
	PoolRelation *place = &table->relations[0];

	/* a request does not come again */
	if (parent->traced)
		return;
	for (int i = 0; i < RELATIONS; i++)
	{
		PoolRelation *r = &table->relations[i];

		if (r->proven != 0 && r->dbid == MyDatabaseId && r->origin == parent->origin &&
			r->child == parent->child && r->parent == parent->parent)
		{
			place = r;
			break;
		}
		if (r->proven < place->proven)
			place = r;
	}
	place->dbid = MyDatabaseId;
	place->origin = parent->origin;
	place->child = parent->child;
	place->parent = parent->parent;
	place->userid = parent->userid;
	place->key = parent->key;
	place->column = parent->column;
	place->told = place->told && place->cluster == l->loop.cluster &&
		place->cluster_serial == l->loop.cluster_serial && place->proven != 0;
	place->cluster = l->loop.cluster;
	place->cluster_serial = l->loop.cluster_serial;
	place->proven = now;
	update_hints();
}

static void
forget_relations(TimestampTz now)
{
	for (int i = 0; i < RELATIONS; i++)
		if (now - table->relations[i].proven > MEMORY)
			table->relations[i].proven = 0;
	update_hints();
}

/*
 * The values of a column in the latest execution of a result; NULLs are nobody's
 * keys.  Of each execution the first rows are kept, as many as there is room
 * for.
 */
int
pool_copy_values(const Sample *sample, int column, uint32 *values)
{
	const uint32 *cells = &sample->cells[column * sample->capacity];
	int			n = 0;

	for (uint32 row = sample->batch; row < sample->total && n < POOL_ROWS; row++)
		if (cells[row % sample->capacity] != VALUE_UNKNOWN)
			values[n++] = cells[row % sample->capacity];
	return n;
}

/* The latest execution of a result as a parent, by one of its columns. */
void
pool_describe_result(PoolParent *parent, const Sample *sample, int slot, int column)
{
	parent->slot = slot;
	parent->column = sample->columns[column];
	parent->server_parent = sample->server_queryid;
	parent->stream = sample->stream;
	parent->rows = Max(sample->rows, (int64) sample->total - sample->batch);
	parent->started = sample->started;
	parent->nvalues = pool_copy_values(sample, column, parent->values);
}

/* A result of what a child follows: its executions may follow this one. */
static bool
add_result(const Sample *sample, int slot, const PoolParent *known, TimestampTz now)
{
	PoolParent	found = *known;

	for (int c = 0; c < sample->ncolumns; c++)
	{
		if (sample->columns[c].resno != known->column.resno ||
			sample->columns[c].relid != known->column.relid)
			continue;
		pool_describe_result(&found, sample, slot, c);
		return found.nvalues >= 2 && add_parent(&found, now);
	}
	return false;
}

static bool
add_of_relations(const Sample *sample, int slot, uint64 parent, TimestampTz now,
				 PoolCluster *untold)
{
	bool		added = false;

	for (int i = 0; i < RELATIONS; i++)
	{
		PoolRelation *r = &table->relations[i];
		PoolParent	known;

		if (r->proven == 0 || r->parent != parent || r->dbid != MyDatabaseId ||
			r->origin != my_slot->origin)
			continue;
		memset(&known, 0, sizeof(known));
		known.child = r->child;
		known.parent = parent;
		known.origin = r->origin;
		known.userid = r->userid;
		known.key = r->key;
		known.column = r->column;
		added |= add_result(sample, slot, &known, now);
		if (r->told)
			continue;
		r->told = true;
		untold->number = r->cluster;
		untold->serial = r->cluster_serial;
	}
	return added;
}

/* May other results of its parent's statement be entered because of it? */
static inline bool
may_breed(const PoolLoop *l, TimestampTz now)
{
	return l->state == STATE_PROVEN ||
		(l->state == STATE_OPEN && !l->is_bred && now - l->began < BREEDING_TIME);
}

static bool
add_of_loops(const Sample *sample, int slot, uint64 parent, TimestampTz now)
{
	bool		added = false;

	for (int i = 0; i < POOL_LOOPS; i++)
	{
		const PoolLoop *l = &table->loops[i];
		PoolParent	known = l->parent;
		bool		is_bred = l->state != STATE_PROVEN;
		PoolLoop   *bred;

		if (l->parent.parent != parent || l->dbid != MyDatabaseId ||
			l->parent.origin != my_slot->origin || !may_breed(l, now) ||
			!add_result(sample, slot, &known, now))
			continue;
		added = true;
		bred = find_parent(known.child, slot, sample->stream, sample->started);
		bred->is_bred = is_bred;
	}
	return added;
}

/*
 * A statement has returned rows which others may be about to walk, as they
 * walk or have walked other results of it: they need not look for this one.
 * "untold" is a cluster that may lack the statement's text, its number -1: none.
 */
void
pool_parent_done(const Sample *sample, uint64 parent, int slot, PoolCluster *untold)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		added;

	untold->number = -1;
	if (sample->total - sample->batch < 2)
		return;
	npo_lock(table->lock, LW_EXCLUSIVE);
	forget_relations(now);
	added = add_of_relations(sample, slot, parent, now, untold);
	added |= add_of_loops(sample, slot, parent, now);
	npo_unlock(table->lock);
	if (added)
		clusters_rouse();
}

/* -------------------------------------------------------------------------
 * Evidence
 * -------------------------------------------------------------------------
 */

static inline bool
is_claimed(uint64 rows, int row)
{
	return (rows >> row & 1) != 0;
}

/* rows of the list with this value */
static int
count_value(const PoolParent *parent, uint32 value)
{
	int			n = 0;

	for (int i = 0; i < parent->nvalues; i++)
		n += parent->values[i] == value;
	return n;
}

/* the rows claimed, in the order of their times */
static int
order_claims(const PoolLoop *l, uint8 *rows)
{
	int			n = 0;

	for (int row = 0; row < l->parent.nvalues; row++)
	{
		int			at = n;

		if (!is_claimed(l->claimed, row))
			continue;
		for (; at > 0 && l->when[rows[at - 1]] > l->when[row]; at--)
			rows[at] = rows[at - 1];
		rows[at] = row;
		n++;
	}
	return n;
}

/* Has a row of this value been claimed? */
static bool
value_is_claimed(const PoolLoop *l, uint64 claimed, uint32 value)
{
	for (int i = 0; i < l->parent.nvalues; i++)
		if (is_claimed(claimed, i) && l->parent.values[i] == value)
			return true;
	return false;
}

/*
 * Is this the row behind another?  A program that keeps what it has read passes
 * over rows whose value has come by.
 */
static bool
comes_next(const PoolLoop *l, uint64 claimed, int last, int row)
{
	for (int i = last + 1; i < row; i++)
		if (!value_is_claimed(l, claimed, l->parent.values[i]))
			return false;
	return row > last;
}

/* the place of a row among those not claimed yet, and how many these are */
static int
place_in_window(const PoolLoop *l, uint64 claimed, int row, int *left)
{
	uint64		all = l->parent.nvalues >= 64 ? ~UINT64CONST(0) :
	(UINT64CONST(1) << l->parent.nvalues) - 1;
	uint64		open = all & ~claimed;

	*left = pg_popcount64(open);
	return pg_popcount64(open & ((UINT64CONST(1) << row) - 1));
}

/* the share of the list's rows that have this row's value */
static float
chance_of(const PoolLoop *l, int row)
{
	return (float) count_value(&l->parent, l->parent.values[row]) / l->parent.nvalues;
}

/* How much likelier than by chance is a row for one that walks, in turns? */
static float
likelihood_of_next(const PoolLoop *l, uint64 claimed, int last, int row)
{
	if (last < 0)
		return 1;				/* where a walk begins says nothing */
	return (1 - SHARE_NEXT) +
		(row >= 0 && comes_next(l, claimed, last, row) ? SHARE_NEXT / chance_of(l, row) : 0);
}

/* The same for one that works on several rows at once. */
static float
likelihood_in_window(const PoolLoop *l, uint64 claimed, int row)
{
	int			left;

	if (row < 0 || place_in_window(l, claimed, row, &left) >= WINDOW)
		return 1 - SHARE_WINDOW;
	return (1 - SHARE_WINDOW) + SHARE_WINDOW / Min(left, WINDOW) / chance_of(l, row);
}

/*
 * A key of the list has come.  If only a share of such keys is of this loop,
 * what does it say?  "row" is the free one that it asks for, -1: none.
 */
static void
note_key(PoolLoop *l, int row)
{
	float		by_row = likelihood_of_next(l, l->claimed, l->last, row);
	float		by_window = likelihood_in_window(l, l->claimed, row);

	for (int i = 0; i < SHARES; i++)
	{
		l->by_row[i] += log2f(shares[i] * by_row + 1 - shares[i]);
		l->by_window[i] += log2f(shares[i] * by_window + 1 - shares[i]);
	}
}

/* If all keys of the list are of this loop, in the order of their times. */
static float
weigh_alone(const PoolLoop *l)
{
	uint8		rows[POOL_ROWS];
	int			n = order_claims(l, rows);
	float		by_row = 0,
				by_window = 0;
	uint64		claimed = 0;

	for (int i = 0; i < n; i++)
	{
		by_row += log2f(likelihood_of_next(l, claimed, i > 0 ? rows[i - 1] : -1, rows[i]));
		by_window += log2f(likelihood_in_window(l, claimed, rows[i]));
		claimed |= UINT64CONST(1) << rows[i];
	}
	return Max(by_row + l->misses * log2f(1 - SHARE_NEXT),
			   by_window + l->misses * log2f(1 - SHARE_WINDOW));
}

/*
 * How much more likely all of it is for a loop than for keys drawn at random
 * from the list, in bits, having tried several explanations.
 */
static float
weigh(const PoolLoop *l)
{
	float		bits = weigh_alone(l) - BITS_ALONE;

	for (int i = 0; i < SHARES; i++)
		bits = Max(bits, Max(l->by_row[i], l->by_window[i]) - BITS_SHARED);
	return bits;
}

/* Is this a loop, or certainly none? */
static bool
is_proven(PoolLoop *l)
{
	uint32		matches = pg_popcount64(l->claimed) + l->beyond;
	float		bits;

	if (matches < Max(npo_threshold, PROOF_MATCHES))
		return false;
	if (l->parent.traced)
		return l->misses * FORGIVEN_SHARE <= matches + l->misses;
	bits = weigh(l);
	if (bits < HOPELESS_BITS ||
		(bits < PROOF_BITS && l->misses > HOPELESS_MISSES * l->parent.nvalues))
		l->seen = 0;			/* the next sweep takes it */
	return bits >= PROOF_BITS;
}

/* -------------------------------------------------------------------------
 * Claims
 * -------------------------------------------------------------------------
 */

/* the first row of this value that is free; -1: none, -2: no such value */
static int
find_row(const PoolLoop *l, uint32 value)
{
	int			result = -2;

	for (int i = 0; i < l->parent.nvalues; i++)
	{
		if (l->parent.values[i] != value)
			continue;
		if (!is_claimed(l->claimed, i))
			return i;
		result = -1;
	}
	return result;
}

/* how far a row is from where the loop stands */
static int
distance(const PoolLoop *l, int row)
{
	int			left;
	int			in_window = place_in_window(l, l->claimed, row, &left);
	int			from_last = abs(row - (l->last + 1));

	return Min(in_window, from_last);
}

/*
 * The session of a parent judges for itself what it runs, unless others run
 * parts of it, or the request comes and goes.
 */
static inline bool
may_claim(const PoolLoop *l, const PoolClaim *claim)
{
	return is_for(l, claim->child, claim->origin) &&
		claim->started >= l->parent.started &&
		(l->is_spread || l->parent.traced || l->parent.slot != claim->slot);
}

/* Is it a row behind those of a list that is longer than what is kept of it? */
static bool
goes_beyond(const PoolLoop *l)
{
	return l->state == STATE_PROVEN &&
		l->parent.rows > l->parent.nvalues + l->beyond &&
		pg_popcount64(l->claimed) >= l->parent.nvalues - WINDOW;
}

/*
 * The loop that an execution belongs to: of those with a free row of its value
 * the one that stands nearest to it.
 */
static PoolLoop *
choose(const PoolClaim *claim, int *row)
{
	PoolLoop   *best = NULL;
	PoolLoop   *beyond = NULL;
	int			best_distance = PG_INT32_MAX;
	bool		known = false;

	for (int i = 0; i < POOL_LOOPS; i++)
	{
		PoolLoop   *l = &table->loops[i];
		int			at;

		if (!may_claim(l, claim))
			continue;
		at = find_row(l, claim->hash[l->parent.key]);
		known |= at >= -1;
		if (at == -2 && goes_beyond(l))
			beyond = l;
		if (at < 0 || distance(l, at) >= best_distance)
			continue;
		best = l;
		best_distance = distance(l, at);
		*row = at;
	}
	if (best == NULL && !known && beyond != NULL)
	{
		*row = -1;
		return beyond;
	}
	return best;
}

/*
 * What does this execution say about each loop that it could be of?  "own" is
 * the one whose it is taken for, NULL: none.
 */
static void
weigh_execution(const PoolClaim *claim, const PoolLoop *own)
{
	for (int i = 0; i < POOL_LOOPS; i++)
	{
		PoolLoop   *l = &table->loops[i];
		int			row;

		if (!may_claim(l, claim))
			continue;
		row = find_row(l, claim->hash[l->parent.key]);
		if (row == -2 && !l->parent.traced)
			continue;			/* of other programs, say */
		if (row != -2)
			note_key(l, row);
		if (l != own)
			l->misses++;
	}
}

/* A cluster that was reset under its loop begins again with the next claim. */
static void
begin_after_reset(PoolLoop *l)
{
	if (l->state != STATE_PROVEN || clusters_is_attached(&l->loop))
		return;
	change_begin(&l->loop.change);
	l->loop.cluster = -1;
	memset(&l->loop.counters, 0, sizeof(l->loop.counters));
	change_end(&l->loop.change);
	l->state = STATE_OPEN;
}

static void
take_row(PoolLoop *l, int row, const PoolClaim *claim)
{
	LoopCounters *c = &l->loop.counters;
	bool		again = row >= 0 &&
	value_is_claimed(l, l->claimed, l->parent.values[row]);

	if (row >= 0)
	{
		l->claimed |= UINT64CONST(1) << row;
		l->when[row] = (uint32) Min(claim->started - l->parent.started, PG_UINT32_MAX);
		l->last = row;
	}
	else
		l->beyond++;
	l->running++;
	l->is_spread |= l->parent.slot != claim->slot;
	l->seen = Max(l->seen, claim->started);
	change_begin(&l->loop.change);
	c->calls++;
	c->duplicate_calls += again;
	if (c->started == 0 || claim->started < c->started)
		c->started = claim->started;
	c->ended = Max(c->ended, claim->started);
	c->parent_rows = l->parent.rows;
	change_end(&l->loop.change);
}

/*
 * An execution asks for its loop.  False when there is none that it could
 * belong to.  "provable" says that the loop is proven by this, and has to
 * be published.
 */
bool
pool_claim(const PoolClaim *claim, PoolTicket *ticket, bool *provable)
{
	PoolLoop   *l;
	int			row = -1;

	*provable = false;
	ticket->place = -1;
	npo_lock(table->lock, LW_EXCLUSIVE);
	sweep(claim->started);
	l = choose(claim, &row);
	weigh_execution(claim, l);
	if (l != NULL)
	{
		begin_after_reset(l);
		take_row(l, row, claim);
		ticket->place = l - table->loops;
		ticket->id = l->id;
		*provable = l->state == STATE_OPEN && is_proven(l);
	}
	npo_unlock(table->lock);
	return l != NULL;
}

/* Add to the sums of a loop, or take from them. */
void
pool_count_usage(LoopCounters *c, const PoolUsage *usage, int sign)
{
	c->rows += sign * usage->rows;
	c->exec_time += sign * usage->exec_time;
	c->gap_time += sign * usage->gap_time;
	c->blks_hit += sign * (int64) usage->blks_hit;
	c->blks_read += sign * (int64) usage->blks_read;
}

/* Have all rows been asked for, and all answers been given? */
static bool
is_complete(const PoolLoop *l)
{
	return l->state == STATE_PROVEN && l->running == 0 &&
		l->loop.counters.calls >= l->parent.rows;
}

/*
 * An execution that has claimed its row is done: then it is one call in "usage";
 * or it has run, and will go on.
 */
void
pool_add_usage(const PoolTicket *ticket, const PoolUsage *usage, TimestampTz ended)
{
	PoolLoop   *l;

	npo_lock(table->lock, LW_EXCLUSIVE);
	l = loop_of(ticket);
	if (l != NULL)
	{
		change_begin(&l->loop.change);
		pool_count_usage(&l->loop.counters, usage, 1);
		l->loop.counters.max_exec_time = Max(l->loop.counters.max_exec_time,
											 usage->exec_time);
		l->loop.counters.ended = Max(l->loop.counters.ended, ended);
		change_end(&l->loop.change);
		l->running -= Min(l->running, (uint32) usage->calls);
		if (is_complete(l))
			retire(l);
	}
	npo_unlock(table->lock);
}

/* the rows that a walk with these keys has asked for, so many at most */
static uint64
rows_of_keys(const PoolLoop *l, const uint32 *keys, int nkeys, int64 wanted)
{
	uint64		rows = 0;

	for (int row = 0; row < l->parent.nvalues && pg_popcount64(rows) < wanted; row++)
		for (int i = 0; i < nkeys; i++)
			if (keys[i] == l->parent.values[row] && !is_claimed(l->claimed, row))
				rows |= UINT64CONST(1) << row;
	return rows;
}

/* Claim these rows one by one, from a time on. */
static void
take_rows(PoolLoop *l, uint64 rows, TimestampTz started)
{
	int64		after = Max(started - l->parent.started, 0);

	for (int row = 0; row < l->parent.nvalues; row++)
		if (is_claimed(rows, row))
			l->when[row] = (uint32) Min(after++, PG_UINT32_MAX);
	l->claimed |= rows;
}

/* Its counts move from a loop of this session, published or not. */
static bool
take_over(PoolLoop *l, SlotLoop *counts)
{
	l->seen = Max(l->seen, counts->counters.ended);
	if (counts->cluster < 0)
	{
		slots_move_counters(counts, &l->loop);
		return true;
	}
	if (!clusters_hand_over(counts, &l->loop))
		return false;
	if (l->state == STATE_OPEN)
		note_relation(l, GetCurrentTimestamp());
	l->state = STATE_PROVEN;
	return true;
}

/*
 * The session that ran the parent has walked a part of it by itself: take its
 * counts over, and with them its cluster, if it has one.  False, with nothing
 * changed, when they do not fit into what is free, or if it would not be
 * known that both are one loop.  The keys are those that it has asked for.
 */
bool
pool_join(uint64 child, int slot, const Sample *sample, const uint32 *keys,
		  int nkeys, SlotLoop *counts)
{
	PoolLoop   *l;
	bool		joined = false;

	npo_lock(table->lock, LW_EXCLUSIVE);
	l = find_parent(child, slot, sample->stream, sample->started);
	if (l != NULL && l->state != STATE_PROVING &&
		(l->state == STATE_PROVEN || counts->cluster >= 0))
	{
		uint64		before = l->claimed;
		uint64		rows = rows_of_keys(l, keys, nkeys, counts->counters.calls);

		take_rows(l, rows, counts->counters.started);
		joined = pg_popcount64(rows) == counts->counters.calls &&
			(l->state == STATE_PROVEN || is_proven(l)) && take_over(l, counts);
		if (!joined)
			l->claimed = before;
	}
	npo_unlock(table->lock);
	return joined;
}

/* -------------------------------------------------------------------------
 * Publishing
 * -------------------------------------------------------------------------
 */

/*
 * The caller is going to publish the loop, which takes looks into the catalog
 * and must not be done under a lock.  False when somebody else is.
 */
bool
pool_start_proof(const PoolTicket *ticket, PoolParent *parent, LoopCounters *counters)
{
	PoolLoop   *l;
	bool		mine;

	npo_lock(table->lock, LW_EXCLUSIVE);
	l = loop_of(ticket);
	mine = l != NULL && l->state == STATE_OPEN;
	if (mine)
	{
		l->state = STATE_PROVING;
		*parent = l->parent;
		*counters = l->loop.counters;
	}
	npo_unlock(table->lock);
	return mine;
}

/* It has been published, to the cluster that "published" names. */
void
pool_end_proof(const PoolTicket *ticket, const SlotLoop *published)
{
	SlotLoop	orphan = *published;
	PoolLoop   *l;

	npo_lock(table->lock, LW_EXCLUSIVE);
	l = loop_of(ticket);
	if (l != NULL && published->cluster >= 0)
	{
		change_begin(&l->loop.change);
		l->loop.cluster = published->cluster;
		l->loop.cluster_serial = published->cluster_serial;
		l->loop.pattern = published->pattern;
		l->loop.confidence = published->confidence;
		change_end(&l->loop.change);
		l->state = STATE_PROVEN;
		note_relation(l, GetCurrentTimestamp());
	}
	else if (l != NULL)
		l->state = STATE_OPEN;
	npo_unlock(table->lock);
	/* it was given up meanwhile, and its counts with it */
	if (l == NULL && orphan.cluster >= 0)
		clusters_detach(&orphan);
}
