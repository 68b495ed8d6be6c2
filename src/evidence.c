/*-------------------------------------------------------------------------
 *
 * evidence.c
 *	  Samples of results, and whether a loop's keys came from one of them.
 *
 * Owns the samples in this backend's slot.  Rows are copied, as fingerprints,
 * while the executor hands them to their receiver, since the rows of a cursor
 * are used before it is done.  Only the first rows are taken, and a receiver
 * is left alone again as soon as they are.  A result of one row is no
 * evidence: it is not kept, unless its statement is the child of a loop
 * itself; then the rows of all its executions make one stream.
 *
 * Other sessions look at the samples, too, for loops that are spread over
 * several (poolwatch.c).  For them a sample that its owner has left, since its
 * request goes on elsewhere or since the statement ran again, stays until
 * its place is needed.
 *
 * Matching is in order: a loop walks the parent's rows, so that its keys are
 * the values of a column from top to bottom, perhaps with repeats and gaps.
 * How much an order says is weighed in bits against keys drawn at random
 * from the same column.
 *
 * Single writer, no lock; see slots.h for readers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"

#include "compat.h"
#include "evidence.h"
#include "hooks.h"
#include "pool.h"
#include "poolwatch.h"
#include "requests.h"
#include "settings.h"
#include "texts.h"
#include "traces.h"
#include "unit.h"
#include "value.h"

/* bits that a match gains, see weigh_step() */
#define SHARE_NEXT_ROW 0.8
#define SHARE_LATER_ROW 0.2
#define WEIGHT_REPEAT (-0.5f)
#define WEIGHT_MISS (-5.0f)
#define WEIGHT_ENOUGH 8.0f
#define WEIGHT_ENOUGH_FROM_TOP 3.5f
#define WEIGHT_ENOUGH_FOR_TWO 1.0f

/*
 * So many different keys in the order of their rows come about by chance once
 * in 40320 times, however far apart the rows are.
 */
#define ORDER_ENOUGH 8

/* a walk that few rows have shown is sure after so many */
#define SURE_MATCHES 8

/* samples that make room only when they are idle */
#define SPARED_SAMPLES (SLOT_SAMPLES / 2)

/* a sample that so many statements have not looked at may make room for any */
#define IDLE_STATEMENTS 256

/* a result is left to others if the statement runs again this soon */
#define LEFT_AGE USECS_PER_SEC

/* one miss in so many comparisons is forgiven */
#define FORGIVEN_SHARE 8

uint64		evidence_used[SLOT_SAMPLES];
uint32		evidence_last_stream = 0;
int			evidence_samples = 0;

/* -------------------------------------------------------------------------
 * Taking samples
 * -------------------------------------------------------------------------
 */

/* Leave a sample; others may read it unless nothing is "left" of it. */
static void
leave_sample(Sample *sample, bool left)
{
	change_begin(&sample->change);
	sample->left = !left ? 0 : sample->queryid != 0 ? sample->queryid : sample->left;
	sample->queryid = 0;
	if (!left)
		sample->total = 0;
	change_end(&sample->change);
}

/*
 * The unit of work ends, and its results are no evidence any more, but for
 * the same request in other sessions.
 */
void
evidence_reset(void)
{
	if (evidence_samples == 0)
		return;
	evidence_samples = 0;
	for (int i = 0; i < SLOT_SAMPLES; i++)
	{
		Sample	   *sample = &my_slot->samples[i];

		evidence_used[i] = 0;
		/* what an earlier unit has left for its request stays */
		if (sample->queryid != 0 ||
			(sample->left != 0 && my_slot->origins[i] == my_slot->origin))
			leave_sample(sample, requests_traced());
	}
}

int
evidence_find_sample(uint64 queryid)
{
	for (int i = 0; i < SLOT_SAMPLES; i++)
		if (my_slot->samples[i].queryid == queryid)
			return i;
	return -1;
}

/*
 * Columns whose values may be keys; those of the usual key types first.  Of
 * rows that come one by one, and mostly lead nowhere, only those.
 */
