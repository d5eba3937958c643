/* request_line.h: A line of requests to be sent, in the form of a case's in.jsonl, for `sluice produce`. */
#ifndef SLUICE_TOOLS_CLIENT_REQUEST_LINE_H
#define SLUICE_TOOLS_CLIENT_REQUEST_LINE_H

#include "tools/client/request_encode.h"

/* Headers that are added to those of a line: the id, and those of the format. */
#define REQUEST_LINE_HEADERS (1 + REQUEST_HEADERS_MAX)

/* A line is a request, or has one as its member `request`, with what goes around it. */
struct request_line {
	struct text id;
	struct text key;
	struct text request;
	struct header *headers; /* one for the id, if the line has one; REQUEST_HEADERS_MAX more have room */
	size_t header_count;
};

/* Reads a line; what it has lives in the arena, or is borrowed from the bytes. INPUT: it is no JSON object, or a member has the
 * wrong type. LIMIT: it does not fit the arena. */
bool request_line_read(struct text bytes, struct arena *arena, struct request_line *line, struct error *error);

#endif
