/*-------------------------------------------------------------------------
 *
 * loops.c
 *	  Repeated statements: counting them, and what ties them together.
 *
 * Owns the private part of the loops; their counters are in this backend's
 * slot, where pg_nplusone reads them while a loop runs.  A statement gets a
 * loop at its second execution in a unit of work.  At every further one its
 * ties are weighed, cheaply: evidence is searched for when the threshold is
 * reached and then at every doubling, and once it is found, following it
 * takes a few instructions.
 *
 * A tie is never taken for granted before the threshold, and counts from the
 * latest execution of the parent: what ran before belongs to something else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "nodes/params.h"
#include "port/pg_bitutils.h"

#include "classify.h"
#include "clusters.h"
#include "cycle.h"
#include "detect.h"
#include "loops.h"
#include "poolwatch.h"
#include "session.h"
#include "settings.h"
#include "streak.h"
#include "value.h"

/* a loop is spared by so many other statements before it may go */
#define STALE_STATEMENTS 32

/* executions in which an outer result is looked for */
#define NESTING_CALLS 4

/* matches that prove a loop; see evidence.c for what a match is worth */
#define PROOF_MATCHES 3

/* places that a key may have among those seen; the oldest gives way */
#define SEEN_PROBES 6

/* one page in so many may be shorter: the last one */
#define ODD_PAGES_SHARE 4

/* text that is hashed to tell executions apart whose keys do not */
#define IDENTITY_TEXT 1024

Loop	   *loops_list = NULL;
static int	nloops = 0;			/* in use */
LoopOrphan	loops_orphans[2];


/* -------------------------------------------------------------------------
 * The list of loops
 * -------------------------------------------------------------------------
 */

Size
loops_private_size(void)
{
	return MAXALIGN(sizeof(Loop) * SLOT_LOOPS);
}

void
loops_init(char *memory)
{
	loops_list = (Loop *) memory;
	for (int i = 0; i < SLOT_LOOPS; i++)
	{
		loops_list[i].entry = -1;
		loops_list[i].number = i;
	}
	loops_orphans[0].loop = loops_orphans[1].loop = -1;
	cycle_reset();
}

static inline SlotLoop *
counts_of(const Loop *loop)
{
	return &my_slot->loops[loop->number];
}

static inline UnitEntry *
entry_of(const Loop *loop)
{
	return &my_unit->entries[loop->entry];
}

static void
forget_orphan(const Loop *loop)
{
	for (int i = 0; i < lengthof(loops_orphans); i++)
		if (loops_orphans[i].loop == loop->number)
			loops_orphans[i].loop = -1;
}

/* Others count what this loop has counted: it begins afresh. */
void
loops_yield(Loop *loop)
{
	SlotLoop   *counts = counts_of(loop);

	if (counts->cluster >= 0)
		clusters_detach(counts);
	change_begin(&counts->change);
	memset(&counts->counters, 0, sizeof(counts->counters));
	change_end(&counts->change);
	forget_orphan(loop);
	loop->follow.sample = -1;
	loop->parent = loop->outer = 0;
	loop->tie = TIE_NONE;
	loop->published = loop->acted = false;
	loop->settled = 0;
	loop->nseen = 0;
	memset(loop->seen, 0, sizeof(loop->seen));
	memset(loop->calls_before, 0, sizeof(loop->calls_before));
	memset(&loop->history, 0, sizeof(loop->history));
	loop->search_at = npo_threshold;
	unit_note_news();
}

static void
set_parent(Loop *loop, uint64 parent)
{
	loop->parent = parent;
	if (parent != 0)
		forget_orphan(loop);
}

/* End a loop: its counts go to its cluster, its statement starts afresh. */
static void
end_loop(Loop *loop)
{
	UnitEntry  *entry = entry_of(loop);
	SlotLoop   *counts = counts_of(loop);

	if (npo_pools)
		poolwatch_loop_ends(entry, loop);
	if (counts->cluster >= 0 && counts->counters.calls == 0)
		clusters_detach(counts);
	if (counts->cluster >= 0)
	{
		/* a session keeps what a reset by others has thrown away */
		session_fold(counts);
		clusters_fold(counts);
	}
	forget_orphan(loop);
	unit_note_news();
	entry->loop = -1;
	entry->generation = 0;
	loop->entry = -1;
	nloops--;
}

void
loops_release(UnitEntry *entry)
{
	end_loop(&loops_list[entry->loop]);
}

void
loops_fold_all(void)
{
	for (int i = 0; i < SLOT_LOOPS && nloops > 0; i++)
		if (loops_list[i].entry >= 0)
			end_loop(&loops_list[i]);
	if (cycle_wanted)
		cycle_reset();
}

