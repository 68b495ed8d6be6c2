/*-------------------------------------------------------------------------
 *
 * keyset.h
 *	  The statement that goes on behind the last row, in place of OFFSET.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_KEYSET_H
#define PG_NPLUSONE_KEYSET_H

#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

#define KEYSET_COLUMNS 6

typedef struct KeysetColumn
{
	Var		   *var;
	Oid			sortop;
	bool		down;
	const char *name;
} KeysetColumn;

typedef struct Keyset
{
	int			n;				/* 0: nothing tells all rows apart */
	bool		mixed;			/* some up, some down */
	const char *nullable;		/* one that has to hold no nulls, or NULL */
	KeysetColumn columns[KEYSET_COLUMNS];
} Keyset;

extern void keyset_read(const Query *query, Keyset *keyset);
extern char *keyset_statement(Query *query);

#endif							/* PG_NPLUSONE_KEYSET_H */
