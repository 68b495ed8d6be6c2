/*-------------------------------------------------------------------------
 *
 * requests.h
 *	  Where the statements of a unit of work come from, and how many it has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_REQUESTS_H
#define PG_NPLUSONE_REQUESTS_H

#include "savefile.h"
#include "slots.h"

#define REQUESTS_TRANCHE "pg_nplusone_requests"
#define REQUESTS_MAX 256		/* routes kept */

/* what requests_note_statement() found in a statement's text */
typedef enum RequestNews
{
	REQUEST_SAME,
	REQUEST_NEW,				/* it belongs to another request */
	REQUEST_IGNORED				/* it asks not to be followed */
} RequestNews;

/*
 * The request that the tags in force name, and the one that the unit of work
 * serves; 0: none.  The route in the slot is to be written anew.
 */
extern uint32 requests_tag_hash;
extern uint32 requests_unit_hash;
extern bool requests_route_changed;
extern bool requests_unit_traced;

/*
 * A text that was parsed last, and that has no comment at either end.  What
 * runs from the same place has been parsed since, or is this very text.
 */
extern const char *requests_parsed;

extern Size requests_shmem_size(void);
extern void requests_shmem_init(void);
extern bool requests_check_tags(const char *list);
extern void requests_assign_tags(const char *list);
extern RequestNews requests_note_statement(const char *text);
extern bool requests_is_plain(const char *text);
extern void requests_note_parsed(const char *text, int len);
extern void requests_name_unit(void);
extern void requests_note_loop(void);
extern void requests_close_unit(void);
extern void requests_flush(void);
extern char *requests_tags(void);
extern void requests_reset(void);
extern RequestSums *requests_collect(int *n);
extern bool requests_save(SaveFile *file);
extern void requests_restore(const char *record, uint32 size);

/* Does a statement without tags of its own serve the same request as before? */
static inline bool
requests_same_tags(void)
{
	return requests_tag_hash == 0 || requests_tag_hash == requests_unit_hash;
}

/* Has the request of the unit of work a name of its own, wherever it runs? */
static inline bool
requests_traced(void)
{
	return requests_unit_traced;
}

/*
 * For every statement.  A sum is one word, so a reader needs no change count
 * to read it whole; two of them may be one statement apart.
 */
static inline void
requests_count_statement(void)
{
	RequestSums *unit = &my_slot->requests.current;

	if (unit->statements == 0 || requests_route_changed)
		requests_name_unit();
	unit->statements++;
}

static inline void
requests_add_time(int64 exec_time)
{
	my_slot->requests.current.exec_time += exec_time;
}

#endif							/* PG_NPLUSONE_REQUESTS_H */