/* a free loop, or the one longest unused if that is long enough; or NULL */
static Loop *
claim_loop(void)
{
	Loop	   *oldest = NULL;

	for (int i = 0; i < SLOT_LOOPS; i++)
	{
		if (loops_list[i].entry < 0)
			return &loops_list[i];
		if (oldest == NULL || loops_list[i].seq < oldest->seq)
			oldest = &loops_list[i];
	}
	my_slot->dropped++;
	if (my_unit->seq - oldest->seq <= STALE_STATEMENTS)
		return NULL;
	end_loop(oldest);
	return oldest;
}

/* -------------------------------------------------------------------------
 * Telling executions apart
 * -------------------------------------------------------------------------
 */

static uint32
params_identity(ParamListInfo params)
{
	uint32		hash = 1;

	for (int i = 0; params && params->paramFetch == NULL && i < params->numParams; i++)
	{
		const ParamExternData *prm = &params->params[i];

		hash = value_combine(hash, prm->isnull || !OidIsValid(prm->ptype) ?
							 VALUE_UNKNOWN : value_hash_any(prm->value, prm->ptype));
	}
	return hash;
}

/* the text of the statement, for what neither keys nor parameters show */
static uint32
text_identity(const QueryDesc *queryDesc)
{
	const char *text = queryDesc->sourceText;
	int			len = queryDesc->plannedstmt->stmt_len;

	if (text == NULL)
		return VALUE_UNKNOWN;
	if (queryDesc->plannedstmt->stmt_location > 0)
		text += queryDesc->plannedstmt->stmt_location;
	len = len > 0 ? Min(len, IDENTITY_TEXT) : (int) strnlen(text, IDENTITY_TEXT);
	return hash_bytes((const unsigned char *) text, len);
}

/* Do the keys alone tell whether two executions ask for the same? */
static bool
keys_tell_all(const Shape *shape, const KeyValues *values)
{
	if (shape->flags & SHAPE_OPAQUE)
		return false;
	for (int i = 0; i < shape->nkeys; i++)
		if (values->hash[i] == VALUE_UNKNOWN)
			return false;		/* of a type that is no key's, as floats */
	return true;
}

/*
 * One number for all the values of an execution, VALUE_UNKNOWN where there is
 * no telling.  Rows that are inserted are taken as different.
 */
uint32
loops_identity_of_many(const Shape *shape, const QueryDesc *queryDesc, const KeyValues *values)
{
	uint32		identity = 1;

	if (shape->kind == KIND_INSERT || shape->kind == KIND_UPSERT)
		return VALUE_UNKNOWN;
	for (int i = 0; i < shape->nkeys; i++)
		identity = value_combine(identity, values->hash[i]);
	if (!keys_tell_all(shape, values))
		identity = value_combine(value_combine(identity, text_identity(queryDesc)),
								 params_identity(queryDesc->params));
	return identity;
}

/* loops_seen() where there may be room, in one of the next places */
bool
loops_seen_nearby(Loop *loop, uint32 identity)
{
	for (uint32 i = 0; i < SEEN_PROBES; i++)
	{
		uint32	   *place = &loop->seen[(identity + i) % LOOP_SEEN];

		if (*place == identity)
			return true;
		if (*place == VALUE_UNKNOWN)
		{
			*place = identity;
			loop->nseen++;
			return false;
		}
	}
	loop->seen[identity % LOOP_SEEN] = identity;
	return false;
}

/* -------------------------------------------------------------------------
 * Counting
 * -------------------------------------------------------------------------
 */

/* The second execution: what is known of the first becomes the loop. */
static Loop *
start_loop(UnitEntry *entry, const QueryDesc *queryDesc)
{
	Loop	   *loop = claim_loop();
	SlotLoop   *counts;
	KeyValues	first;
	int16		number;

	if (loop == NULL)
		return NULL;
	if ((entry->shape.flags & SHAPE_ROWS_KNOWN) == 0)
		shape_note_rows(queryDesc->plannedstmt, &entry->shape);
	number = loop - loops_list;
	memset(loop, 0, sizeof(*loop));
	loop->number = number;
	loop->entry = entry->number;
	nloops++;
	loop->follow.sample = -1;
	loop->page_rows = entry->first_rows;
	loop->search_at = npo_threshold;
	entry->loop = number;
	memset(&first, 0, sizeof(first));
	memcpy(first.hash, entry->first_hash, sizeof(first.hash));
	if (!entry->first_pooled)
		evidence_note_keys(&loop->history, entry->first_seq, &first);
	if (keys_tell_all(&entry->shape, &first) && !entry->first_pooled)
	{
		loop->identity = loops_identity(&entry->shape, queryDesc, &first);
		loops_seen(loop, loop->identity);
	}

	counts = counts_of(loop);
	change_begin(&counts->change);
	memset(&counts->counters, 0, sizeof(counts->counters));
	counts->cluster = -1;
	counts->counters.calls = entry->first_pooled ? 0 : 1;
	counts->counters.started = entry->first_started;
	counts->counters.ended = my_unit->ended;
	counts->counters.rows = entry->first_rows;
	counts->counters.exec_time = entry->first_exec_time;
	counts->counters.max_exec_time = entry->first_exec_time;
	counts->counters.blks_hit = entry->first_blks_hit;
	counts->counters.blks_read = entry->first_blks_read;
	change_end(&counts->change);
	return loop;
}

