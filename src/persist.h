/*-------------------------------------------------------------------------
 *
 * persist.h
 *	  Keeping clusters, hints and the sums of requests across restarts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_PERSIST_H
#define PG_NPLUSONE_PERSIST_H

#include "datatype/timestamp.h"

extern Size persist_shmem_size(void);
extern void persist_shmem_init(void);
extern void persist_load(void);
extern void persist_save_at_shutdown(int code, Datum arg);
extern void persist_save_soon(bool forget);
extern TimestampTz persist_last_saved(void);
extern void persist_register_worker(void);

extern PGDLLEXPORT void pg_nplusone_saver_main(Datum arg);

#endif							/* PG_NPLUSONE_PERSIST_H */
