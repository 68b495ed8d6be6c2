/*-------------------------------------------------------------------------
 *
 * locks.h
 *	  The module's own lightweight locks.
 *
 * The postmaster, which saves last of all, has no PGPROC to wait with, and
 * nobody to wait for: it takes none.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_LOCKS_H
#define PG_NPLUSONE_LOCKS_H

#include "storage/lwlock.h"
#include "storage/proc.h"

static inline void
npo_lock(LWLock *lock, LWLockMode mode)
{
	if (MyProc != NULL)
		LWLockAcquire(lock, mode);
}

static inline void
npo_unlock(LWLock *lock)
{
	if (MyProc != NULL)
		LWLockRelease(lock);
}

#endif							/* PG_NPLUSONE_LOCKS_H */