/* Note which results began since the last execution, and how many there were. */
static void
note_streams(Loop *loop, int64 calls)
{
	loop->last_stream = evidence_last_stream;
	loop->search_at = 0;
	loop->count_run = 0;
	for (int i = 0; i < SLOT_SAMPLES; i++)
	{
		const Sample *sample = &my_slot->samples[i];
		uint64		first_seq;

		if (sample->stream == loop->streams[i])
			continue;
		loop->streams[i] = sample->stream;
		loop->calls_before[i] = calls;
		/* at the second execution the first may have come after, too */
		first_seq = loop->history.seq[0];
		if (calls == 1 && first_seq > sample->seq)
			loop->calls_before[i] = 0;
	}
}

/* Has every execution looked up the same? */
bool
loops_is_monotonous(const Loop *loop)
{
	return loop->varied == 0 && loop->identity_known && !loop->identity_varied;
}

static inline void
note_variation(Loop *loop, const Shape *shape, const KeyValues *values)
{
	const uint32 *before = loop->history.hash[(loop->history.count - 1) % KEY_HISTORY];

	for (int i = 0; i < shape->nkeys; i++)
		if (values->hash[i] != before[i])
		{
			loop->varied |= 1 << i;
			if (values->batch && shape->keys[i].role == KEY_LIST)
				loop->batch = true;
		}
}

/*
 * What ran before the parent is not of this loop.  The sums of the others
 * are shared out by number, since they were not kept apart.
 */
static void
forget_calls_before(Loop *loop, int64 before)
{
	SlotLoop   *counts = counts_of(loop);
	LoopCounters *c = &counts->counters;
	double		kept;

	if (before <= 0)
		return;
	kept = (double) (c->calls - before) / c->calls;
	change_begin(&counts->change);
	c->calls -= before;
	c->duplicate_calls = Min(c->duplicate_calls, c->calls);
	c->rows = (int64) (c->rows * kept + 0.5);
	c->exec_time = (int64) (c->exec_time * kept + 0.5);
	c->gap_time = (int64) (c->gap_time * kept + 0.5);
	change_end(&counts->change);
	for (int i = 0; i < SLOT_SAMPLES; i++)
		loop->calls_before[i] = Max(loop->calls_before[i] - before, 0);
}

/* -------------------------------------------------------------------------
 * What is no loop
 * -------------------------------------------------------------------------
 */

static bool
key_varies(const Loop *loop, const Shape *shape, bool lists)
{
	for (int i = 0; i < shape->nkeys; i++)
		if ((loop->varied & (1 << i)) != 0 &&
			(shape->keys[i].role == KEY_EQUAL ||
			 (lists && shape->keys[i].role == KEY_LIST)))
			return true;
	return false;
}

/*
 * Reading in pieces: only a range or the OFFSET moves, and every execution
 * but the last returns as many rows.
 */
static bool
reads_pages(const Loop *loop, const Shape *shape)
{
	return loop->varied != 0 && !key_varies(loop, shape, true) &&
		loop->page_rows >= 2 && !KIND_IS_WRITE(shape->kind) &&
		loop->odd_pages * ODD_PAGES_SHARE <= counts_of(loop)->counters.calls;
}

/* the count(*) of a paginator: the same again and again, beside the pages */
static bool
counts_pages(const Loop *loop, const UnitEntry *entry)
{
	if (loop->identity_varied)
		return false;
	for (int i = 0; i < SLOT_LOOPS; i++)
	{
		const Loop *other = &loops_list[i];
		int64		ahead;

		if (other->entry < 0 || other == loop ||
			entry_of(other)->shape.relid != entry->shape.relid ||
			!reads_pages(other, &entry_of(other)->shape))
			continue;
		ahead = counts_of(other)->counters.calls - counts_of(loop)->counters.calls;
		if (ahead >= -1 && ahead <= 1)
			return true;
	}
	return false;
}

