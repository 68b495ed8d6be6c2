/*-------------------------------------------------------------------------
 *
 * evidence.h
 *	  Samples of results, and whether a loop's keys came from one of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_EVIDENCE_H
#define PG_NPLUSONE_EVIDENCE_H

#include "executor/execdesc.h"
#include "tcop/dest.h"

#include "heavy.h"
#include "shape.h"
#include "slots.h"

#define KEY_HISTORY 8			/* latest executions whose keys are kept */

/* the keys of the latest executions of a repeated statement */
typedef struct KeyHistory
{
	uint64		count;			/* executions ever noted */
	uint64		seq[KEY_HISTORY];
	uint32		hash[KEY_HISTORY][SHAPE_KEYS];
} KeyHistory;

/* which column of which sample a key follows, and how well */
typedef struct Follow
{
	int8		sample;			/* -1: none */
	uint8		column;
	uint8		key;
	uint64		queryid;		/* of the sample's statement */
	uint32		stream;
	bool		weak;			/* goes by few rows, and ends at a miss */
	int64		row;			/* number of the row last matched, -1: none */
	uint32		matches;
	uint32		misses;
} Follow;

/* one way to explain the keys */
typedef struct Candidate
{
	Follow		follow;
	float		weight;			/* bits by which order beats chance */
	bool		from_top;		/* the first rows, one by one */
} Candidate;

#define MAX_CANDIDATES 8

/* rows of the run that is under way, on their way into a sample */
typedef struct Sampler
{
	const struct Execution *execution;
	int			sample;			/* -1 until there is a second row */
	bool		skip_first;		/* the last execution gave one row at most */
	bool		keep_single;	/* even one row belongs in the stream */
	bool		singles;		/* there is never more than one */
	bool		truncates;		/* the next ones will not be kept */
	bool		full;
	bool		all_attributes; /* the receiver wants them anyway */
	int64		seen;			/* rows that have come by */
	int			ncolumns;
	int			last_column;	/* of the row, that is kept */
	/* what the executor was to send rows to */
	DestReceiver *target;
	bool		(*receive) (TupleTableSlot *slot, DestReceiver *self);
	/* only what is counted above is set in these */
	SampleColumn columns[SAMPLE_COLUMNS];
	uint32		first[SAMPLE_COLUMNS];
	DestReceiver proxy;
	HeavyMeter	meter;			/* of the rows behind the sample, see heavy.h */
} Sampler;

/*
 * So many single rows of a loop's executions are kept while nothing is
 * repeated that might use them.
 */
#define SINGLES_AHEAD 8

/* the stream that began last, and how many samples there are */
extern uint32 evidence_last_stream;
extern int	evidence_samples;

extern void evidence_reset(void);
extern void evidence_start_sampling(Sampler *sampler, QueryDesc *queryDesc);
extern void evidence_stop_sampling(Sampler *sampler, QueryDesc *queryDesc);
extern void evidence_finish_sampling(const Sampler *sampler, int64 rows);
extern void evidence_note_key(KeyHistory *history, uint64 seq, uint32 key);
extern void evidence_note_keys(KeyHistory *history, uint64 seq,
							   const KeyValues *values);
extern int	evidence_search(const KeyHistory *history, const Shape *shape,
							uint64 queryid, int wanted, Candidate *candidates);
extern void evidence_step(Follow *follow, const KeyValues *values);
extern bool evidence_is_refuted(const Follow *follow);
extern bool evidence_is_at_end(const Follow *follow, const KeyValues *values,
							   bool all_read);
extern bool evidence_contradicts(const KeyHistory *history, const Shape *shape,
								 int sample);
extern bool evidence_has_value(const Sample *sample, int column, uint32 value);
extern int	evidence_find_sample(uint64 queryid);

/* number of the statement that has looked at each sample last */
extern uint64 evidence_used[SLOT_SAMPLES];

/* Keep a sample from being replaced while a loop uses it. */
static inline void
evidence_protect(int sample, uint64 seq)
{
	evidence_used[sample] = seq;
}

/* Is the key that of the next row of the walk, as in a plain loop? */
static inline bool
evidence_is_next(const Follow *follow, uint32 key)
{
	const Sample *sample = &my_slot->samples[follow->sample];
	int64		next = follow->row + 1;

	return sample->queryid == follow->queryid && sample->stream == follow->stream &&
		next < sample->total && next + sample->capacity >= sample->total &&
		sample->cells[follow->column * sample->capacity + next % sample->capacity] == key &&
		key != VALUE_UNKNOWN;
}

/* Has the walk come to the last row that was kept, and not to the last row? */
static inline bool
evidence_is_beyond(const Follow *follow)
{
	const Sample *sample = &my_slot->samples[follow->sample];

	return sample->truncated && sample->queryid == follow->queryid &&
		sample->stream == follow->stream && follow->row + 1 >= sample->total;
}

/* Go on with a walk that has been found. */
static inline void
evidence_follow(Follow *follow, const KeyValues *values)
{
	if (evidence_is_next(follow, values->hash[follow->key]))
	{
		follow->row++;
		follow->matches++;
	}
	else
		evidence_step(follow, values);
}

#endif							/* PG_NPLUSONE_EVIDENCE_H */
