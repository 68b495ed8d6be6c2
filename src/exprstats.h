/*-------------------------------------------------------------------------
 *
 * exprstats.h
 *	  Statistics of an expression from those of its column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_EXPRSTATS_H
#define PG_NPLUSONE_EXPRSTATS_H

#include "access/htup.h"

#include "whatif.h"

extern HeapTuple exprstats_make(Oid relid, const WhatifKey *key,
								double tuples);

#endif							/* PG_NPLUSONE_EXPRSTATS_H */