static bool
is_eligible(const Loop *loop, const UnitEntry *entry, const KeyValues *values)
{
	const Shape *shape = &entry->shape;

	if (shape->flags & (SHAPE_NOISE | SHAPE_SKIP_LOCKED))
		return false;
	/* many keys at once are the cure, unless it is taken for every row */
	if (((shape->flags & SHAPE_BATCH) != 0 || values->batch || loop->batch) &&
		(loop->batch || !key_varies(loop, shape, false)))
		return false;
	return !reads_pages(loop, shape) && !counts_pages(loop, entry);
}

/* -------------------------------------------------------------------------
 * Ties
 * -------------------------------------------------------------------------
 */

static inline bool
is_power_of_two(int64 n)
{
	return (n & (n - 1)) == 0;
}

/*
 * When to search next, after a result that was followed by so many calls: from
 * the threshold on every time, from twice the threshold at every doubling.
 */
static int64
next_search_after(int64 since)
{
	int64		next = since + 1;

	if (next < npo_threshold)
		return npo_threshold;
	if (next < 2 * (int64) npo_threshold)
		return next;
	return INT64CONST(1) << (pg_leftmost_one_pos64(next - 1) + 1);
}

/* The calls at which some result has been followed by enough of them. */
static void
plan_search(Loop *loop, int64 calls)
{
	loop->search_at = PG_INT64_MAX;
	for (int i = 0; i < SLOT_SAMPLES; i++)
		if (my_slot->samples[i].queryid != 0)
			loop->search_at = Min(loop->search_at, loop->calls_before[i] +
								  next_search_after(calls - loop->calls_before[i]));
}

/* Is a search due at this call? */
static bool
search_is_due(Loop *loop, int64 calls)
{
	if (loop->search_at == 0)
		plan_search(loop, calls - 1);
	if (calls < loop->search_at)
		return false;
	plan_search(loop, calls);
	return true;
}

/* Look for the result whose values the keys are. */
static void
search_evidence(Loop *loop, const UnitEntry *entry, int64 calls)
{
	Candidate	candidates[MAX_CANDIDATES];
	int			n,
				kept = 0;

	n = evidence_search(&loop->history, &entry->shape, entry->queryid,
						Min(npo_threshold, PROOF_MATCHES), candidates);
	/* executions before the parent's do not count */
	for (int i = 0; i < n; i++)
		if (calls - loop->calls_before[candidates[i].follow.sample] >= npo_threshold)
			candidates[kept++] = candidates[i];
	if (kept > 0)
		loop->follow = candidates[classify_choose(candidates, kept, &entry->shape)].follow;
}

/* the sample of the outermost result that a statement is repeated for */
static int
outermost_sample(uint64 queryid, int sample)
{
	for (int depth = 0; depth < SLOT_LOOPS; depth++)
	{
		const UnitEntry *entry = unit_find_entry(queryid);
		const Loop *loop = entry != NULL && entry->loop >= 0 ? &loops_list[entry->loop] : NULL;
		int			outer;

		if (loop == NULL)
			break;
		queryid = loop->parent != 0 ? loop->parent : loop->outer;
		outer = queryid != 0 ? evidence_find_sample(queryid) : -1;
		if (outer < 0)
			break;
		sample = outer;
	}
	return sample;
}

/*
 * The values have told the parent: count from it, or from what it is repeated
 * for itself, and let it know.
 */
static void
adopt_parent(Loop *loop, uint64 parent, int sample)
{
	UnitEntry  *entry = unit_find_entry(parent);

	forget_calls_before(loop, loop->calls_before[outermost_sample(parent, sample)]);
	evidence_protect(sample, my_unit->seq);
	set_parent(loop, parent);
	if (entry != NULL)
		entry->is_parent = true;
}

static Tie
tie_by_values(const Loop *loop)
{
	const Follow *follow = &loop->follow;

	if (follow->sample < 0)
		return TIE_NONE;
	return follow->matches >= PROOF_MATCHES ? TIE_VALUES : TIE_TWO_VALUES;
}

/* the sample of what was read right before this unbroken run, -1: none */
static int
sample_before_run(const Loop *loop, const UnitEntry *entry)
{
	if (evidence_samples == 0 || KIND_IS_WRITE(entry->shape.kind) ||
		entry->run < npo_threshold)
		return -1;
	for (int i = 0; i < SLOT_SAMPLES; i++)
	{
		const Sample *sample = &my_slot->samples[i];

		if (sample->queryid != 0 && sample->queryid != entry->queryid &&
			sample->last_seq == entry->seq - entry->run)
			return i;
	}
	return -1;
}

/*
 * An unbroken run of reads as long as the result that was read right before
 * it.  Returns the sample, -1: none.
 */
