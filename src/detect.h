/*-------------------------------------------------------------------------
 *
 * detect.h
 *	  What happens once per loop, when it has become one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_DETECT_H
#define PG_NPLUSONE_DETECT_H

#include "loops.h"
#include "orm.h"

extern void detect_publish(UnitEntry *entry, Loop *loop, SlotLoop *counts,
						   QueryDesc *queryDesc);
extern Orm	detect_statement_orm(const QueryDesc *queryDesc);

#endif							/* PG_NPLUSONE_DETECT_H */
