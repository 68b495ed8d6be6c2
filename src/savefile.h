/*-------------------------------------------------------------------------
 *
 * savefile.h
 *	  What the file of saved statistics looks like.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_SAVEFILE_H
#define PG_NPLUSONE_SAVEFILE_H

#include "datatype/timestamp.h"

typedef struct SaveFile SaveFile;

/*
 * What one room keeps in the file.  "layout" is what its records are known
 * by, the size of their fixed part for one: records of another layout are
 * passed over.  "save" calls savefile_put() for each of its records; "restore"
 * takes one in, and may rely on no more than its size.
 */
typedef struct SaveSection
{
	uint32		id;
	uint32		layout;
	bool		(*save) (SaveFile *file);
	void		(*restore) (const char *record, uint32 size);
} SaveSection;

extern bool savefile_put(SaveFile *file, const void *fixed, uint32 fixed_size,
						 const void *rest, uint32 rest_size);
extern bool savefile_write(FILE *stream, const SaveSection *sections, int n);
extern bool savefile_read(FILE *stream, const SaveSection *sections, int n,
						  TimestampTz *saved_at);

#endif							/* PG_NPLUSONE_SAVEFILE_H */