static int
sample_as_long_as_run(Loop *loop, const UnitEntry *entry)
{
	int			number = sample_before_run(loop, entry);
	int64		rows;

	if (number < 0)
		return -1;
	rows = my_slot->samples[number].rows;
	/* it may become that long: look again then */
	loop->count_run = (uint32) Min(rows, PG_UINT32_MAX);
	return rows == entry->run &&
		!evidence_contradicts(&loop->history, &entry->shape, number) ? number : -1;
}

/* An UPDATE or DELETE without a key is not made for one row after the other. */
static bool
writes_single_rows(const Shape *shape)
{
	if (shape->kind == KIND_INSERT || shape->kind == KIND_UPSERT)
		return true;
	for (int i = 0; i < shape->nkeys; i++)
		if (KIND_IS_WRITE(shape->kind) && shape->keys[i].role <= KEY_LIST)
			return true;
	return false;
}

/* Ties that need no values.  Only what is tied is counted. */
static Tie
tie_by_company(Loop *loop, const UnitEntry *entry, int64 calls, bool nested)
{
	int			sample;

	if (entry->xact_calls >= npo_threshold && (nested || IsTransactionBlock()))
	{
		forget_calls_before(loop, calls - entry->xact_calls);
		return TIE_XACT;
	}
	if (cycle_upserts(entry->queryid) >= 2)
		return TIE_CYCLE;
	if (writes_single_rows(&entry->shape) && entry->run >= npo_threshold)
	{
		forget_calls_before(loop, calls - entry->run);
		return TIE_RUN;
	}
	sample = sample_as_long_as_run(loop, entry);
	if (sample < 0)
		return TIE_REPETITION;
	adopt_parent(loop, my_slot->samples[sample].queryid, sample);
	return TIE_COUNT;
}

/* What ties the executions so far together, that of now included. */
static Tie
weigh_ties(Loop *loop, const UnitEntry *entry, int64 calls, bool nested)
{
	Tie			tie;

	if (loop->follow.sample < 0 && search_is_due(loop, calls))
	{
		search_evidence(loop, entry, calls);
		if (loop->follow.sample >= 0)
			adopt_parent(loop, loop->follow.queryid, loop->follow.sample);
	}
	tie = tie_by_values(loop);
	if (tie != TIE_NONE)
		return tie;
	if (loop->tie > TIE_COUNT)
		return loop->tie;		/* see loops_has_ended() */
	set_parent(loop, 0);
	return tie_by_company(loop, entry, calls, nested);
}

Confidence
loops_confidence(const Loop *loop)
{
	switch (loop->tie)
	{
		case TIE_NONE:
			return CONFIDENCE_NONE;
		case TIE_REPETITION:
			return CONFIDENCE_SUSPECTED;
		case TIE_VALUES:
			return CONFIDENCE_PROVEN;
		default:
			return CONFIDENCE_LIKELY;
	}
}

/*
 * Do the first keys walk a result further out?  That is too little to make a
 * loop, but enough to take the rows of these executions together, and what
 * is repeated for each of them.
 */
static void
note_nesting(Loop *loop, UnitEntry *entry)
{
	Candidate	candidates[MAX_CANDIDATES];

	if (evidence_search(&loop->history, &entry->shape, entry->queryid, 2, candidates) > 0)
	{
		loop->outer = candidates[0].follow.queryid;
		entry->keeps_singles = true;
	}
}

/* the rows of all executions of the parent that this loop is repeated for */
static int64
parent_rows(const Loop *loop)
{
	const UnitEntry *entry = unit_find_entry(loop->parent);
	const Loop *parent = entry != NULL && entry->loop >= 0 ? &loops_list[entry->loop] : NULL;
	int			sample;

	if (parent != NULL && (parent->outer != 0 || parent->parent != 0))
		return counts_of(parent)->counters.rows;
	sample = evidence_find_sample(loop->parent);
	if (sample < 0)
		return 0;
	return Max(my_slot->samples[sample].rows, (int64) my_slot->samples[sample].total);
}

/* Have there been as many executions as the parent has rows? */
static bool
has_read_all(const Loop *loop)
{
	return counts_of(loop)->counters.calls >= parent_rows(loop);
}

static bool
has_walked_through(const Loop *loop, const KeyValues *values)
{
	return !evidence_is_next(&loop->follow, values->hash[loop->follow.key]) &&
		evidence_is_at_end(&loop->follow, values, has_read_all(loop));
}

/*
 * Has what tied the loop together come to its end before this execution?
 * Then it is the first of something else.
 */
