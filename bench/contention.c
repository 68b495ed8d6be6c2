/*-------------------------------------------------------------------------
 *
 * contention.c
 *	  What it costs many processes to count statements in shared memory.
 *
 * Each process does, per statement, the writes to shared memory that one
 * design does, and between them some private work in place of the statement.
 * No server is involved.  Three designs:
 *
 *	 none     nothing is counted
 *	 theirs   as pg_stat_statements does for a statement it knows: one LWLock
 *	          in shared mode (a compare-and-swap and a subtraction on one line
 *	          that all share), a spinlock in the entry, and 24 counters behind
 *	          it; with one hot statement the entry is shared by all as well
 *	 ours     as pg_nplusone does for a statement in a loop: a change count
 *	          and the counters of one loop, in a slot that no other process
 *	          writes to
 *
 * Usage: contention DESIGN PROCESSES SECONDS WORK
 * Prints: design, processes, statements a second, writes a second to lines
 * that other processes write.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 1024
#define COUNTERS 24
#define LOOP_COUNTERS 6
#define BATCH 256				/* statements between looks at the clock */

/* begins a line of the cache, with the one beside it that is fetched along */
#define ON_ITS_LINE __attribute__((aligned(128)))

/* compare-and-swap, subtraction, taking and giving back the spinlock, counters */
#define THEIR_SHARED_WRITES (4 + COUNTERS)

typedef struct Shared
{
	_Atomic uint32_t lwlock ON_ITS_LINE;
	_Atomic int spinlock ON_ITS_LINE;
	uint64_t	counters[COUNTERS];
	struct
	{
		uint32_t	change ON_ITS_LINE;
		uint64_t	counters[LOOP_COUNTERS];
	}			slots[MAX_PROCESSES];
	uint64_t	statements[MAX_PROCESSES] ON_ITS_LINE;
	_Atomic int ready ON_ITS_LINE;
	_Atomic int go;
	double		end;			/* set before "go": the same moment for all */
} Shared;

static Shared *shared;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* the statement itself: arithmetic that the compiler cannot drop */
static uint64_t
work(uint64_t state, int amount)
{
	for (int i = 0; i < amount; i++)
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return state;
}

static void
count_theirs(uint64_t value)
{
	uint32_t	expected = atomic_load_explicit(&shared->lwlock, memory_order_relaxed);
	int			spins = 0;

	while (!atomic_compare_exchange_weak(&shared->lwlock, &expected, expected + 1))
		;
	while (atomic_exchange(&shared->spinlock, 1) != 0)
		if (++spins % 100 == 0)
			usleep(1000);		/* as s_lock() does */
	for (int i = 0; i < COUNTERS; i++)
		((volatile uint64_t *) shared->counters)[i] += value;
	atomic_store_explicit(&shared->spinlock, 0, memory_order_release);
	atomic_fetch_sub(&shared->lwlock, 1);
}

static void
count_ours(int process, uint64_t value)
{
	volatile uint32_t *change = &shared->slots[process].change;
	volatile uint64_t *counters = shared->slots[process].counters;

	(*change)++;
	atomic_signal_fence(memory_order_seq_cst);
	for (int i = 0; i < LOOP_COUNTERS; i++)
		counters[i] += value;
	atomic_signal_fence(memory_order_seq_cst);
	(*change)++;
}

static void
run(int process, const char *design, int amount)
{
	uint64_t	state = process + 1;
	uint64_t	n = 0;

	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(&shared->go))
		usleep(100);
	while (now() < shared->end)
	{
		for (int i = 0; i < BATCH; i++)
		{
			state = work(state, amount);
			if (design[0] == 't')
				count_theirs(state & 1);
			else if (design[0] == 'o')
				count_ours(process, state & 1);
		}
		n += BATCH;
	}
	shared->statements[process] = n + (state == 42);
}

int
main(int argc, char **argv)
{
	int			processes;
	double		seconds;
	uint64_t	statements = 0;

	if (argc != 5 || (processes = atoi(argv[2])) < 1 || processes > MAX_PROCESSES)
	{
		fprintf(stderr, "usage: %s none|theirs|ours PROCESSES SECONDS WORK\n", argv[0]);
		return 2;
	}
	seconds = atof(argv[3]);
	shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
	{
		perror("mmap");
		return 1;
	}
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
		{
			run(i, argv[1], atoi(argv[4]));
			_exit(0);
		}
	while (atomic_load(&shared->ready) < processes)
		usleep(1000);
	shared->end = now() + seconds;
	atomic_store(&shared->go, 1);
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < processes; i++)
		statements += shared->statements[i];
	printf("%s %d %.0f %.0f\n", argv[1], processes, statements / seconds,
		   argv[1][0] == 't' ? statements * (double) THEIR_SHARED_WRITES / seconds : 0.0);
	return 0;
}
