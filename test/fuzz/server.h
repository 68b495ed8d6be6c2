/*-------------------------------------------------------------------------
 *
 * server.h
 *	  The little of a server that normalize.c needs, for a fuzzer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_FUZZ_SERVER_H
#define PG_NPLUSONE_FUZZ_SERVER_H

extern void server_begin(int encoding);
extern void server_end(void);
extern bool server_text_is_valid(const char *text, int len);

#endif							/* PG_NPLUSONE_FUZZ_SERVER_H */
