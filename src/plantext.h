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

extern char *plantext_make(PlannedStmt *stmt, List *indexes, int size);

#endif							/* PG_NPLUSONE_PLANTEXT_H */
