/*-------------------------------------------------------------------------
 *
 * normalize.h
 *	  The text of one statement without its values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_NORMALIZE_H
#define PG_NPLUSONE_NORMALIZE_H

extern char *normalize_statement(const char *text, int location, int len,
								 int maxbytes);

#endif							/* PG_NPLUSONE_NORMALIZE_H */
