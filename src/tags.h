/*-------------------------------------------------------------------------
 *
 * tags.h
 *	  Request tags that programs put into the comments of their statements.
 *
 * Needs nothing of the server, so that tags.c can be tested and fuzzed
 * outside of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_TAGS_H
#define PG_NPLUSONE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAGS_MAX_PAIRS 16
#define TAGS_MAX_BYTES 512

/* enough for tags_to_json: each byte escaped, quotes, colons, commas, braces */
#define TAGS_JSON_BYTES (2 * TAGS_MAX_BYTES + 6 * TAGS_MAX_PAIRS + 3)

/* one key and its value, as places in the bytes of RequestTags */
typedef struct TagPair
{
	uint16_t	key;
	uint16_t	key_len;
	uint16_t	value;
	uint16_t	value_len;
} TagPair;

/*
 * The decoded tags of one statement.  Only the first n pairs and the first
 * used bytes are set; keys are not empty and occur once.  Nothing in it is
 * zero-terminated.
 */
typedef struct RequestTags
{
	int			n;
	int			used;
	TagPair		pairs[TAGS_MAX_PAIRS];
	char		bytes[TAGS_MAX_BYTES];
} RequestTags;

extern bool tags_find_comment(const char *text, int len,
							  int *start, int *stop);
extern bool tags_ignore(const char *text, int len);
extern bool tags_read_statement(const char *text, int len, RequestTags *tags);
extern bool tags_parse_comment(const char *comment, int len,
							   RequestTags *tags);
extern bool tags_parse_list(const char *list, RequestTags *tags);

extern const char *tags_get(const RequestTags *tags, const char *key,
							int *len);
extern uint32_t tags_trace_hash(const RequestTags *tags, const char *named);
extern uint32_t tags_request_hash(const RequestTags *tags);
extern int	tags_route(const RequestTags *tags, char *buf, size_t size);
extern int	tags_to_json(const RequestTags *tags, char *buf, size_t size);

#endif							/* PG_NPLUSONE_TAGS_H */
