/*-------------------------------------------------------------------------
 *
 * loops.h
 *	  Repeated statements: counting them, and what ties them together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_LOOPS_H
#define PG_NPLUSONE_LOOPS_H

#include "settings.h"
#include "unit.h"

#define LOOP_SEEN 64			/* different keys remembered per loop */

/* what ties the executions of a loop together, from weak to strong */
typedef enum Tie
{
	TIE_NONE,					/* no loop yet */
	TIE_REPETITION,				/* only that it is repeated */
	TIE_COUNT,					/* as many as the rows read right before */
	TIE_RUN,					/* writes with nothing in between */
	TIE_CYCLE,					/* select-then-write in turn */
	TIE_XACT,					/* one explicit transaction */
	TIE_TWO_VALUES,				/* keys from a result, too few to prove it */
	TIE_VALUES					/* keys from a result, in order */
} Tie;

/*
 * The private part of a loop; its counters are in the slot, under the same
 * number.
 */
typedef struct Loop
{
	int16		entry;			/* -1: unused */
	int16		number;			/* its place in the list */
	bool		batch;			/* its list of keys varies */
	bool		published;		/* has a cluster */
	bool		acted;			/* has been reported */
	uint8		varied;			/* bit per key place that has changed */
	uint8		tie;			/* Tie */
	uint8		singles;		/* executions whose only row was kept unasked */
	uint8		nseen;			/* of "seen" in use */
	uint32		news;			/* unit_news when its ties were weighed last */
	uint32		count_run;		/* run at which it is as long as a result */
	int64		search_at;		/* calls at which evidence is searched for next */
	uint64		parent;			/* queryid of the parent, 0: none */
	uint64		outer;			/* the same, by two keys only: a hint */
	uint64		seq;			/* of its latest execution */
	int64		page_rows;		/* rows that the fullest execution gave */
	int32		odd_pages;		/* executions that gave another number */
	int64		publish_at;		/* calls at which to try again, when full */
	uint32		identity;		/* of its latest execution */
	bool		identity_known;	/* two of them have been compared */
	bool		identity_varied;
	bool		monotonous;		/* was published as always the same */
	uint8		told_outer;		/* loops around it that its advice knows of */
	uint32		resets;			/* of the cluster table, when published */
	Follow		follow;
	/* where nothing is to be weighed; see settle() in loops.c */
	uint32		settled;		/* unit_news then, 0: not settled */
	uint32		xact_low;		/* xact_calls of the entry, and how many more */
	uint32		xact_range;
	uint32		run_low;		/* the same of its run */
	uint32		run_range;
	int64		settled_until;	/* number of calls */
	bool		wants_history;
	uint32		last_stream;	/* when the streams below were noted */
	uint32		streams[SLOT_SAMPLES];
	int64		calls_before[SLOT_SAMPLES]; /* calls when that stream began */
	KeyHistory	history;
	uint32		seen[LOOP_SEEN];
} Loop;

extern Size loops_private_size(void);
extern void loops_init(char *memory);
extern Loop *loops_get(int number);
extern bool loops_count(UnitEntry *entry, QueryDesc *queryDesc,
						const KeyValues *values, TimestampTz now, bool nested);
extern bool loops_is_settled(const UnitEntry *entry, const KeyValues *values);
extern void loops_count_settled(const UnitEntry *entry,
								const QueryDesc *queryDesc,
								const KeyValues *values, TimestampTz now);
extern bool loops_goes_on(Loop *loop, uint32 run, uint32 xact_calls, uint32 key);
extern void loops_count_one(Loop *loop, uint32 key, TimestampTz now);
extern void loops_note_rows(Loop *loop, int64 rows);
extern void loops_end_run(UnitEntry *entry, const RunUsage *usage,
						  const Execution *execution, bool first_run);
extern bool loops_chain_rows(const UnitEntry *entry);
extern bool loops_keep_single_row(const UnitEntry *entry);
extern bool loops_is_last_single(const UnitEntry *entry);
extern bool loops_is_monotonous(const Loop *loop);
extern Confidence loops_confidence(const Loop *loop);
extern bool loops_has_ended(const UnitEntry *entry, const KeyValues *values);
extern void loops_parent_again(UnitEntry *parent);
extern void loops_release(UnitEntry *entry);
extern void loops_fold_all(void);

/* Is there anything to see in the rows?  One row alone rarely says a thing. */
static inline bool
loops_is_sampled(const UnitEntry *entry)
{
	return (entry->shape.flags & SHAPE_SINGLE_ROW) == 0 ||
		(entry->keeps_singles && loops_keep_single_row(entry));
}

#endif							/* PG_NPLUSONE_LOOPS_H */
