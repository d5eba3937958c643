/* submission.c: see submission.h. */
#include "gateway/calls/submission.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/random.h>

#define PARTS 4
#define NONCE_BYTES (SUBMISSION_NONCE_DIGITS / 2)

static const char digits[] = "0123456789abcdef";

/* ---- nonce ---- */

static void nonce_write(struct submission *submission, const unsigned char bytes[NONCE_BYTES])
{
	for (size_t i = 0; i < NONCE_BYTES; i++) {
		submission->nonce[2 * i] = digits[bytes[i] >> 4];
		submission->nonce[2 * i + 1] = digits[bytes[i] & 15];
	}
}

bool submission_draw(struct submission *submission)
{
	unsigned char drawn[NONCE_BYTES];
	const bool good = getrandom(drawn, sizeof drawn, 0) == (ssize_t)sizeof drawn;
	if (good)
		nonce_write(submission, drawn);
	return good;
}

void submission_derive(struct submission *submission, struct text reply_address)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)reply_address.bytes, reply_address.length, digest);
	nonce_write(submission, digest);
}

struct text submission_nonce(const struct submission *submission)
{
	return (struct text){submission->nonce, sizeof submission->nonce};
}

bool submission_is_of(const struct submission *submission, struct text nonce)
{
	int differ = 0;
	if (nonce.length != sizeof submission->nonce)
		return false;
	for (size_t i = 0; i < sizeof submission->nonce; i++)
		differ |= submission->nonce[i] ^ nonce.bytes[i];
	return differ == 0;
}

/* ---- text ---- */

struct text submission_origin(const struct submission *submission, const char *inputs, char out[REPLY_ORIGIN_BYTES_MAX])
{
	(void)snprintf(out, REPLY_ORIGIN_BYTES_MAX, "%s/%" PRId32 "/%" PRId64, inputs, submission->partition, submission->offset);
	return text_of(out);
}

bool submission_read_origin(struct submission *submission, struct text origin)
{
	int64_t partition, offset;
	const struct text topic = text_take_until(&origin, '/');
	const struct text number = text_take_until(&origin, '/');
	if (topic.length == 0 || !number_read_int64(number, &partition) || !number_read_int64(origin, &offset) || partition < 0 ||
	    partition > INT32_MAX || offset < 0)
		return false;
	submission->partition = (int32_t)partition;
	submission->offset = offset;
	return true;
}

size_t submission_write(const struct submission *submission, char out[SUBMISSION_ID_BYTES_MAX])
{
	/* -1 is written as 0, so that the hyphen only separates. */
	int written = snprintf(out, SUBMISSION_ID_BYTES_MAX, "%" PRId32 "-%" PRId64 "-%" PRId64 "-%" PRId64 "-%.*s",
			       submission->partition, submission->offset, submission->time_ms, (int64_t)submission->answers + 1,
			       SUBMISSION_NONCE_DIGITS, submission->nonce);
	return written > 0 ? (size_t)written : 0;
}

static bool nonce_read(struct text text, char nonce[SUBMISSION_NONCE_DIGITS])
{
	if (text.length != SUBMISSION_NONCE_DIGITS)
		return false;
	for (size_t i = 0; i < SUBMISSION_NONCE_DIGITS; i++)
		if (!memchr(digits, text.bytes[i], sizeof digits - 1))
			return false;
	memcpy(nonce, text.bytes, SUBMISSION_NONCE_DIGITS);
	return true;
}

bool submission_read(struct text id, struct submission *submission)
{
	static const int64_t most[PARTS] = {INT32_MAX, INT64_MAX, INT64_MAX, (int64_t)INT32_MAX + 1};
	int64_t parts[PARTS];
	for (size_t i = 0; i < PARTS; i++) {
		struct text part = text_take_until(&id, '-');
		if (part.length == 0 || *part.bytes == '+' || !number_read_int64(part, &parts[i]) || parts[i] < 0 ||
		    parts[i] > most[i])
			return false;
	}
	if (parts[2] < SUBMISSION_TIME_MS_LEAST)
		return false;
	*submission = (struct submission){
		.partition = (int32_t)parts[0], .offset = parts[1], .time_ms = parts[2], .answers = (int32_t)(parts[3] - 1)};
	return nonce_read(id, submission->nonce);
}
