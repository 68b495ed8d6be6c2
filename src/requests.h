/*-------------------------------------------------------------------------
 *
 * requests.h
 *	  Where the statements of a unit of work come from, and how many it has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_REQUESTS_H
#define PG_NPLUSONE_REQUESTS_H

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

extern Size requests_shmem_size(void);
extern void requests_shmem_init(void);
extern bool requests_check_tags(const char *list);
extern void requests_assign_tags(const char *list);
extern RequestNews requests_note_statement(const char *text);
extern void requests_count_statement(void);
extern void requests_add_time(int64 exec_time);
extern void requests_note_loop(void);
extern void requests_close_unit(void);
extern void requests_flush(void);
extern char *requests_tags(void);
extern void requests_reset(void);
extern RequestSums *requests_collect(int *n);

#endif							/* PG_NPLUSONE_REQUESTS_H */
