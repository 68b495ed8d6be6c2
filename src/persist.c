/*-------------------------------------------------------------------------
 *
 * persist.c
 *	  Keeping clusters, hints and the sums of requests across restarts.
 *
 * Owns one file below pg_stat_tmp, which base backups and pg_rewind leave
 * out, and pg_upgrade does not know.  It is written to a temporary file,
 * synced and renamed, so that there is a whole one at any moment; what it
 * looks like is savefile.c's.  A file that is damaged, of another major or of
 * another layout is reported once and then ignored: statistics are never worth
 * a server that does not start.
 *
 * Saved by a background worker every pg_nplusone.save_interval, and by the
 * postmaster when all others have gone; never by both at once.  What a crash
 * loses is what was counted since the last save.  What an administrator has
 * decided, to reset or to mute, is saved within a second or so: a crash would
 * bring back what was thrown away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "clusters.h"
#include "compat.h"
#include "hintstore.h"
#include "persist.h"
#include "requests.h"
#include "savefile.h"
#include "settings.h"

#define SAVE_FILE PG_STAT_TMP_DIR "/pg_nplusone.stat"
#define SAVE_FILE_NEW SAVE_FILE ".tmp"

/* between two saves that somebody asks for, milliseconds */
#define SOON_INTERVAL 1000

/* in shared memory */
typedef struct SaveState
{
	pg_atomic_uint64 last_saved;	/* when the file was last written */
	pg_atomic_uint32 soon;		/* somebody waits for a save */
	Latch	   *saver;			/* NULL: there is none */
	bool		failing;		/* written by whoever saves */
} SaveState;

static SaveState *state = NULL;

/* what the file has; a number is never used again for something else */
static const SaveSection sections[] = {
	{1, sizeof(TimestampTz), clusters_save_reset, clusters_restore_reset},
	{2, offsetof(Cluster, texts), clusters_save, clusters_restore},
	{3, offsetof(HintEntry, keys), hintstore_save, hintstore_restore},
	{4, sizeof(RequestSums), requests_save, requests_restore},
};

Size
persist_shmem_size(void)
{
	return MAXALIGN(sizeof(SaveState));
}

void
persist_shmem_init(void)
{
	bool		found;

	state = ShmemInitStruct("pg_nplusone save", persist_shmem_size(), &found);
	if (found)
		return;
	memset(state, 0, persist_shmem_size());
	pg_atomic_init_u64(&state->last_saved, 0);
	pg_atomic_init_u32(&state->soon, 0);
}

TimestampTz
persist_last_saved(void)
{
	return (TimestampTz) pg_atomic_read_u64(&state->last_saved);
}

/* -------------------------------------------------------------------------
 * Writing
 * -------------------------------------------------------------------------
 */

/* Say what is wrong, but not again and again while it stays so. */
static bool
report_failure(const char *what, int error)
{
	if (!state->failing)
	{
		errno = error;
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not %s file \"%s\": %m", what, SAVE_FILE_NEW),
				 errdetail("pg_nplusone goes on without saving what it has found.")));
	}
	state->failing = true;
	return false;
}

static bool
write_new_file(void)
{
	FILE	   *file = AllocateFile(SAVE_FILE_NEW, PG_BINARY_W);
	bool		ok;
	int			error;

	if (file == NULL)
		return report_failure("create", errno);
	errno = 0;
	/* texts are for their owners: not even the group of the data directory */
	ok = (fchmod(fileno(file), S_IRUSR | S_IWUSR) == 0 || errno == EPERM) &&
		savefile_write(file, sections, lengthof(sections));
	error = errno != 0 ? errno : ENOMEM;
	if (FreeFile(file) != 0 && ok)
	{
		ok = false;
		error = errno;
	}
	if (ok)
		return true;
	unlink(SAVE_FILE_NEW);
	return report_failure("write", error);
}

