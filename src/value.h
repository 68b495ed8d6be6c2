/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Fingerprints of single values, comparable across types.
 *
 * A key that a program takes from one result and sends back in the next
 * statement may change its type on the way (int4 to int8, text to uuid, a
 * number inside a string).  value_hash() gives such values one fingerprint.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_VALUE_H
#define PG_NPLUSONE_VALUE_H

#include "compat.h"

/* the fingerprint of a NULL, or of a value that cannot be read cheaply */
#define VALUE_UNKNOWN ((uint32) 0)

typedef enum ValueClass
{
	VALUE_NONE,					/* never a key */
	VALUE_INT2,
	VALUE_INT4,
	VALUE_INT8,
	VALUE_UUID,
	VALUE_TEXT,					/* any varlena whose bytes are its identity */
	VALUE_NUMERIC,
	VALUE_NAME,
	VALUE_DATE,
	VALUE_TIMESTAMP
} ValueClass;

/* classes that keys mostly have, taken first when room is short */
#define VALUE_IS_LIKELY_KEY(class) \
	((class) >= VALUE_INT2 && (class) <= VALUE_UUID)

/* The fingerprint of an integer, whatever its width. */
static inline uint32
value_hash_integer(int64 value)
{
	uint64		h = (uint64) value * UINT64CONST(0x9E3779B97F4A7C15);

	h ^= h >> 32;
	return (uint32) h == VALUE_UNKNOWN ? 1 : (uint32) h;
}

static inline uint64
value_mix(uint64 h, uint64 word)
{
	h = (h ^ word) * UINT64CONST(0x9E3779B97F4A7C15);
	return h ^ h >> 32;
}

static inline uint64
value_load(const char *bytes)
{
	uint64		word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

extern uint64 value_load_rest(const char *bytes, int len);

/* Some bytes, by words. */
static inline uint64
value_mix_bytes(uint64 h, const char *bytes, int len)
{
	int			i;

	for (i = 0; i + (int) sizeof(uint64) <= len; i += sizeof(uint64))
		h = value_mix(h, value_load(bytes + i));
	return value_mix(value_mix(h, value_load_rest(bytes + i, len - i)), (uint64) len);
}

/*
 * The fingerprint of some bytes.  It is taken for every row that is kept, so
 * by words; the last word of a longer string overlaps the one before.
 */
static inline uint32
value_hash_bytes(const char *bytes, int len)
{
	uint64		h = value_mix(0, (uint64) len);

	if (len < (int) sizeof(uint64))
		h = value_mix(h, value_load_rest(bytes, len));
	else
	{
		for (int i = 0; i + (int) sizeof(uint64) < len; i += sizeof(uint64))
			h = value_mix(h, value_load(bytes + i));
		h = value_mix(h, value_load(bytes + len - sizeof(uint64)));
	}
	return (uint32) h == VALUE_UNKNOWN ? 1 : (uint32) h;
}

/*
 * The fingerprint of a short string that can be no number and no uuid, and
 * has no padding, or VALUE_UNKNOWN: most names and titles, without detours.
 */
static inline uint32
value_hash_name(Datum value)
{
	const struct varlena *v = (const struct varlena *) DatumGetPointer(value);
	const char *s = VARDATA_SHORT(v);
	int			len;

	if (!VARATT_IS_SHORT(v))
		return VALUE_UNKNOWN;
	len = VARSIZE_SHORT(v) - VARHDRSZ_SHORT;
	if (len == 0 || len == 36 || s[0] <= '9' || s[len - 1] == ' ')
		return VALUE_UNKNOWN;
	return value_hash_bytes(s, len);
}

extern ValueClass value_class(Oid typid, int16 typlen, bool typbyval);
extern ValueClass value_class_of_type(Oid typid);
extern uint32 value_hash(Datum value, ValueClass class);
extern uint32 value_hash_any(Datum value, Oid typid);
extern uint32 value_hash_array(Datum array, int *nelems);
extern uint32 value_combine(uint32 a, uint32 b);

#endif							/* PG_NPLUSONE_VALUE_H */