static void
choose_columns(Sampler *sampler, TupleDesc tupdesc)
{
	sampler->ncolumns = 0;
	sampler->last_column = 0;
	for (int likely = 1; likely >= (sampler->singles ? 1 : 0); likely--)
		for (int i = 0; i < tupdesc->natts && sampler->ncolumns < SAMPLE_COLUMNS; i++)
		{
			Form_pg_attribute att = TupleDescAttr(tupdesc, i);
			ValueClass	class = value_class(att->atttypid, att->attlen, att->attbyval);
			SampleColumn *column;

			if (i >= PG_UINT8_MAX)
				break;
			if (class == VALUE_NONE || VALUE_IS_LIKELY_KEY(class) != likely)
				continue;
			column = &sampler->columns[sampler->ncolumns++];
			column->relid = InvalidOid;
			column->attnum = 0;
			column->resno = i + 1;
			sampler->last_column = Max(sampler->last_column, i + 1);
			column->class = class;
		}
}

/* Where the sampled columns come from, as the parser noted it. */
static void
trace_columns(Sample *sample, const PlannedStmt *pstmt)
{
	int			resno = 0;
	ListCell   *lc;

	foreach(lc, pstmt->planTree->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		resno++;
		for (int i = 0; i < sample->ncolumns; i++)
			if (sample->columns[i].resno == resno)
			{
				sample->columns[i].relid = tle->resorigtbl;
				sample->columns[i].attnum = tle->resorigcol;
			}
	}
}

/* the place among these that has been looked at least recently */
static int
longest_unused(int first, int end)
{
	int			oldest = first;

	for (int i = first + 1; i < end; i++)
		if (evidence_used[i] < evidence_used[oldest])
			oldest = i;
	return oldest;
}

/* the free place among these that was left first; -1: none */
static int
free_sample(int first, int end)
{
	int			best = -1;

	for (int i = first; i < end; i++)
	{
		const Sample *sample = &my_slot->samples[i];

		if (sample->queryid != 0)
			continue;
		if (sample->left == 0)
			return i;
		if (best < 0 || sample->started < my_slot->samples[best].started)
			best = i;
	}
	return best;
}

/*
 * A statement runs again whose rows others may be walking: the new ones go
 * to a free place, if there is one that is spared as this one is.
 */
static int
move_sample(int number, TimestampTz now)
{
	Sample	   *sample = &my_slot->samples[number];
	int			first = number < SPARED_SAMPLES ? 0 : SPARED_SAMPLES;
	int			place;

	if (!npo_pools || sample->total < 2 || now - sample->started > LEFT_AGE)
		return number;
	place = free_sample(first, first + SPARED_SAMPLES);
	if (place < 0)
		return number;
	leave_sample(sample, true);
	return place;
}

/*
 * The sample to write to: the statement's own, a free one, else the one that
 * has been unused for longest.  The first lists of a unit of work are spared
 * for a while, since it may read twenty others for each of their rows.  Rows
 * that come one by one, and may lead nowhere, spare all; -1 then.
 */
static int
claim_sample(uint64 queryid, uint64 seq, bool single)
{
	int			own = evidence_find_sample(queryid);
	int			oldest;

	if (own >= 0)
		return own;
	oldest = free_sample(0, SLOT_SAMPLES);
	if (oldest >= 0)
	{
		evidence_samples++;
		return oldest;
	}
	oldest = longest_unused(0, SLOT_SAMPLES);
	if (seq - evidence_used[oldest] >= IDLE_STATEMENTS)
		return oldest;
	return single ? -1 : longest_unused(SPARED_SAMPLES, SLOT_SAMPLES);
}

/* Begin a stream of rows with this execution. */
static void
start_stream(Sample *sample, const Sampler *sampler)
{
	const Execution *execution = sampler->execution;
	const PlannedStmt *pstmt = execution->queryDesc->plannedstmt;

	sample->queryid = execution->queryid;
	sample->server_queryid = NPO_SERVER_QUERYID(execution->queryid, pstmt);
	sample->stream = ++evidence_last_stream;
	sample->left = 0;
	my_slot->origins[sample - my_slot->samples] = my_slot->origin;
	unit_note_news();
	sample->seq = execution->seq;
	sample->total = 0;
	sample->truncated = false;
	sample->ncolumns = sampler->ncolumns;
	sample->capacity = Min(npo_sample_rows, SAMPLE_CELLS / sampler->ncolumns);
	memcpy(sample->columns, sampler->columns, sampler->ncolumns * sizeof(SampleColumn));
	trace_columns(sample, pstmt);
	sample->text = texts_keep(execution->queryDesc->sourceText,
							  pstmt->stmt_location, pstmt->stmt_len);
}

