/*-------------------------------------------------------------------------
 *
 * classify.h
 *	  What kind of loop it is, and which columns link it to its parent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_CLASSIFY_H
#define PG_NPLUSONE_CLASSIFY_H

#include "executor/execdesc.h"

#include "clusters.h"
#include "evidence.h"
#include "shape.h"

typedef struct TableColumn
{
	Oid			relid;			/* InvalidOid: unknown */
	AttrNumber	attnum;
} TableColumn;

/* what is known of a loop when it is classified */
typedef struct LoopFacts
{
	const QueryDesc *queryDesc;
	const Shape *shape;
	int			key;			/* the key that varies, -1: none is known */
	TableColumn parent;			/* the column whose values the key takes */
	const Sample *sample;		/* the parent's result, NULL: no parent */
	const KeyHistory *history;	/* latest values at the key places */
	bool		same_keys;		/* every execution looked up the same */
	bool		upsert;			/* a turn of select-then-write */
} LoopFacts;

typedef struct Classification
{
	Pattern		pattern;
	TableColumn parent;			/* the two ends of the link; */
	TableColumn child;			/* relid is InvalidOid where there is none */
} Classification;

extern void classify_loop(const LoopFacts *facts, Classification *result);
extern int	classify_choose(const Candidate *candidates, int n,
							const Shape *shape);
extern int	classify_rank(Oid relid, AttrNumber attnum, const Shape *shape,
						  int key);
extern char *classify_link(const Classification *result);

#endif							/* PG_NPLUSONE_CLASSIFY_H */
