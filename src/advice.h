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
	TableColumn parent;
	TableColumn child;
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

extern char *advice_write(const AdviceFacts *facts);

#endif							/* PG_NPLUSONE_ADVICE_H */
