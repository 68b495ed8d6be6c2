/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Fingerprints of single values, comparable across types.
 *
 * Everything here runs for statements outside of any loop, too: nothing is
 * allocated, detoasted or looked up in the catalog, except the length of a
 * user-defined type.  A value that would need more is VALUE_UNKNOWN, which
 * matches nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "value.h"

/* longer strings are no keys; their first bytes and length will do */
#define VALUE_MAX_BYTES 256

/* the layout of a numeric on disk, see numeric.c */
#define NUMERIC_DIGIT_WIDTH 10000
#define NUMERIC_SHORT_BIT 0x8000
#define NUMERIC_SPECIAL_BITS 0xC000
#define NUMERIC_LONG_NEGATIVE 0x4000
#define NUMERIC_SHORT_NEGATIVE 0x2000
#define NUMERIC_SHORT_WEIGHT_SIGN 0x0040
#define NUMERIC_SHORT_WEIGHT_BITS 0x003F

/* up to seven bytes as one word */
uint64
value_load_rest(const char *bytes, int len)
{
	uint32		head,
				tail;

	if (len >= (int) sizeof(uint32))
	{
		memcpy(&head, bytes, sizeof(head));
		memcpy(&tail, bytes + len - sizeof(tail), sizeof(tail));
		return (uint64) head << 32 | tail;
	}
	if (len == 0)
		return 0;
	return (uint64) (uint8) bytes[0] << 16 | (uint64) (uint8) bytes[len / 2] << 8 |
		(uint8) bytes[len - 1];
}

/* A long string is known by its length and by how it begins. */
static inline uint32
hash_string(const char *bytes, int len)
{
	if (len <= VALUE_MAX_BYTES)
		return value_hash_bytes(bytes, len);
	return value_combine(value_hash_bytes(bytes, VALUE_MAX_BYTES), (uint32) len);
}

uint32
value_combine(uint32 a, uint32 b)
{
	uint32		h = hash_combine(a, b);

	return h == VALUE_UNKNOWN ? 1 : h;
}

/*
 * An integer in the spelling that an integer type prints: a program that
 * carries a key in a string still sends the same key.
 */
static bool
parse_integer(const char *s, int len, int64 *value)
{
	bool		negative = (len > 1 && s[0] == '-');
	int			i = negative ? 1 : 0;
	int64		v = 0;

	if (len - i < 1 || len - i > 18 || (s[i] == '0' && len > 1))
		return false;
	for (; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (s[i] - '0');
	}
	*value = negative ? -v : v;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* a uuid in its usual spelling of 36 characters */
static bool
parse_uuid(const char *s, int len, unsigned char *bytes)
{
	int			n = 0;

	if (len != 36)
		return false;
	for (int i = 0; i < 36;)
	{
		int			high,
					low;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (s[i++] != '-')
				return false;
			continue;
		}
		high = hex_digit(s[i++]);
		low = hex_digit(s[i++]);
		if (high < 0 || low < 0)
			return false;
		bytes[n++] = (unsigned char) (high << 4 | low);
	}
	return true;
}

static uint32
hash_text(const char *s, int len)
{
	unsigned char uuid[UUID_LEN];
	int64		integer;

	/* char(n) comes with its padding, the parameter without */
	while (len > 0 && s[len - 1] == ' ')
		len--;
	if (len > 0 && (s[0] <= '9') && parse_integer(s, len, &integer))
		return value_hash_integer(integer);
	if (len == 36 && parse_uuid(s, len, uuid))
		return hash_string((const char *) uuid, UUID_LEN);
	return hash_string(s, len);
}

/*
 * A numeric without its display scale, so that 7, 7.0 and the integer 7 are
 * one value.  Digits are in base 10000, stripped of zeros at either end.
 */
static uint32
hash_numeric(const char *data, int len)
{
	uint16		header;
	int			weight;
	bool		negative;
	int			skip;
	int			ndigits;
	const int16 *digits;
	int64		integer = 0;

	if (len < (int) sizeof(uint16))
		return VALUE_UNKNOWN;
	memcpy(&header, data, sizeof(header));
	if ((header & NUMERIC_SPECIAL_BITS) == NUMERIC_SPECIAL_BITS)
		return VALUE_UNKNOWN;	/* NaN, infinity */
	if (header & NUMERIC_SHORT_BIT)
	{
		negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
		weight = header & NUMERIC_SHORT_WEIGHT_BITS;
		if (header & NUMERIC_SHORT_WEIGHT_SIGN)
			weight |= ~NUMERIC_SHORT_WEIGHT_BITS;
		skip = sizeof(uint16);
	}
	else
	{
		int16		w;

		if (len < 2 * (int) sizeof(uint16))
			return VALUE_UNKNOWN;
		memcpy(&w, data + sizeof(uint16), sizeof(w));
		weight = w;
		negative = (header & NUMERIC_LONG_NEGATIVE) != 0;
		skip = 2 * sizeof(uint16);
	}
	digits = (const int16 *) (data + skip);
	ndigits = (len - skip) / (int) sizeof(int16);

	if (ndigits == 0)
		return value_hash_integer(0);
	if (weight < 0 || weight > 3 || ndigits > weight + 1)
		return value_combine(hash_string(data + skip, len - skip),
							 (uint32) (weight * 2 + negative));
	for (int i = 0; i <= weight; i++)
	{
		int16		digit = 0;

		/* a packed datum need not be aligned */
		if (i < ndigits)
			memcpy(&digit, digits + i, sizeof(digit));
		integer = integer * NUMERIC_DIGIT_WIDTH + digit;
	}
	return value_hash_integer(negative ? -integer : integer);
}

