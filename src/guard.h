/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  Work of ours whose failure is not the statement's.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_GUARD_H
#define PG_NPLUSONE_GUARD_H

typedef void (*GuardedWork) (void *arg);

extern bool guard_run(GuardedWork work, void *arg);

#endif							/* PG_NPLUSONE_GUARD_H */