/* Begin to store: in a fresh stream, or at the end of the one that is there. */
static void
open_sample(Sampler *sampler)
{
	const Execution *execution = sampler->execution;
	int			number = claim_sample(execution->queryid, execution->seq,
									  sampler->seen == 1 && sampler->keep_single);
	Sample	   *sample;
	bool		begins;

	if (number < 0)
	{
		sampler->full = true;
		return;
	}
	sample = &my_slot->samples[number];
	begins = sample->queryid != execution->queryid ||
		sample->ncolumns != sampler->ncolumns || !unit_chains_rows(execution);
	if (begins && sample->queryid == execution->queryid)
	{
		number = move_sample(number, execution->started);
		sample = &my_slot->samples[number];
	}
	sampler->sample = number;
	evidence_used[number] = execution->seq;
	change_begin(&sample->change);
	if (begins)
		start_stream(sample, sampler);
	sample->last_seq = execution->seq;
	sample->batch = sample->total;
	sample->started = execution->started;
	change_end(&sample->change);
}

/* What a receiver for the client unpacks as a whole is unpacked at once here. */
static inline void
unpack_row(const Sampler *sampler, TupleTableSlot *slot)
{
	if (sampler->all_attributes)
		slot_getallattrs(slot);
	else
		slot_getsomeattrs(slot, sampler->last_column);
}

static inline uint32
hash_column(const SampleColumn *column, const TupleTableSlot *slot)
{
	int			i = column->resno - 1;
	Datum		value = slot->tts_values[i];
	uint32		hash = VALUE_UNKNOWN;

	if (slot->tts_isnull[i])
		return VALUE_UNKNOWN;
	if (column->class == VALUE_INT4)
		return value_hash_integer(DatumGetInt32(value));
	if (column->class == VALUE_TEXT)
		hash = value_hash_name(value);
	return hash != VALUE_UNKNOWN ? hash : value_hash(value, column->class);
}

/* Keep a row that had to wait whether there is a second. */
static void
store_first(const Sampler *sampler, Sample *sample)
{
	change_begin(&sample->change);
	for (int i = 0; i < sample->ncolumns; i++)
		sample->cells[i * sample->capacity + sample->total % sample->capacity] =
			sampler->first[i];
	sample->total++;
	change_end(&sample->change);
}

static void
store_row(Sampler *sampler, TupleTableSlot *slot)
{
	Sample	   *sample = &my_slot->samples[sampler->sample];
	const SampleColumn *column = sampler->columns;
	const SampleColumn *end = column + sampler->ncolumns;
	uint32		total = sample->total;
	uint32		capacity = sample->capacity;
	uint32	   *cell = &sample->cells[total < capacity ? total : total % capacity];

	unpack_row(sampler, slot);
	change_begin(&sample->change);
	for (; column < end; column++, cell += capacity)
		*cell = hash_column(column, slot);
	sample->total = ++total;
	change_end(&sample->change);
	sampler->full = (total - sample->batch >= capacity);
}

/*
 * The first row alone is no evidence: it waits for a second, unless it
 * belongs to a stream.  Where the execution before gave one row at most, the
 * first is not even looked at.  Says whether that is all for this row.
 */
static bool
keep_waiting(Sampler *sampler, TupleTableSlot *slot)
{
	if (sampler->seen == 1 && sampler->skip_first)
		return true;
	if (sampler->ncolumns == 0)
	{
		choose_columns(sampler, slot->tts_tupleDescriptor);
		sampler->full = (sampler->ncolumns == 0);
	}
	if (sampler->full || sampler->seen > 1 || sampler->keep_single)
		return sampler->full;
	unpack_row(sampler, slot);
	for (int i = 0; i < sampler->ncolumns; i++)
		sampler->first[i] = hash_column(&sampler->columns[i], slot);
	return true;
}

