/*-------------------------------------------------------------------------
 *
 * traces.h
 *	  Requests that name themselves, and where they have been.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_TRACES_H
#define PG_NPLUSONE_TRACES_H

#include "datatype/timestamp.h"

#define TRACES_TRANCHE "pg_nplusone_traces"
#define TRACES 128				/* live requests at once */
#define TRACE_SLOTS 4			/* sessions of each that left results */

extern Size traces_shmem_size(void);
extern void traces_shmem_init(void);
extern bool traces_begin(uint32 origin);
extern void traces_add(uint32 origin, int64 *statements, int64 *exec_time);
extern bool traces_note_loop(uint32 origin);
extern void traces_note_result(uint32 origin, int slot);
extern bool traces_has_slots(uint32 origin);
extern int	traces_slots(uint32 origin, uint16 *slots);

#endif							/* PG_NPLUSONE_TRACES_H */
