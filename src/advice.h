/*-------------------------------------------------------------------------
 *
 * advice.h
 *	  What to change, in the words of the ORM that wrote the statements.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_ADVICE_H
#define PG_NPLUSONE_ADVICE_H

#include "nodes/parsenodes.h"

#include "classify.h"
#include "orm.h"

#define ADVICE_BYTES 480		/* an advice is no longer than this */
#define ADVICE_STEPS 4			/* loops around the loop */

/* a turn of an outer loop: the column its key came from, and the key's */
typedef struct LinkStep
{
	TableColumn	parent;
	TableColumn	child;
} LinkStep;

typedef struct AdviceFacts
{
	Orm			orm;
	const Classification *found;
	const LoopFacts *loop;
	const Query *query;			/* the statement, NULL: could not be read */
	int			nouter;			/* the loops around it, outermost first */
	LinkStep	outer[ADVICE_STEPS];
} AdviceFacts;

/* what there is to say; a pattern is one of them or leads to several */
typedef enum AdviceKind
{
	ADVICE_FORWARD,				/* a row that this one references */
	ADVICE_REVERSE,				/* the rows that reference this one */
	ADVICE_MANY,				/* rows through a table that links */
	ADVICE_POLYMORPHIC,
	ADVICE_DEFERRED,			/* columns of the same row */
	ADVICE_COUNT,
	ADVICE_EXISTS,
	ADVICE_AGGREGATE,
	ADVICE_GROUPED,				/* the three above without a parent */
	ADVICE_FIRST,
	ADVICE_LOOKUP,
	ADVICE_DUPLICATE,
	ADVICE_FOR_UPDATE,
	ADVICE_INSERT,
	ADVICE_UPDATE,
	ADVICE_UPDATE_IN_PLACE,		/* the new value follows from the old */
	ADVICE_DELETE,
	ADVICE_UPSERT,
	ADVICE_OTHER,
	ADVICE_KINDS
} AdviceKind;

extern char *advice_write(const AdviceFacts *facts);

/* advice_table.c */
extern const char *advice_template(AdviceKind kind, Orm orm);
extern const char *advice_lead(AdviceKind kind);

#endif							/* PG_NPLUSONE_ADVICE_H */