/* A row that comes before there is a sample. */
static pg_noinline void
take_early_row(Sampler *sampler, TupleTableSlot *slot)
{
	sampler->seen++;
	if (keep_waiting(sampler, slot))
		return;
	open_sample(sampler);
	if (sampler->full)
		return;
	if (sampler->seen == 2 && !sampler->skip_first && !sampler->keep_single)
		store_first(sampler, &my_slot->samples[sampler->sample]);
	store_row(sampler, slot);
}

static inline void
take_row(Sampler *sampler, TupleTableSlot *slot)
{
	if (sampler->sample >= 0)
		store_row(sampler, slot);
	else
		take_early_row(sampler, slot);
}

/* the client's receiver's own function, while it has ours */
static bool (*client_receive) (TupleTableSlot *slot, DestReceiver *self);

/* and the meter of the run that it belongs to, once the sample is full */
static HeavyMeter *client_meter;

/* The sample is full: does the meter want the rows behind it? */
static bool
start_meter(Sampler *sampler, TupleTableSlot *slot)
{
	return heavy_start(&sampler->meter, sampler->execution->queryDesc,
					   slot->tts_tupleDescriptor,
					   sampler->ncolumns > 0 ? 1 : npo_sample_rows);
}

/* Count the rows behind the sample, and measure a few.  Most cost a compare. */
static bool
receive_metered(TupleTableSlot *slot, DestReceiver *self)
{
	if (!heavy_pass_row(client_meter, slot))
		self->receiveSlot = client_receive;
	return client_receive(slot, self);
}

/*
 * Stand in for the receiver's own function.  When enough rows have been seen
 * its own function is put back, so that the rest of a large result costs
 * nothing.
 */
static bool
receive_in_place(TupleTableSlot *slot, DestReceiver *self)
{
	Sampler    *sampler = hooks_current_sampler();
	bool		(*receive) (TupleTableSlot *, DestReceiver *);

	receive = sampler != NULL ? sampler->receive : client_receive;
	if (sampler != NULL && !sampler->full)
		take_row(sampler, slot);
	if (sampler == NULL || sampler->full)
		self->receiveSlot = receive;
	if (sampler != NULL && sampler->full && start_meter(sampler, slot))
	{
		client_meter = &sampler->meter;
		self->receiveSlot = receive_metered;
	}
	return receive(slot, self);
}

/* Receivers that are constants, or change their function, are wrapped. */
static Sampler *
proxy_sampler(DestReceiver *self)
{
	return (Sampler *) ((char *) self - offsetof(Sampler, proxy));
}

static bool
receive_by_proxy(TupleTableSlot *slot, DestReceiver *self)
{
	Sampler    *sampler = proxy_sampler(self);

	if (sampler->full)
		sampler->meter.active = sampler->meter.active &&
			heavy_pass_row(&sampler->meter, slot);
	else
	{
		take_row(sampler, slot);
		if (sampler->full)
			start_meter(sampler, slot);
	}
	return sampler->target->receiveSlot(slot, sampler->target);
}

static void
start_by_proxy(DestReceiver *self, int operation, TupleDesc typeinfo)
{
	DestReceiver *target = proxy_sampler(self)->target;

	target->rStartup(target, operation, typeinfo);
}

static void
shutdown_by_proxy(DestReceiver *self)
{
	DestReceiver *target = proxy_sampler(self)->target;

	target->rShutdown(target);
}

static void
destroy_by_proxy(DestReceiver *self)
{
	DestReceiver *target = proxy_sampler(self)->target;

	target->rDestroy(target);
}

/*
 * Put the sampler between the executor and the receiver of its rows, for one
 * ExecutorRun.  The caller ends it with evidence_stop_sampling(), unless an
 * error ends the life of the receiver.
 */
void
evidence_start_sampling(Sampler *sampler, QueryDesc *queryDesc)
{
	DestReceiver *dest = queryDesc->dest;

	sampler->target = dest;
	sampler->all_attributes = false;
	if (dest->mydest == DestRemote || dest->mydest == DestRemoteExecute)
	{
		sampler->all_attributes = true;
		sampler->receive = client_receive = dest->receiveSlot;
		dest->receiveSlot = receive_in_place;
		return;
	}
	sampler->receive = NULL;
	sampler->proxy.receiveSlot = receive_by_proxy;
	sampler->proxy.rStartup = start_by_proxy;
	sampler->proxy.rShutdown = shutdown_by_proxy;
	sampler->proxy.rDestroy = destroy_by_proxy;
	sampler->proxy.mydest = dest->mydest;
	queryDesc->dest = &sampler->proxy;
}

