/*-------------------------------------------------------------------------
 *
 * fingerprint.h
 *	  Telling statements apart that share their query identifier.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_FINGERPRINT_H
#define PG_NPLUSONE_FINGERPRINT_H

#include "nodes/plannodes.h"

extern uint64 fingerprint_with_relations(uint64 queryid, const PlannedStmt *pstmt);

#endif							/* PG_NPLUSONE_FINGERPRINT_H */