/* Write everything; logged, once, when that fails. */
static void
save(void)
{
	/* what is asked for from here on may come too late for this save */
	pg_atomic_write_u32(&state->soon, 0);
	pg_memory_barrier();
	if (!write_new_file())
		return;
	/* a file that may not be opened could not be replaced, and is no use */
	if (access(SAVE_FILE, R_OK | W_OK) != 0 && errno == EACCES)
		unlink(SAVE_FILE);
	if (durable_rename(SAVE_FILE_NEW, SAVE_FILE, state->failing ? DEBUG1 : LOG) != 0)
	{
		unlink(SAVE_FILE_NEW);
		state->failing = true;
		return;
	}
	state->failing = false;
	pg_atomic_write_u64(&state->last_saved, (uint64) GetCurrentTimestamp());
}

/* What nobody wants to have kept must not come back some day. */
static void
forget(void)
{
	unlink(SAVE_FILE);
}

/*
 * An administrator has changed what is kept.  "all" tells that nothing is
 * left of it; then not even a crash within this second brings it back.
 */
void
persist_save_soon(bool all)
{
	Latch	   *saver = state->saver;

	if (all)
		forget();
	pg_atomic_write_u32(&state->soon, 1);
	if (saver != NULL)
		SetLatch(saver);
}

/*
 * Has the server come to its end in an orderly way?  After a crash, and after
 * an immediate shutdown, processes were stopped wherever they were, and what
 * they have left in memory cannot be trusted.
 */
static bool
shutdown_was_clean(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool		clean = crc_ok && (control->state == DB_SHUTDOWNED ||
								   control->state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return clean;
}

/* In the postmaster, when every other process has gone. */
void
persist_save_at_shutdown(int code, Datum arg)
{
	if (code != 0 || state == NULL)
		return;
	if (!npo_save)
		forget();
	else if (shutdown_was_clean())
		save();
}

/* -------------------------------------------------------------------------
 * Reading
 * -------------------------------------------------------------------------
 */

/* At start-up, before there is any other process. */
void
persist_load(void)
{
	FILE	   *file;
	TimestampTz saved_at;

	if (!npo_save)
		return;
	file = AllocateFile(SAVE_FILE, PG_BINARY_R);
	if (file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", SAVE_FILE),
					 errdetail("pg_nplusone starts with nothing.")));
		return;
	}
	if (savefile_read(file, sections, lengthof(sections), &saved_at))
		pg_atomic_write_u64(&state->last_saved, (uint64) saved_at);
	else
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring file \"%s\"", SAVE_FILE),
				 errdetail("It is damaged, or was written by another version.")));
	FreeFile(file);
}

/* -------------------------------------------------------------------------
 * The background worker
 * -------------------------------------------------------------------------
 */

/* milliseconds from one save to the next; -1: none is due */
static long
save_distance(void)
{
	if (!npo_save)
		return -1;
	if (pg_atomic_read_u32(&state->soon) != 0)
		return SOON_INTERVAL;
	return npo_save_interval > 0 ? npo_save_interval * 1000L : -1;
}

/* milliseconds until the next save; -1: none is due */
static long
time_left(TimestampTz last)
{
	long		distance = save_distance();

	if (distance < 0)
		return -1;
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
										   TimestampTzPlusMilliseconds(last, distance));
}

static void
saver_gone(int code, Datum arg)
{
	state->saver = NULL;
}

static void
reload_settings(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (!npo_save)
		forget();
}

void
pg_nplusone_saver_main(Datum arg)
{
	TimestampTz last = GetCurrentTimestamp();

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(saver_gone, (Datum) 0);
	state->saver = MyLatch;

	while (!ShutdownRequestPending)
	{
		long		timeout = time_left(last);

		if (timeout == 0)
		{
			save();
			last = GetCurrentTimestamp();
			continue;
		}
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
						 (timeout > 0 ? WL_TIMEOUT : 0),
						 timeout, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			reload_settings();
	}
	proc_exit(0);
}

void
persist_register_worker(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_PostmasterStart;
	worker.bgw_restart_time = 60;
	strlcpy(worker.bgw_library_name, "pg_nplusone", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "pg_nplusone_saver_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "pg_nplusone saver", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "pg_nplusone saver", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}
