/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Work of ours whose failure is not the statement's.
 *
 * A statement that would have succeeded must not fail because memory or the
 * lock table was full while we described its loop.  Such work runs in a
 * subtransaction, which gives back what it has taken hold of.  What is meant
 * for the user goes on: a cancel, a termination, a conflict with recovery.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "utils/resowner.h"

#include "guard.h"
#include "verify.h"

/* the error of the work that has failed, copied where there is room for it */
static ErrorData *
take_error(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	return error;
}

/* Do it; false when it has failed, and nothing is left of it but memory. */
bool
guard_run(GuardedWork work, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	/* no subtransactions there: without a net, then */
	if (IsInParallelMode())
	{
		work(arg);
		return true;
	}
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		error = take_error(context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return true;
	if (!verify_may_swallow(error->sqlerrcode))
		ReThrowError(error);
	ereport(DEBUG1,
			(errmsg_internal("pg_nplusone could not describe a loop: %s",
							 error->message)));
	FreeErrorData(error);
	return false;
}
