/*-------------------------------------------------------------------------
 *
 * rewrite.h
 *	  The one statement that replaces a loop.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_REWRITE_H
#define PG_NPLUSONE_REWRITE_H

#include "nodes/params.h"
#include "nodes/parsenodes.h"

#include "clusters.h"
#include "shape.h"

/* what is known of the loop whose statement is rewritten */
typedef struct RewriteFacts
{
	Pattern		pattern;
	const Shape *shape;
	int			key;			/* the key that varies, -1: none is known */
	uint8		varied;			/* bit per key place that has changed */
	ParamListInfo params;		/* of the present execution */
} RewriteFacts;

extern char *rewrite_statement(Query *query, const RewriteFacts *facts);

#endif							/* PG_NPLUSONE_REWRITE_H */
