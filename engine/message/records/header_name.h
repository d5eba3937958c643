/* header_name.h: Numbers of the names of headers that the engine looks for, in requests and in records.
 *
 * A name is classified once, when its header is read. From then on the header is found by its number, without comparing names.
 * Names are compared without case, of ASCII letters.
 *
 * The table is a perfect hash of a name's length and its last four bytes. To add a name, add a row; header_number_test.c says
 * which place it has. HEADER_B3, `b3`, is too short for it, and found by itself.
 *
 * Pure.
 */
#pragma once

#include "base/text.h"

/* Name, text (small letters, digits and hyphens; at least four), and place in the table. USER_AGENT and ACCEPT are here because
 * most requests have them: a name with a row needs no check of its bytes. */
#define HEADER_NAME_ROWS(ROW)                                                                                                      \
	ROW(HOST, "host", 137)                                                                                                     \
	ROW(ORIGIN, "origin", 210)                                                                                                 \
	ROW(ACCEPT, "accept", 145)                                                                                                 \
	ROW(ACCEPT_LANGUAGE, "accept-language", 85)                                                                                \
	ROW(ACCEPT_ENCODING, "accept-encoding", 32)                                                                                \
	ROW(USER_AGENT, "user-agent", 189)                                                                                         \
	ROW(CONNECTION, "connection", 215)                                                                                         \
	ROW(EXPECT, "expect", 13)                                                                                                  \
	ROW(CONTENT_LENGTH, "content-length", 206)                                                                                 \
	ROW(TRANSFER_ENCODING, "transfer-encoding", 21)                                                                            \
	ROW(CONTENT_TYPE, "content-type", 225)                                                                                     \
	ROW(CONTENT_ENCODING, "content-encoding", 155)                                                                             \
	ROW(AUTHORIZATION, "authorization", 70)                                                                                    \
	ROW(API_KEY, "x-api-key", 187)                                                                                             \
	ROW(FORWARDED_FOR, "x-forwarded-for", 130)                                                                                 \
	ROW(PREFER, "prefer", 115)                                                                                                 \
	ROW(TRACEPARENT, "traceparent", 207)                                                                                       \
	ROW(TRACESTATE, "tracestate", 26)                                                                                          \
	ROW(B3_TRACE, "x-b3-traceid", 198)                                                                                         \
	ROW(EVENT_VERSION, "ce-specversion", 179)                                                                                  \
	ROW(EVENT_TYPE, "ce-type", 125)                                                                                            \
	ROW(EVENT_SOURCE, "ce-source", 135)                                                                                        \
	ROW(EVENT_ID, "ce-id", 126)                                                                                                \
	ROW(REQUEST_ID, "x-request-id", 167)                                                                                       \
	ROW(DEADLINE, "x-deadline-ms", 38)                                                                                         \
	ROW(TIMEOUT, "x-timeout-ms", 123)                                                                                          \
	ROW(IDEMPOTENCY_KEY, "idempotency-key", 153)                                                                               \
	ROW(OIP_LENGTH, "inference-header-content-length", 239)                                                                    \
	ROW(EXPLAIN, "x-explain", 124)                                                                                             \
	ROW(SELDON_PUID, "seldon-puid", 39)                                                                                        \
	ROW(SELDON_MODEL, "seldon-model", 216)                                                                                     \
	ROW(SELDON_ROUTE, "seldon-route", 59)                                                                                      \
	ROW(ROUTE, "x-seldon-route", 48)                                                                                           \
	ROW(SELDON, "seldon", 98)                                                                                                  \
	ROW(NAMESPACE, "namespace", 72)                                                                                            \
	ROW(KEY, "sluice-key", 53)                                                                                                 \
	ROW(REPLY, "sluice-reply", 165)                                                                                            \
	ROW(REPLY_EXPLANATION, "sluice-reply-explanation", 136)                                                                    \
	ROW(DEFAULT_ID, "sluice-id", 104)                                                                                          \
	ROW(SUBMITTED, "sluice-submitted", 6)                                                                                      \
	ROW(OUTCOME, "sluice-outcome", 66)                                                                                         \
	ROW(ERROR, "sluice-error", 170)                                                                                            \
	ROW(LIMIT, "sluice-limit", 253)                                                                                            \
	ROW(INPUT, "sluice-input", 118)                                                                                            \
	ROW(CALLER, "sluice-caller", 27)                                                                                           \
	ROW(EXPERIMENT, "sluice-experiment", 105)

#define HEADER_NAME_NUMBER(name, text, place) HEADER_##name,
enum header_name { HEADER_OTHER, HEADER_NAME_ROWS(HEADER_NAME_NUMBER) HEADER_B3, HEADER_NAMES };
#undef HEADER_NAME_NUMBER

static_assert(HEADER_NAMES <= 64, "a set of them is a uint64_t");

/* HEADER_OTHER: it has no number. */
enum header_name header_name_find(struct text name);

/* Its text. Empty: HEADER_OTHER. */
struct text header_name_text(enum header_name name);

/* The place in the table of a name of at least four bytes, with or without a row. */
unsigned header_name_place(struct text name);

/* A set of names is a number with such bits. */
static inline uint64_t header_name_bit(enum header_name name)
{
	return UINT64_C(1) << name;
}
