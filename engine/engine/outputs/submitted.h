/* submitted.h: Headers of an answer in the outputs, by which a reader finds it (message/records/reply.h). A poll finds the answer
 * to a submitted request, and any reader that to a request without an id. Private to the worker. */
#pragma once

#include "message/records/reply.h"

#define SUBMITTED_HEADERS_MAX (2 + REPLY_ERROR_HEADERS_MAX)
#define SUBMITTED_END_HEADERS_MAX (SUBMITTED_HEADERS_MAX + 3)

/* Memory for these headers. */
struct submitted_texts {
	char origin[REPLY_ORIGIN_BYTES_MAX];
	struct reply_details details;
};

/* The header that names the request's topic, partition and offset. `origin` gets its text. */
struct header origin_header(const struct message *message, char origin[REPLY_ORIGIN_BYTES_MAX]);

/* Writes the headers that an answer has for polls: where its request is, its nonce, and what an error has besides its words.
 * `answer`, the message and `texts` are borrowed. Returns their number; 0: the request was not submitted. */
size_t submitted_headers(const struct message *message, const struct answer *answer, struct header items[SUBMITTED_HEADERS_MAX],
			 struct submitted_texts *texts);

/* The same for the record without a value that ends a request which has no answer: it was dropped or, with an error, has
 * failed where errors are not answered. */
size_t submitted_end_headers(const struct message *message, const struct answer *answer,
			     struct header items[SUBMITTED_END_HEADERS_MAX], struct submitted_texts *texts);