void
evidence_stop_sampling(Sampler *sampler, QueryDesc *queryDesc)
{
	if (sampler->receive == NULL)
		queryDesc->dest = sampler->target;
	else if (sampler->target->receiveSlot == receive_in_place ||
			 sampler->target->receiveSlot == receive_metered)
		sampler->target->receiveSlot = sampler->receive;
}

/*
 * After a successful run of a sampler that has kept rows: note how many there
 * were in all.
 */
void
evidence_finish_sampling(const Sampler *sampler, int64 rows)
{
	Sample	   *sample = &my_slot->samples[sampler->sample];

	if (sample->queryid != sampler->execution->queryid)
		return;					/* a nested statement took it over */
	change_begin(&sample->change);
	sample->rows = rows;
	if (rows > (int64) sample->total - sample->batch || sampler->truncates)
		sample->truncated = true;
	change_end(&sample->change);
	if (pool_may_lead(sample->queryid))
		poolwatch_parent_done(sample);
	if (requests_traced() && sample->total >= 2)
		traces_note_result(my_slot->origin, NPO_MY_SLOT());
}

/* -------------------------------------------------------------------------
 * Matching
 * -------------------------------------------------------------------------
 */

/* the rows of a sample that are held, numbered as in its stream */
static inline int64
first_row(const Sample *sample)
{
	return sample->total > sample->capacity ?
		(int64) sample->total - sample->capacity : 0;
}

static inline uint32
cell(const Sample *sample, int column, int64 row)
{
	return sample->cells[column * sample->capacity + row % sample->capacity];
}

/* the first row at or after "from" whose value is the key, -1: none */
static int64
find_key(const Sample *sample, int column, int64 from, uint32 key)
{
	const uint32 *cells = &sample->cells[column * sample->capacity];
	int64		row = Max(from, first_row(sample));
	uint32		at = row % sample->capacity;

	for (; row < sample->total; row++)
	{
		if (cells[at] == key)
			return row;
		if (++at == sample->capacity)
			at = 0;
	}
	return -1;
}

/*
 * The row that a key takes a walk to: the next one, the same once more, or
 * the nearest one further down; -1 where there is none.
 */
static int64
step_to(const Sample *sample, int column, int64 row, uint32 key)
{
	int64		first = first_row(sample);

	if (row >= first - 1 && row + 1 < sample->total &&
		cell(sample, column, row + 1) == key)
		return row + 1;
	if (row >= first && row < sample->total && cell(sample, column, row) == key)
		return row;
	return find_key(sample, column, row + 1, key);
}

bool
evidence_has_value(const Sample *sample, int column, uint32 value)
{
	return value != VALUE_UNKNOWN && find_key(sample, column, 0, value) >= 0;
}

/* the share of the sample's rows that have this value */
static float
key_share(const Sample *sample, int column, uint32 key)
{
	const uint32 *cells = &sample->cells[column * sample->capacity];
	int			held = Min(sample->total, sample->capacity);
	int			n = 0;

	int			i = 0;

	for (; i + 4 <= held; i += 4)
		n += (cells[i] == key) + (cells[i + 1] == key) +
			(cells[i + 2] == key) + (cells[i + 3] == key);
	for (; i < held; i++)
		n += (cells[i] == key);
	return (float) n / held;
}

/*
 * How far a walk goes from one row to another.  A program that keeps what it
 * has read passes over rows whose value has come by already, so they are no
 * gap; but then it does not ask for such a value itself.
 */
static int64
step_length(const Sample *sample, int column, int64 row, int64 next)
{
	int64		first = first_row(sample);
	int64		length = 1;

	if (next <= row + 1)
		return next > row ? 1 : 0;
	if (find_key(sample, column, first, cell(sample, column, next)) < next)
		return next - row;
	for (int64 passed = row + 1; passed < next; passed++)
		if (find_key(sample, column, first, cell(sample, column, passed)) == passed)
			length++;
	return length;
}

