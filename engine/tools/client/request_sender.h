/* request_sender.h: Sender of requests for `sluice produce`: reads each line or row, encodes it, sends it at a rate, and
 * counts.
 *
 * A request that cannot be read, encoded or sent is refused, with its line and the reason, and the others are sent. Belongs to one
 * thread; it waits for Kafka.
 */
#pragma once

#include <stdio.h>

#include "tools/client/kafka.h"
#include "tools/client/request_encode.h"
#include "kafka/produce/sender.h"
#include "tools/source/tensor_files.h"
#include "tools/view/refused_lines.h"

/* Progress line of a command that takes long: how much is done, and the time that is left.
 *
 * The line is on a terminal only, and replaced four times a second. The time left assumes the mean speed so far. It is not
 * shown in the first second, nor if the end is not known.
 */
#define PROGRESS_LINE_MAX 256

struct progress_line {
	FILE *terminal; /* NULL: there is none, and nothing is shown */
	int64_t begun_ns, shown_ns;
};

/* `wanted`: false where the output is for a program. Nothing is shown if `out` is not a terminal. */
void progress_begin(struct progress_line *progress, FILE *out, bool wanted, int64_t now_ns);

/* Whether a line is to be shown now. */
bool progress_due(const struct progress_line *progress, int64_t now_ns);

/* Writes `NN%, WORDS, TIME left` into `line`. `total` 0: the end is not known. */
void progress_print(const struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns,
		    char line[PROGRESS_LINE_MAX]);

/* Shows that line in place of the one before it. */
void progress_show(struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns);

/* Removes the line, before something else is written. */
void progress_clear(struct progress_line *progress);

/* A line of requests to be sent, in the form of a case's in.jsonl, for `sluice produce`. */

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

struct request_sender { /* starts with these, which are borrowed; and with a `progress` that has begun */
	const struct pipeline_target *target;
	int64_t timeout_ms; /* within which Kafka acknowledges a request */
	int64_t rate;	    /* a second; 0: as fast as can be */
	bool repeat;	    /* starts again after the last one */
	enum request_form request_form;
	struct refused_lines refused; /* with a workspace, to which lines that are refused are reported */
	struct progress_line progress;

	/* The result. */
	bool was_opened; /* there was a connection to Kafka, and the counts are known */
	uint64_t acknowledged;

	/* Of the run. */
	struct sender *sender;
	struct arena *arena; /* of one line */
	uint64_t line, sent;
	int64_t begun_ns;	     /* when the first line was sent */
	uint64_t bytes, bytes_total; /* of lines: read, and in the file from where it is read; or rows; total 0: not known */
};

/* Sends the lines of a file, or the rows of tensors (the other is NULL), and waits until Kafka has acknowledged or refused each.
 * `repeat` asks for a file that can be read again. False: nothing more can be sent. */
bool request_sender_run(struct request_sender *producer, FILE *lines, const struct tensor_rows *rows, struct error *error);
