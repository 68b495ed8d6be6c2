/*-------------------------------------------------------------------------
 *
 * heavywords.h
 *	  The sentences about heavy reads and connections, before their names are
 *	  filled in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HEAVYWORDS_H
#define PG_NPLUSONE_HEAVYWORDS_H

#include "heavystore.h"
#include "orm.h"

extern const char *heavywords_fix(HeavyKind kind, Orm orm);
extern const char *heavywords_connections(Orm orm);

#endif							/* PG_NPLUSONE_HEAVYWORDS_H */