/*
 * How much more likely a loop takes this step than a random key does, in
 * bits.  Most steps of a loop go to the next row; one over several rows is
 * the less telling the further it goes.
 */
static float
weigh_step(int64 gap, float share)
{
	if (gap == 0)
		return WEIGHT_REPEAT;
	if (gap == 1)
		return log2f(SHARE_NEXT_ROW / share);
	return log2f(SHARE_LATER_ROW / ((float) gap * (gap - 1) * share));
}

void
evidence_note_keys(KeyHistory *history, uint64 seq, const KeyValues *values)
{
	int			i = history->count++ % KEY_HISTORY;

	history->seq[i] = seq;
	memcpy(history->hash[i], values->hash, sizeof(history->hash[i]));
}

/* the same for a statement that has one key */
void
evidence_note_key(KeyHistory *history, uint64 seq, uint32 key)
{
	int			i = history->count++ % KEY_HISTORY;

	history->seq[i] = seq;
	history->hash[i][0] = key;
}

/* Walk the keys that came after the sample through one of its columns. */
static void
weigh_column(const Sample *sample, int column, const KeyHistory *history,
			 int key, Candidate *candidate)
{
	uint64		oldest = (history->count > KEY_HISTORY ?
						  history->count - KEY_HISTORY : 0);
	bool		from_start = (oldest == 0);
	int64		row = first_row(sample) - 1;
	bool		started = false;
	int			advances = 0;
	bool		from_top = from_start;

	candidate->weight = 0;
	candidate->follow.matches = candidate->follow.misses = 0;
	for (uint64 n = oldest; n < history->count; n++)
	{
		int			i = n % KEY_HISTORY;
		uint32		hash = history->hash[i][key];
		int64		next;

		if (history->seq[i] <= sample->seq)
		{
			from_start = true;
			continue;
		}
		next = hash == VALUE_UNKNOWN ? -1 : step_to(sample, column, row, hash);
		if (next >= 0)
		{
			float		share = key_share(sample, column, hash);

			from_top = (from_start || started) && from_top && next - row <= 1;
			/* the only row of its value, and further down */
			advances += next > row &&
				share * (sample->total - first_row(sample)) < 1.5f;
			/* where a walk that began unseen stands says nothing yet */
			if (started || from_start)
				candidate->weight +=
					weigh_step(step_length(sample, column, row, next), share);
			candidate->follow.matches++;
			started = true;
			row = next;
		}
		else if (!sample->truncated)
		{
			candidate->weight += WEIGHT_MISS;
			candidate->follow.misses++;
			from_top = false;
		}
	}
	if (advances >= ORDER_ENOUGH && candidate->follow.misses == 0)
		candidate->weight = Max(candidate->weight, WEIGHT_ENOUGH);
	candidate->follow.weak = candidate->weight < WEIGHT_ENOUGH;
	candidate->from_top = from_top;
	candidate->follow.row = row;
}

/*
 * Few keys are enough when they are the values of the first rows, one by one;
 * what such a walk is worth shows at the next keys.
 */
static bool
is_enough(const Candidate *candidate, int wanted)
{
	uint32		matches = candidate->follow.matches;
	uint32		misses = candidate->follow.misses;

	if (matches < wanted || misses * FORGIVEN_SHARE > matches + misses)
		return false;
	return candidate->weight >= WEIGHT_ENOUGH ||
		(wanted < 3 && candidate->weight >= WEIGHT_ENOUGH_FOR_TWO) ||
		(candidate->from_top && candidate->weight >= WEIGHT_ENOUGH_FROM_TOP);
}

/* the latest key: a column without it need not be walked */
static uint32
latest_key(const KeyHistory *history, int key)
{
	return history->hash[(history->count - 1) % KEY_HISTORY][key];
}

