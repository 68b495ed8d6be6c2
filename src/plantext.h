/*-------------------------------------------------------------------------
 *
 * plantext.h
 *	  A plan in words, without the statement's values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_PLANTEXT_H
#define PG_NPLUSONE_PLANTEXT_H

#include "nodes/plannodes.h"

extern void plantext_write(char *into, int size, PlannedStmt *stmt,
						   List *indexes);

#endif							/* PG_NPLUSONE_PLANTEXT_H */
