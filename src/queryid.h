/*-------------------------------------------------------------------------
 *
 * queryid.h
 *	  Query identifiers, made anew only where the text of a statement is new.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_QUERYID_H
#define PG_NPLUSONE_QUERYID_H

#include "nodes/parsenodes.h"

extern bool queryid_is_off(void);
extern uint64 queryid_compute(Query *query, const char *text);
extern void queryid_install(void);

#endif							/* PG_NPLUSONE_QUERYID_H */