static int
search_sample(int number, const KeyHistory *history, const Shape *shape,
			  int wanted, Candidate *candidates, int n)
{
	const Sample *sample = &my_slot->samples[number];

	for (int key = 0; key < shape->nkeys; key++)
	{
		uint32		latest = latest_key(history, key);

		if (!ROLE_IS_KEY(shape->keys[key].role) || latest == VALUE_UNKNOWN)
			continue;
		for (int column = 0; column < sample->ncolumns && n < MAX_CANDIDATES; column++)
		{
			Candidate  *candidate = &candidates[n];

			if (find_key(sample, column, 0, latest) < 0)
				continue;
			weigh_column(sample, column, history, key, candidate);
			if (!is_enough(candidate, wanted))
				continue;
			candidate->follow.sample = number;
			candidate->follow.column = column;
			candidate->follow.key = key;
			candidate->follow.queryid = sample->queryid;
			candidate->follow.stream = sample->stream;
			n++;
		}
	}
	return n;
}

/*
 * All the columns, of all the results before it, that the keys of a repeated
 * statement walk through.  "wanted" is the number of matches asked for.
 */
int
evidence_search(const KeyHistory *history, const Shape *shape, uint64 queryid,
				int wanted, Candidate *candidates)
{
	int			n = 0;

	if (npo_sample_rows == 0 || history->count == 0)
		return 0;
	for (int i = 0; i < SLOT_SAMPLES; i++)
	{
		const Sample *sample = &my_slot->samples[i];

		/* one row is never the parent of a loop */
		if (sample->queryid != 0 && sample->queryid != queryid && sample->total >= 2)
			n = search_sample(i, history, shape, wanted, candidates, n);
	}
	return n;
}

/* The key is not that of the next row: where does it take the walk? */
void
evidence_step(Follow *follow, const KeyValues *values)
{
	const Sample *sample = &my_slot->samples[follow->sample];
	uint32		key = values->hash[follow->key];
	int64		row;

	if (sample->queryid != follow->queryid || key == VALUE_UNKNOWN)
		return;					/* nothing to compare with */
	if (sample->stream != follow->stream)
	{
		follow->stream = sample->stream;
		follow->row = -1;
	}
	row = step_to(sample, follow->column, follow->row, key);
	if (row >= 0)
	{
		follow->row = row;
		follow->matches++;
	}
	else if (!sample->truncated)
		follow->misses++;
}

/* Has a walk that few rows have shown missed a row since? */
bool
evidence_is_refuted(const Follow *follow)
{
	return follow->weak && follow->misses > 0 && follow->matches < SURE_MATCHES;
}

/*
 * Has the walk come to the end of the result, and does this key lead nowhere
 * from there?  Then the statement is asked for something else now.  Where not
 * all rows were kept "all_read" says that there were as many executions.
 */
bool
evidence_is_at_end(const Follow *follow, const KeyValues *values, bool all_read)
{
	const Sample *sample = &my_slot->samples[follow->sample];
	bool		at_end;

	if (sample->queryid != follow->queryid)
		return false;
	at_end = sample->truncated ? all_read :
		sample->stream == follow->stream && follow->row + 1 >= sample->total;
	return at_end &&
		step_to(sample, follow->column, follow->row, values->hash[follow->key]) < 0;
}

/* how many different keys the history has, and how many of them a column */
static void
count_distinct(const Sample *sample, int column, const KeyHistory *history,
			   int key, int *distinct, int *found)
{
	int			held = Min(history->count, KEY_HISTORY);

	*distinct = *found = 0;
	for (int i = 0; i < held; i++)
	{
		bool		again = false;

		for (int j = 0; j < i && !again; j++)
			again = history->hash[j][key] == history->hash[i][key];
		if (again)
			continue;
		(*distinct)++;
		if (find_key(sample, column, 0, history->hash[i][key]) >= 0)
			(*found)++;
	}
}

/*
 * Do the keys come from a column of this result, but out of order?  Then the
 * statements were asked for one by one, and their number says nothing.
 */
bool
evidence_contradicts(const KeyHistory *history, const Shape *shape, int number)
{
	const Sample *sample = &my_slot->samples[number];
	Candidate	walk;

	for (int key = 0; key < shape->nkeys; key++)
		for (int column = 0; column < sample->ncolumns; column++)
		{
			int			distinct,
						found;

			if (!ROLE_IS_KEY(shape->keys[key].role))
				continue;
			count_distinct(sample, column, history, key, &distinct, &found);
			if (distinct < 2 || found * 2 < distinct)
				continue;
			weigh_column(sample, column, history, key, &walk);
			if (walk.follow.misses > 0)
				return true;
		}
	return false;
}
