/*-------------------------------------------------------------------------
 *
 * candidates.h
 *	  Indexes that a statement might be glad of, from its expression trees.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_CANDIDATES_H
#define PG_NPLUSONE_CANDIDATES_H

#include "whatif.h"

/* Indexes that are tried together: one, or one for each arm of an OR */
typedef struct Candidate
{
	List	   *indexes;		/* of WhatifIndex */
	bool		partial;
} Candidate;

/* What is wrong where no index is the answer; the gravest is shown */
typedef enum FindingKind
{
	FINDING_DECLINED,			/* an index is there, and rightly not used */
	FINDING_FUNCTION,			/* a function on an indexed column */
	FINDING_PARTIAL,			/* a partial index whose predicate is not met */
	FINDING_OPCLASS,			/* an index with another operator class */
	FINDING_COLLATION,			/* an index with another collation */
	FINDING_INFIX,				/* a pattern that needs pg_trgm */
	FINDING_CTE,				/* a filter above a materialized CTE */
	FINDING_STABLE,				/* a STABLE function on the column's side */
	FINDING_ANY_COLUMN,			/* const = ANY(column) */
	FINDING_TYPE,				/* the column is cast to the value's type */
	FINDING_OFFSET,				/* a deep OFFSET */
	FINDING_INVALID				/* the index exists, but is INVALID */
} FindingKind;

typedef struct Finding
{
	FindingKind kind;
	Oid			relid;			/* InvalidOid: of the statement as a whole */
	char	   *text;
} Finding;

/* What one planning of a statement has shown */
typedef struct Candidates
{
	List	   *candidates;		/* of Candidate, the likely ones first */
	List	   *findings;		/* of Finding */
	List	   *literals;		/* conjuncts that no parameter can change */
	bool		literal_pass;	/* collecting those only */
	bool		all_literal;	/* the statement has no parameters */
	double		offset;			/* the deepest OFFSET of the statement */
} Candidates;

extern PlannedStmt *candidates_collect(Candidates *into, Query *query,
									   const char *query_string,
									   int cursorOptions,
									   ParamListInfo boundParams,
									   WhatifPlanner planner);

#endif							/* PG_NPLUSONE_CANDIDATES_H */