ValueClass
value_class(Oid typid, int16 typlen, bool typbyval)
{
	switch (typid)
	{
		case INT2OID:
			return VALUE_INT2;
		case INT4OID:
			return VALUE_INT4;
		case INT8OID:
			return VALUE_INT8;
		case OIDOID:
			return VALUE_INT4;
		case UUIDOID:
			return VALUE_UUID;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BYTEAOID:
		case UNKNOWNOID:
			return typid == UNKNOWNOID ? VALUE_NONE : VALUE_TEXT;
		case NUMERICOID:
			return VALUE_NUMERIC;
		case NAMEOID:
			return VALUE_NAME;
		case DATEOID:
			return VALUE_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return VALUE_TIMESTAMP;
		default:
			break;
	}

	/*
	 * A type of the users' own: a domain or an enum looks like what it is
	 * made of; citext and its like are strings.
	 */
	if (typid < FirstNormalObjectId)
		return VALUE_NONE;
	if (typbyval)
		return typlen == 2 ? VALUE_INT2 :
			typlen == 4 ? VALUE_INT4 :
			typlen == 8 ? VALUE_INT8 : VALUE_NONE;
	return typlen == UUID_LEN ? VALUE_UUID :
		typlen == -1 ? VALUE_TEXT : VALUE_NONE;
}

/* the same when only the type is known */
ValueClass
value_class_of_type(Oid typid)
{
	int16		typlen = 0;
	bool		typbyval = false;

	if (typid >= FirstNormalObjectId)
		get_typlenbyval(typid, &typlen, &typbyval);
	return value_class(typid, typlen, typbyval);
}

uint32
value_hash(Datum value, ValueClass class)
{
	struct varlena *v;

	switch (class)
	{
		case VALUE_INT2:
			return value_hash_integer(DatumGetInt16(value));
		case VALUE_INT4:
			return value_hash_integer(DatumGetInt32(value));
		case VALUE_INT8:
			return value_hash_integer(DatumGetInt64(value));
		case VALUE_UUID:
			return hash_string(DatumGetPointer(value), UUID_LEN);
		case VALUE_NAME:
			return hash_text(NameStr(*DatumGetName(value)),
							 strlen(NameStr(*DatumGetName(value))));
		case VALUE_DATE:
			return value_hash_integer((int64) DatumGetDateADT(value) * USECS_PER_DAY);
		case VALUE_TIMESTAMP:
			return value_hash_integer(DatumGetTimestamp(value));
		case VALUE_TEXT:
		case VALUE_NUMERIC:
			v = (struct varlena *) DatumGetPointer(value);
			/* what lies out of line or compressed is too long for a key */
			if (VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v))
				return VALUE_UNKNOWN;
			if (class == VALUE_NUMERIC)
				return hash_numeric(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
			return hash_text(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
		case VALUE_NONE:
			break;
	}
	return VALUE_UNKNOWN;
}

/* length, alignment and passing of the element types that keys have */
static bool
element_layout(Oid typid, int16 *typlen, bool *typbyval, char *typalign)
{
	switch (value_class_of_type(typid))
	{
		case VALUE_NONE:
			return false;
		case VALUE_INT2:
		case VALUE_INT4:
		case VALUE_INT8:
		case VALUE_UUID:
		case VALUE_TEXT:
		case VALUE_NUMERIC:
		case VALUE_NAME:
		case VALUE_DATE:
		case VALUE_TIMESTAMP:
			get_typlenbyvalalign(typid, typlen, typbyval, typalign);
			return true;
	}
	return false;
}

/*
 * The fingerprint of a value that need not be of a key's type, to tell whether
 * it is the same again.  It is not comparable across types.
 */
uint32
value_hash_any(Datum value, Oid typid)
{
	ValueClass	class = value_class_of_type(typid);
	int16		typlen;
	bool		typbyval;

	if (class != VALUE_NONE)
		return value_hash(value, class);
	get_typlenbyval(typid, &typlen, &typbyval);
	if (typbyval)
		return value_hash_integer((int64) value);
	if (typlen > 0)
		return hash_string((const char *) DatumGetPointer(value), typlen);
	if (typlen == -1 && !VARATT_IS_EXTENDED(DatumGetPointer(value)))
		return hash_string(VARDATA_ANY(DatumGetPointer(value)),
						   (int) VARSIZE_ANY_EXHDR(DatumGetPointer(value)));
	if (typlen == -1 && VARATT_IS_SHORT(DatumGetPointer(value)))
		return hash_string(VARDATA_SHORT(DatumGetPointer(value)),
						   (int) VARSIZE_SHORT(DatumGetPointer(value)) - VARHDRSZ_SHORT);
	return VALUE_UNKNOWN;
}

/*
 * The fingerprint of an array: that of its only element, or of all its bytes.
 * *nelems gets the number of elements, 0 when the array cannot be read.
 */
uint32
value_hash_array(Datum array, int *nelems)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(array);
	ArrayType  *a;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	char	   *data;

	*nelems = 0;
	if (VARATT_IS_EXTENDED(v))
	{
		/* short, compressed or out of line: count it as a batch, unread */
		*nelems = VARATT_IS_SHORT(v) ? 0 : 2;
		return VALUE_UNKNOWN;
	}
	a = (ArrayType *) v;
	*nelems = ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a));
	if (*nelems != 1)
		return hash_string((const char *) a, VARSIZE(a));
	if (ARR_HASNULL(a) ||
		!element_layout(ARR_ELEMTYPE(a), &typlen, &typbyval, &typalign))
		return VALUE_UNKNOWN;
	data = ARR_DATA_PTR(a);
	return value_hash(fetch_att(data, typbyval, typlen),
					  value_class_of_type(ARR_ELEMTYPE(a)));
}
