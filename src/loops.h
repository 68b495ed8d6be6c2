/*-------------------------------------------------------------------------
 *
 * loops.h
 *	  Repeated statements: counting them, and what ties them together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_LOOPS_H
#define PG_NPLUSONE_LOOPS_H

#include "clusters.h"
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
	int64		search_at;		/* calls at which evidence is searched for
								 * next */
	uint64		parent;			/* queryid of the parent, 0: none */
	uint64		outer;			/* the same, by two keys only: a hint */
	uint64		seq;			/* of its latest execution */
	int64		page_rows;		/* rows that the fullest execution gave */
	int32		odd_pages;		/* executions that gave another number */
	int64		publish_at;		/* calls at which to try again, when full */
	uint32		identity;		/* of its latest execution */
	bool		identity_known; /* two of them have been compared */
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

/*
 * Loops that belong to no result (yet): rows of another loop may turn out to
 * be what they follow.  These are the two that ran last.
 */
typedef struct LoopOrphan
{
	int			loop;			/* its number, -1: none */
	uint64		seq;			/* of its latest execution */
} LoopOrphan;

extern Loop *loops_list;
extern LoopOrphan loops_orphans[2];

/* different keys up to which those seen are looked for in many places */
#define SEEN_SPARSE (LOOP_SEEN * 3 / 4)

extern Size loops_private_size(void);
extern void loops_init(char *memory);
extern bool loops_count(UnitEntry *entry, QueryDesc *queryDesc,
						const KeyValues *values, TimestampTz now, bool nested);
extern uint32 loops_identity_of_many(const Shape *shape,
									 const QueryDesc *queryDesc,
									 const KeyValues *values);
extern bool loops_seen_nearby(Loop *loop, uint32 identity);
extern void loops_note_odd_rows(Loop *loop, int64 rows);
extern bool loops_chain_rows(const UnitEntry *entry);
extern bool loops_keep_single_row(const UnitEntry *entry);
extern bool loops_is_last_single(const UnitEntry *entry);
extern bool loops_is_monotonous(const Loop *loop);
extern Confidence loops_confidence(const Loop *loop);
extern bool loops_has_ended(const UnitEntry *entry, const KeyValues *values);
extern void loops_parent_again(UnitEntry *parent);
extern void loops_release(UnitEntry *entry);
extern void loops_yield(Loop *loop);
extern void loops_fold_all(void);

static inline Loop *
loops_get(int number)
{
	return &loops_list[number];
}

/* Is there anything to see in the rows?  One row alone rarely says a thing. */
static inline bool
loops_is_sampled(const UnitEntry *entry)
{
	return (entry->shape.flags & SHAPE_SINGLE_ROW) == 0 ||
		(entry->keeps_singles && loops_keep_single_row(entry));
}

static inline void
loops_note_orphan(const Loop *loop)
{
	if (loops_orphans[0].loop != loop->number)
	{
		loops_orphans[1] = loops_orphans[0];
		loops_orphans[0].loop = loop->number;
	}
	loops_orphans[0].seq = loop->seq;
}

/*
 * Has this loop looked the same up before?  Remember it if not.  When many
 * are remembered, the latest are, and one place is looked at.
 */
static inline bool
loops_seen(Loop *loop, uint32 identity)
{
	uint32	   *home = &loop->seen[identity % LOOP_SEEN];

	if (identity == VALUE_UNKNOWN)
		return false;
	if (*home == identity)
		return true;
	if (loop->nseen < SEEN_SPARSE)
		return loops_seen_nearby(loop, identity);
	*home = identity;
	return false;
}

/* Each counter is one word, and may be ahead of the others by one execution. */
static inline int64
loops_count_call(Loop *loop, bool duplicate, TimestampTz now)
{
	LoopCounters *c = &my_slot->loops[loop->number].counters;
	int64		gap = now - my_unit->ended;

	if (duplicate)
		c->duplicate_calls++;
	if (gap > 0)
		c->gap_time += gap;
	return ++c->calls;
}

