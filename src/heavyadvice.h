/*-------------------------------------------------------------------------
 *
 * heavyadvice.h
 *	  What is said of a heavy read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HEAVYADVICE_H
#define PG_NPLUSONE_HEAVYADVICE_H

#include "executor/execdesc.h"

#include "heavystore.h"
#include "shape.h"

extern Oid	heavyadvice_table(const QueryDesc *queryDesc, const Shape *shape,
							  const HeavyCall *call);
extern void heavyadvice_describe(HeavyKind kind, const QueryDesc *queryDesc,
								 const HeavyCall *call, HeavyTexts *texts);

#endif							/* PG_NPLUSONE_HEAVYADVICE_H */