bool
loops_has_ended(const UnitEntry *entry, const KeyValues *values)
{
	const Loop *loop = &loops_list[entry->loop];

	switch (loop->tie)
	{
		case TIE_XACT:
			return entry->xact_calls == 1;
		case TIE_RUN:
		case TIE_COUNT:
			return entry->run == 1;
		case TIE_CYCLE:
			return cycle_upserts(entry->queryid) == 0;
		case TIE_TWO_VALUES:
		case TIE_VALUES:
			return has_walked_through(loop, values);
		default:
			return false;
	}
}

static void
note_parent_rows(Loop *loop)
{
	SlotLoop   *counts = counts_of(loop);
	int64		rows;

	if (loop->parent == 0)
		return;
	rows = parent_rows(loop);
	if (rows <= counts->counters.parent_rows)
		return;
	change_begin(&counts->change);
	counts->counters.parent_rows = rows;
	change_end(&counts->change);
}

/* -------------------------------------------------------------------------
 * One execution
 * -------------------------------------------------------------------------
 */

/* A cluster that was reset under its loop begins again with this statement. */
static void
begin_after_reset(Loop *loop)
{
	SlotLoop   *counts = counts_of(loop);

	loop->resets = clusters_resets();
	if (clusters_is_attached(counts))
		return;
	session_fold(counts);
	change_begin(&counts->change);
	counts->cluster = -1;
	memset(&counts->counters, 0, sizeof(counts->counters));
	counts->counters.started = counts->counters.ended = my_unit->ended;
	change_end(&counts->change);
	loop->published = false;
}

/* Go on with the evidence that was found, or start looking again. */
static void
follow_evidence(Loop *loop, const KeyValues *values)
{
	Follow	   *follow = &loop->follow;

	if (follow->sample < 0)
		return;
	evidence_follow(follow, values);
	if (evidence_is_refuted(follow))
	{
		follow->sample = -1;
		set_parent(loop, 0);
		loop->tie = TIE_REPETITION;
		loop->search_at = 0;
		loop->news = unit_news - 1;
		return;
	}
	evidence_protect(follow->sample, my_unit->seq);
}

/* How many published loops are around this one, each the parent of the next? */
static int
count_outer(const Loop *loop)
{
	uint64		queryid = loop->parent;
	int			n = 0;

	while (queryid != 0 && n < SLOT_SAMPLES)
	{
		const UnitEntry *entry = unit_find_entry(queryid);
		const Loop *outer = entry != NULL && entry->loop >= 0 ? &loops_list[entry->loop] : NULL;

		if (outer == NULL || !outer->published || outer->follow.sample < 0)
			break;
		n++;
		queryid = outer->parent;
	}
	return n;
}

/*
 * An inner loop is long known when the one around it becomes one: then the
 * way to load its rows is longer than was said.
 */
static void
note_outer(Loop *loop, UnitEntry *entry, QueryDesc *queryDesc)
{
	int			n = count_outer(loop);

	if (n <= loop->told_outer)
		return;
	loop->told_outer = n;
	detect_publish(entry, loop, counts_of(loop), queryDesc);
	unit_note_news();
}

/* Is what has been published of the loop still what is known of it? */
static bool
is_published_so(const Loop *loop)
{
	const SlotLoop *counts = counts_of(loop);

	return counts->parent_queryid == loop->parent &&
		counts->confidence == loops_confidence(loop);
}

/*
 * Publish the loop, or move it, when its ties have changed.  Both may have
 * consequences for the loops around it and inside it.
 */
static void
publish(Loop *loop, UnitEntry *entry, QueryDesc *queryDesc, int64 calls)
{
	loop->monotonous = loops_is_monotonous(loop);
	note_parent_rows(loop);
	loop->told_outer = count_outer(loop);
	detect_publish(entry, loop, counts_of(loop), queryDesc);
	if (!loop->published)
		loop->publish_at = calls * 2;
	else
		unit_note_news();
	loop->news = unit_news;
}

/* Weigh what ties the loop together, and make known what has changed. */
static void
reconsider(Loop *loop, UnitEntry *entry, QueryDesc *queryDesc,
		   const KeyValues *values, bool nested)
{
	int64		calls = counts_of(loop)->counters.calls;

	loop->news = unit_news;
	if (loop->monotonous && !loops_is_monotonous(loop))
		loop->published = false;	/* another pattern than it seemed */
	if (loop->tie == TIE_VALUES && loop->published)
	{
		note_parent_rows(loop);
		note_outer(loop, entry, queryDesc);
		return;
	}
	loop->tie = weigh_ties(loop, entry, calls, nested);
	entry->keeps_singles = loop->tie > TIE_REPETITION || loop->outer != 0;
	if (loop->published ? is_published_so(loop) : calls < loop->publish_at)
		return;
	if (is_eligible(loop, entry, values))
		publish(loop, entry, queryDesc, calls);
}

