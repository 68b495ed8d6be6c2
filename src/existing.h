/*-------------------------------------------------------------------------
 *
 * existing.h
 *	  The indexes and constraints that a table has already.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_EXISTING_H
#define PG_NPLUSONE_EXISTING_H

#include "hintstore.h"
#include "whatif.h"

extern char *existing_invalid(const WhatifIndex *index);
extern uint64 existing_columns(Oid relid, const AttrNumber *attnums);
extern bool existing_serves(const HintEntry *entry);
extern char *existing_foreign_key(const HintEntry *entry);
extern int	existing_count(Oid relid);

#endif							/* PG_NPLUSONE_EXISTING_H */
