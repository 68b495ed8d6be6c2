/*-------------------------------------------------------------------------
 *
 * relfacts.h
 *	  What one planning knows of one relation, sorted for making indexes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_RELFACTS_H
#define PG_NPLUSONE_RELFACTS_H

#include "candidates.h"

typedef enum KeyUse
{
	KEY_EQUAL,
	KEY_RANGE,
	KEY_JOIN,
	KEY_ORDER,
	KEY_OTHER
} KeyUse;

/* A key that a clause could be looked up by */
typedef struct RelKey
{
	WhatifKey	key;
	Oid			amoid;
	KeyUse		use;
	double		sel;			/* share of the rows that the clause keeps */
	double		distinct;
	bool		lowcard;		/* boolean, null test, two values: never leads */
	Node	   *clause;			/* Vars have varno 1 */
	Relids		others;			/* of a join: the other side's relations */
} RelKey;

/* The indexes of one OR: a list of lists of RelKey, one for each arm */
typedef struct RelFacts
{
	PlannerInfo *root;
	RelOptInfo *rel;
	Oid			relid;
	double		tuples;			/* partitions counted in */
	Candidates *into;
	List	   *equal;			/* of RelKey */
	List	   *range;
	List	   *join;
	List	   *order;
	List	   *other;
	List	   *partial;		/* literal conjuncts that few rows meet */
	List	   *ors;			/* of List (one OR) of List (an arm) of RelKey */
	bool		arm;			/* inside an OR: keys only */
} RelFacts;

extern void relfacts_clause(RelFacts *facts, Node *clause, double sel,
							bool join);
extern void relfacts_collect(RelFacts *facts);
extern bool relfacts_same_key(const WhatifKey *a, const WhatifKey *b);
extern void relfacts_finding(RelFacts *facts, FindingKind kind,
							 const char *fmt,...) pg_attribute_printf(3, 4);

#endif							/* PG_NPLUSONE_RELFACTS_H */