/* An execution has given so many rows. */
static inline void
loops_note_rows(Loop *loop, int64 rows)
{
	if (rows != loop->page_rows)
		loops_note_odd_rows(loop, rows);
}

/* A run is done, of an execution that has taken so long in all its runs. */
static inline void
loops_add_run(Loop *loop, const RunUsage *usage, int64 exec_time)
{
	LoopCounters *c = &my_slot->loops[loop->number].counters;

	c->ended = usage->ended;
	c->rows += usage->rows;
	c->exec_time += usage->exec_time;
	if (exec_time > c->max_exec_time)
		c->max_exec_time = exec_time;
	c->blks_hit += usage->blks_hit;
	c->blks_read += usage->blks_read;
}

/* Does the walk go on with this key, as far as anybody can tell? */
static inline bool
loops_keeps_pace(Loop *loop, uint32 key)
{
	Follow	   *follow = &loop->follow;

	if (follow->sample < 0)
		return true;
	if (evidence_is_next(follow, key))
	{
		follow->row++;
		follow->matches++;
	}
	else if (!evidence_is_beyond(follow))
		return false;
	evidence_protect(follow->sample, my_unit->seq);
	return true;
}

/*
 * Does an execution with this run and this key change nothing about a loop
 * that is settled but its counts?
 */
static inline bool
loops_goes_on(Loop *loop, uint32 run, uint32 xact_calls, uint32 key)
{
	return my_slot->loops[loop->number].counters.calls < loop->settled_until &&
		xact_calls - loop->xact_low <= loop->xact_range &&
		run - loop->run_low <= loop->run_range &&
		loop->resets == clusters_resets() &&
		(loop->identity_varied || key == loop->identity || key == VALUE_UNKNOWN) &&
		loops_keeps_pace(loop, key);
}

/* Is this execution, of whatever keys, one more that changes nothing else? */
static inline bool
loops_is_settled(Loop *loop, uint32 run, uint32 xact_calls, const KeyValues *values)
{
	return loop->settled == unit_news &&
		loops_goes_on(loop, run, xact_calls,
					  loop->follow.sample >= 0 ? values->hash[loop->follow.key] :
					  VALUE_UNKNOWN);
}

/*
 * One number for all the values of an execution, VALUE_UNKNOWN where there is
 * no telling.  A single key, as most statements have, is its own identity.
 */
static inline uint32
loops_identity(const Shape *shape, const QueryDesc *queryDesc, const KeyValues *values)
{
	if ((shape->flags & SHAPE_KEY_TELLS) != 0 && values->hash[0] != VALUE_UNKNOWN)
		return values->hash[0];
	return loops_identity_of_many(shape, queryDesc, values);
}

static inline void
loops_note_identity(Loop *loop, uint32 identity)
{
	if (loop->identity_varied)
		return;
	if (loop->identity != VALUE_UNKNOWN && identity != VALUE_UNKNOWN)
	{
		loop->identity_known = true;
		loop->identity_varied |= identity != loop->identity;
	}
	loop->identity = identity;
}

/* Count an execution that loops_is_settled() has let pass. */
static pg_attribute_always_inline void
loops_count_settled(Loop *loop, const Shape *shape, const QueryDesc *queryDesc,
					const KeyValues *values, TimestampTz now)
{
	uint32		identity = loops_identity(shape, queryDesc, values);

	loop->seq = my_unit->seq;
	if (loop->parent == 0)
		loops_note_orphan(loop);
	if (loop->wants_history)
		evidence_note_keys(&loop->history, my_unit->seq, values);
	if (!loop->identity_varied && identity != loop->identity)
		loop->settled = 0;
	loops_note_identity(loop, identity);
	loops_count_call(loop, loops_seen(loop, identity), now);
}

#endif							/* PG_NPLUSONE_LOOPS_H */
