/*-------------------------------------------------------------------------
 *
 * savefile.c
 *	  What the file of saved statistics looks like.
 *
 * A header, then sections, each of one room: its id and layout, then records,
 * each behind its size, then a size of zero.  The header has the length of all
 * that follows and a checksum over it.  A section that is not known here, or
 * whose records are of another layout, is passed over, so that a library of
 * another version takes what it can.
 *
 * Nothing is taken from a file that is not sound to its end: it is read twice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_crc32c.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "savefile.h"

#define SAVE_MAGIC 0x4e504f32	/* NPO2: the last figure is the format's */

/* more than any record has; what is longer is damage */
#define RECORD_LIMIT (1024 * 1024)

typedef struct SaveHeader
{
	uint32		magic;
	uint32		major;
	uint64		length;			/* of what follows */
	TimestampTz saved_at;
	pg_crc32c	crc;			/* of what follows */
} SaveHeader;

struct SaveFile
{
	FILE	   *stream;
	uint64		length;
	pg_crc32c	crc;
};

typedef struct SectionHeader
{
	uint32		id;
	uint32		layout;
} SectionHeader;

/* -------------------------------------------------------------------------
 * Writing
 * -------------------------------------------------------------------------
 */

static bool
put_bytes(SaveFile *file, const void *bytes, uint32 size)
{
	if (size == 0)
		return true;
	COMP_CRC32C(file->crc, bytes, size);
	file->length += size;
	return fwrite(bytes, 1, size, file->stream) == size;
}

/* One record, of two parts; false when it could not be written. */
bool
savefile_put(SaveFile *file, const void *fixed, uint32 fixed_size,
			 const void *rest, uint32 rest_size)
{
	uint32		size = fixed_size + rest_size;

	return put_bytes(file, &size, sizeof(size)) &&
		put_bytes(file, fixed, fixed_size) &&
		put_bytes(file, rest, rest_size);
}

static bool
put_section(SaveFile *file, const SaveSection *section)
{
	SectionHeader header = {section->id, section->layout};
	uint32		end = 0;

	return put_bytes(file, &header, sizeof(header)) &&
		section->save(file) &&
		put_bytes(file, &end, sizeof(end));
}

/* the header goes first, and is known last */
bool
savefile_write(FILE *stream, const SaveSection *sections, int n)
{
	SaveFile	file = {.stream = stream};
	SaveHeader	header;

	memset(&header, 0, sizeof(header));
	header.magic = SAVE_MAGIC;
	header.major = NPO_SERVER_MAJOR;
	header.saved_at = GetCurrentTimestamp();
	INIT_CRC32C(file.crc);
	if (fseek(stream, sizeof(header), SEEK_SET) != 0)
		return false;
	for (int i = 0; i < n; i++)
		if (!put_section(&file, &sections[i]))
			return false;
	FIN_CRC32C(file.crc);
	header.length = file.length;
	header.crc = file.crc;
	return fseek(stream, 0, SEEK_SET) == 0 &&
		fwrite(&header, 1, sizeof(header), stream) == sizeof(header) &&
		fflush(stream) == 0;
}

/* -------------------------------------------------------------------------
 * Reading
 * -------------------------------------------------------------------------
 */

static bool
get_bytes(SaveFile *file, void *bytes, uint32 size)
{
	if (size > file->length || fread(bytes, 1, size, file->stream) != size)
		return false;
	COMP_CRC32C(file->crc, bytes, size);
	file->length -= size;
	return true;
}

/* The records of a section, handed to its room, or to nobody. */
static bool
get_records(SaveFile *file, const SaveSection *section, char *record)
{
	uint32		size;

	for (;;)
	{
		if (!get_bytes(file, &size, sizeof(size)))
			return false;
		if (size == 0)
			return true;
		if (size > RECORD_LIMIT || !get_bytes(file, record, size))
			return false;
		if (section != NULL)
			section->restore(record, size);
	}
}

static const SaveSection *
known_section(const SectionHeader *header, const SaveSection *sections, int n)
{
	for (int i = 0; i < n; i++)
		if (sections[i].id == header->id && sections[i].layout == header->layout)
			return &sections[i];
	return NULL;
}

/* All that is behind the header, to check it or, with sections, to take it in. */
static bool
get_body(FILE *stream, const SaveHeader *header, char *record,
		 const SaveSection *sections, int n)
{
	SaveFile	file = {.stream = stream,.length = header->length};
	SectionHeader section;

	INIT_CRC32C(file.crc);
	while (file.length > 0)
		if (!get_bytes(&file, &section, sizeof(section)) ||
			!get_records(&file, known_section(&section, sections, n), record))
			return false;
	FIN_CRC32C(file.crc);
	return EQ_CRC32C(file.crc, header->crc) && fgetc(stream) == EOF;
}

/* Take in a whole file; false, and nothing taken, when it is not sound. */
bool
savefile_read(FILE *stream, const SaveSection *sections, int n,
			  TimestampTz *saved_at)
{
	SaveHeader	header;
	char	   *record;
	bool		sound;

	if (fread(&header, 1, sizeof(header), stream) != sizeof(header) ||
		header.magic != SAVE_MAGIC || header.major != NPO_SERVER_MAJOR)
		return false;
	record = palloc(RECORD_LIMIT);
	sound = get_body(stream, &header, record, NULL, 0) &&
		fseek(stream, sizeof(header), SEEK_SET) == 0;
	if (sound)
	{
		(void) get_body(stream, &header, record, sections, n);
		*saved_at = header.saved_at;
	}
	pfree(record);
	return sound;
}
