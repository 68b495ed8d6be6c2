/*-------------------------------------------------------------------------
 *
 * persist.c
 *	  Keeping clusters across restarts.
 *
 * Owns one file below pg_stat_tmp, which base backups and pg_rewind leave
 * out.  It is written to a temporary file, synced and renamed, so that there
 * is a whole one at any moment, and it carries a checksum over everything
 * behind its header.  A file that is damaged, of another major or of another
 * layout is reported once and then ignored: statistics are never worth a
 * server that does not start.
 *
 * Saved by a background worker every pg_nplusone.save_interval, and by the
 * postmaster when all others have gone.  What a crash loses is what was
 * counted since the last save.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
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
#include "persist.h"
#include "settings.h"

#define SAVE_FILE PG_STAT_TMP_DIR "/pg_nplusone.stat"
#define SAVE_MAGIC 0x4e504f31	/* NPO1 */

typedef struct SaveHeader
{
	uint32		magic;
	uint32		major;
	uint32		fixed_size;		/* of a cluster, without its texts */
	uint32		count;
	pg_crc32c	crc;			/* of what follows */
} SaveHeader;

/* in shared memory: when the file was last written */
typedef struct SaveState
{
	pg_atomic_uint64 last_saved;
} SaveState;

static SaveState *state = NULL;

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
	if (!found)
		pg_atomic_init_u64(&state->last_saved, 0);
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

static bool
put_bytes(FILE *file, pg_crc32c *crc, const void *bytes, size_t size)
{
	COMP_CRC32C(*crc, bytes, size);
	return fwrite(bytes, 1, size, file) == size;
}

/* one cluster: its fixed part, how many bytes of text, and they */
static bool
put_cluster(FILE *file, pg_crc32c *crc, const Cluster *cluster)
{
	uint32		size = clusters_text_size(cluster);

	return put_bytes(file, crc, cluster, offsetof(Cluster, texts)) &&
		put_bytes(file, crc, &size, sizeof(size)) &&
		put_bytes(file, crc, cluster->texts, size);
}

static bool
put_clusters(FILE *file, SaveHeader *header)
{
	Cluster    *copy = palloc_extended(clusters_copy_size(), MCXT_ALLOC_NO_OOM);
	bool		ok = copy != NULL;

	for (int i = 0; ok && i < clusters_capacity(); i++)
	{
		if (!clusters_copy(i, copy))
			continue;
		ok = put_cluster(file, &header->crc, copy);
		header->count++;
	}
	if (copy != NULL)
		pfree(copy);
	return ok;
}

/* the header goes first, and is known last */
static bool
write_file(FILE *file)
{
	SaveHeader	header = {.magic = SAVE_MAGIC,.major = NPO_SERVER_MAJOR,
	.fixed_size = offsetof(Cluster, texts)};

	INIT_CRC32C(header.crc);
	if (fseek(file, sizeof(header), SEEK_SET) != 0 || !put_clusters(file, &header))
		return false;
	FIN_CRC32C(header.crc);
	return fseek(file, 0, SEEK_SET) == 0 &&
		fwrite(&header, 1, sizeof(header), file) == sizeof(header);
}

/* Say what is wrong, but not again and again while it stays so. */
static void
report_failure(const char *what)
{
	static bool reported = false;

	if (!reported)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not %s file \"%s\": %m", what, SAVE_FILE),
				 errdetail("pg_nplusone goes on without saving its clusters.")));
	reported = true;
}

/* Write all clusters; false, and logged, when that fails. */
bool
persist_save(void)
{
	FILE	   *file = AllocateFile(SAVE_FILE ".tmp", PG_BINARY_W);
	bool		ok;

	if (file == NULL)
	{
		report_failure("create");
		return false;
	}
	/* texts are for their owners: not even the group of the data directory */
	ok = fchmod(fileno(file), S_IRUSR | S_IWUSR) == 0 && write_file(file);
	if (FreeFile(file) != 0 || !ok)
	{
		report_failure("write");
		unlink(SAVE_FILE ".tmp");
		return false;
	}
	if (durable_rename(SAVE_FILE ".tmp", SAVE_FILE, LOG) != 0)
	{
		unlink(SAVE_FILE ".tmp");
		return false;
	}
	pg_atomic_write_u64(&state->last_saved, (uint64) GetCurrentTimestamp());
	return true;
}

/* In the postmaster, when every other process has gone. */
void
persist_save_at_shutdown(int code, Datum arg)
{
	/* after a crash the memory cannot be trusted */
	if (code == 0 && npo_save && state != NULL)
		persist_save();
}

/* -------------------------------------------------------------------------
 * Reading
 * -------------------------------------------------------------------------
 */

static bool
get_bytes(FILE *file, pg_crc32c *crc, void *bytes, size_t size)
{
	if (fread(bytes, 1, size, file) != size)
		return false;
	COMP_CRC32C(*crc, bytes, size);
	return true;
}

/* the next cluster; its texts are cut off where this server keeps less */
static bool
get_cluster(FILE *file, pg_crc32c *crc, Cluster *cluster)
{
	uint32		size;

	if (!get_bytes(file, crc, cluster, offsetof(Cluster, texts)) ||
		!get_bytes(file, crc, &size, sizeof(size)))
		return false;
	if (size > clusters_copy_size() - offsetof(Cluster, texts))
		return false;
	return get_bytes(file, crc, cluster->texts, size);
}

/* Read the whole file once, to check it or to take it in. */
static bool
read_file(FILE *file, bool restore)
{
	SaveHeader	header;
	pg_crc32c	crc;
	Cluster    *cluster = palloc0(clusters_copy_size());
	bool		ok;

	INIT_CRC32C(crc);
	ok = fseek(file, 0, SEEK_SET) == 0 &&
		fread(&header, 1, sizeof(header), file) == sizeof(header) &&
		header.magic == SAVE_MAGIC && header.major == NPO_SERVER_MAJOR &&
		header.fixed_size == offsetof(Cluster, texts);
	for (uint32 i = 0; ok && i < header.count; i++)
	{
		ok = get_cluster(file, &crc, cluster);
		if (ok && restore)
			clusters_restore(cluster);
	}
	FIN_CRC32C(crc);
	pfree(cluster);
	return ok && EQ_CRC32C(crc, header.crc) && fgetc(file) == EOF;
}

/* At start-up, before there is any other process. */
void
persist_load(void)
{
	FILE	   *file;

	if (!npo_save)
		return;
	file = AllocateFile(SAVE_FILE, PG_BINARY_R);
	if (file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", SAVE_FILE)));
		return;
	}
	/* nothing is taken from a file that is not sound to its end */
	if (read_file(file, false))
		read_file(file, true);
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

/* milliseconds until the next save; for ever where there is none */
static long
next_save(void)
{
	return npo_save && npo_save_interval > 0 ? npo_save_interval * 1000L : -1L;
}

void
pg_nplusone_saver_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	while (!ShutdownRequestPending)
	{
		long		timeout = next_save();
		int			event = WaitLatch(MyLatch,
									  WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
									  (timeout >= 0 ? WL_TIMEOUT : 0),
									  timeout, PG_WAIT_EXTENSION);

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if ((event & WL_TIMEOUT) != 0 && next_save() >= 0)
			persist_save();
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