/*
 * Can there be anything new about a loop that is published?  Asked at every
 * execution, while reconsider() costs as much as several.
 */
static inline bool
has_news(const Loop *loop, const UnitEntry *entry, int64 calls)
{
	if (loop->news != unit_news || (loop->monotonous && loop->identity_varied))
		return true;
	if (loop->tie >= TIE_XACT)
		return loop->tie != TIE_VALUES && calls >= loop->search_at;
	return calls >= loop->search_at || loop->tie == TIE_COUNT ||
		entry->run == loop->count_run || entry->run == npo_threshold ||
		entry->xact_calls >= npo_threshold || cycle_write != 0;
}

/*
 * Are the keys needed one by one?  Not where they walk a result for sure, nor
 * where there is none to walk and all of them are known to vary.
 */
static inline bool
wants_history(const Loop *loop, const Shape *shape)
{
	if (evidence_samples == 0 && loop->published)
		return false;
	if (loop->varied != (1 << shape->nkeys) - 1 || (shape->flags & SHAPE_BATCH) != 0)
		return true;
	return loop->follow.sample >= 0 ? loop->follow.weak : evidence_samples > 0;
}

/* Can the ties of this loop change only in ways that settle() foresees? */
static bool
can_settle(const Loop *loop, const UnitEntry *entry)
{
	const Shape *shape = &entry->shape;

	if (!loop->published || loop->news != unit_news || loop->batch ||
		(shape->flags & SHAPE_BATCH) != 0 || cycle_upserts(entry->queryid) > 0)
		return false;
	for (int i = 0; i < shape->nkeys; i++)
		if (shape->keys[i].role == KEY_LIST)
			return false;
	if (loop->follow.sample >= 0)
		return loop->tie == TIE_VALUES && !loop->follow.weak;
	return loop->tie == TIE_REPETITION || loop->tie == TIE_RUN || loop->tie == TIE_XACT;
}

/* The runs in which nothing happens, from this one on. */
static void
settle_run(Loop *loop, const UnitEntry *entry)
{
	loop->run_low = 0;
	loop->run_range = PG_UINT32_MAX;
	if (loop->tie == TIE_RUN)
		loop->run_low = 2;		/* broken, it ends */
	else if (loop->tie == TIE_REPETITION && entry->run < npo_threshold)
		loop->run_range = npo_threshold - 1;
	else if (loop->tie == TIE_REPETITION)
	{
		loop->run_low = npo_threshold + 1;
		if (loop->count_run > entry->run)
			loop->run_range = loop->count_run - 1 - loop->run_low;
	}
	loop->run_range = Min(loop->run_range, PG_UINT32_MAX - loop->run_low);
}

/*
 * Most executions of a loop change nothing but its counts, and that is known
 * beforehand: until the counts reach a bound, until the transaction or the
 * run is another, or until something happens elsewhere (unit_news).
 */
static void
settle(Loop *loop, const UnitEntry *entry)
{
	const Sample *sample;

	loop->settled = 0;
	if (!can_settle(loop, entry) || poolwatch_is_busy(entry))
		return;
	loop->settled = unit_news;
	loop->wants_history = wants_history(loop, &entry->shape);
	loop->xact_low = loop->tie == TIE_XACT ? 2 : 1;
	loop->xact_range = loop->tie == TIE_REPETITION ? npo_threshold - 2 :
		PG_INT32_MAX;
	settle_run(loop, entry);
	loop->settled_until = PG_INT64_MAX;
	if (loop->follow.sample < 0)
	{
		if (evidence_samples > 0)
			loop->settled_until = loop->search_at - 1;
		return;
	}
	sample = &my_slot->samples[loop->follow.sample];
	if (sample->truncated)
		loop->settled_until = counts_of(loop)->counters.parent_rows;
}

/*
 * Count an execution that is about to start and is not the first in its unit
 * of work.  False when there is no room to follow it.
 */
