/*-------------------------------------------------------------------------
 *
 * texts.h
 *	  The texts of the statements that may turn out to be a loop's parent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_TEXTS_H
#define PG_NPLUSONE_TEXTS_H

#define TEXTS_SIZE 5120			/* bytes a backend keeps */

/* no text */
#define TEXT_NONE (-1)

extern Size texts_private_size(void);
extern void texts_init(char *memory);
extern int32 texts_keep(const char *text, int location, int len);
extern const char *texts_get(int32 handle, int *len);

#endif							/* PG_NPLUSONE_TEXTS_H */
