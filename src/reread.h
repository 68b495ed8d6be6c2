/*-------------------------------------------------------------------------
 *
 * reread.h
 *	  The parse tree of a statement that is about to run, for a closer look.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_REREAD_H
#define PG_NPLUSONE_REREAD_H

#include "executor/execdesc.h"
#include "nodes/parsenodes.h"

/* looks at the tree; whatever it allocates is the caller's */
typedef void (*RereadUser) (Query *query, void *arg);

extern bool reread_statement(const QueryDesc *queryDesc, RereadUser user,
							 void *arg);
extern void reread_check(const char *sql);

#endif							/* PG_NPLUSONE_REREAD_H */