bool
loops_count(UnitEntry *entry, QueryDesc *queryDesc, const KeyValues *values,
			TimestampTz now, bool nested)
{
	Loop	   *loop = entry->loop >= 0 ? &loops_list[entry->loop] : start_loop(entry, queryDesc);
	uint32		identity;
	int64		calls;
	bool		walks;

	if (loop == NULL)
		return false;
	loop->seq = my_unit->seq;
	if (loop->parent == 0)
		loops_note_orphan(loop);
	if (loop->published && loop->resets != clusters_resets())
		begin_after_reset(loop);
	if (loop->last_stream != evidence_last_stream)
		note_streams(loop, counts_of(loop)->counters.calls);
	identity = loops_identity(&entry->shape, queryDesc, values);
	loops_note_identity(loop, identity);
	if (wants_history(loop, &entry->shape))
	{
		note_variation(loop, &entry->shape, values);
		evidence_note_keys(&loop->history, my_unit->seq, values);
	}
	walks = loop->follow.sample >= 0 &&
		(evidence_is_next(&loop->follow, values->hash[loop->follow.key]) ||
		 evidence_is_beyond(&loop->follow));
	follow_evidence(loop, values);

	/* what it says here counts, whoever counts the execution */
	if (!nested && poolwatch_take(entry, loop, queryDesc, values, now, walks))
	{
		/* what has been given back may be enough to be listed */
		if (!loop->published && counts_of(loop)->counters.calls >= npo_threshold)
			reconsider(loop, entry, queryDesc, values, nested);
		return false;
	}
	calls = loops_count_call(loop, loops_seen(loop, identity), now);

	if (calls <= NESTING_CALLS && evidence_samples > 0 && loop->outer == 0)
		note_nesting(loop, entry);
	if (loop->published ? has_news(loop, entry, calls) :
		calls >= npo_threshold || loop->tie != TIE_NONE)
		reconsider(loop, entry, queryDesc, values, nested);
	settle(loop, entry);
	return true;
}

/* loops_note_rows() where it is another number than most times */
void
loops_note_odd_rows(Loop *loop, int64 rows)
{
	loop->odd_pages++;
	loop->page_rows = Max(loop->page_rows, rows);
}

/* -------------------------------------------------------------------------
 * Loops in loops
 * -------------------------------------------------------------------------
 */

/*
 * Do the rows of this execution continue those of the one before?  They do
 * when the statement is a loop's child itself, and when it has been repeated
 * without anything in between.
 */
bool
loops_chain_rows(const UnitEntry *entry)
{
	if (entry->loop < 0)
		return false;
	return entry->run >= 2 || loops_list[entry->loop].outer != 0 ||
		loops_confidence(&loops_list[entry->loop]) >= CONFIDENCE_LIKELY;
}

/*
 * Is there somebody whose keys the single rows of this loop may be: one that
 * follows them, or has run since they began to come and follows nothing?
 */
static inline bool
is_wanted(const Loop *loop, const UnitEntry *entry)
{
	const LoopOrphan *orphan = &loops_orphans[loops_orphans[0].loop == loop->number ? 1 : 0];

	return entry->is_parent ||
		(orphan->loop >= 0 && orphan->seq > entry->first_seq);
}

/*
 * One row alone is evidence only where many executions give one each, or
 * where it continues the rows of those before.  While nobody is there to use
 * it, only the first of them are kept.
 */
bool
loops_keep_single_row(const UnitEntry *entry)
{
	const Loop *loop = entry->loop >= 0 ? &loops_list[entry->loop] : NULL;

	/* a number of rows is nobody's key */
	if (loop == NULL ||
		(entry->shape.kind >= KIND_COUNT && entry->shape.kind <= KIND_AGGREGATE))
		return false;
	if (loop->tie <= TIE_REPETITION)
		return loop->outer != 0 && evidence_find_sample(entry->queryid) >= 0;
	return loop->singles < SINGLES_AHEAD || is_wanted(loop, entry) ||
		(entry->shape.flags & SHAPE_SINGLE_ROW) == 0;
}

/* A single row is about to be kept.  Is it the last for the time being? */
bool
loops_is_last_single(const UnitEntry *entry)
{
	Loop	   *loop = &loops_list[entry->loop];

	if (is_wanted(loop, entry) || ++loop->singles < SINGLES_AHEAD)
		return false;
	streak.sampled = false;
	return true;
}

/* Is this the parent of the loop, or a parent of its parent? */
static bool
descends_from(const Loop *loop, uint64 ancestor)
{
	uint64		parent = loop->parent;

	for (int depth = 0; depth < SLOT_LOOPS && parent != 0; depth++)
	{
		UnitEntry  *entry;

		if (parent == ancestor)
			return true;
		entry = unit_find_entry(parent);
		parent = entry != NULL && entry->loop >= 0 ? loops_list[entry->loop].parent : 0;
	}
	return false;
}

/*
 * The parent of loops is executed again: they have ended, unless it is
 * itself in a loop, which then goes on with all that is in it.
 */
void
loops_parent_again(UnitEntry *parent)
{
	if (loops_chain_rows(parent))
		return;
	for (int i = 0; i < SLOT_LOOPS; i++)
		if (loops_list[i].entry >= 0 && descends_from(&loops_list[i], parent->queryid))
			end_loop(&loops_list[i]);
	parent->is_parent = false;
}
