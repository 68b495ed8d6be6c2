/*-------------------------------------------------------------------------
 *
 * advice_table.h
 *	  The sentences of the advice, before their names are filled in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_ADVICE_TABLE_H
#define PG_NPLUSONE_ADVICE_TABLE_H

#include "orm.h"

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

extern const char *advice_template(AdviceKind kind, Orm orm);
extern const char *advice_lead(AdviceKind kind);

#endif							/* PG_NPLUSONE_ADVICE_TABLE_H */
