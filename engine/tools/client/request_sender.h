/* request_sender.h: Sender of requests for `sluice produce`: reads each line or row, encodes it, sends it at a rate, and
 * counts.
 *
 * A request that cannot be read, encoded or sent is refused, with its line and the reason, and the others are sent. Belongs to one
 * thread; it waits for Kafka.
 */
#ifndef SLUICE_TOOLS_CLIENT_REQUEST_SENDER_H
#define SLUICE_TOOLS_CLIENT_REQUEST_SENDER_H

#include <stdio.h>

#include "tools/client/kafka.h"
#include "tools/client/request_encode.h"
#include "kafka/produce/sender.h"
#include "tools/source/tensor_files.h"
#include "tools/view/progress.h"
#include "tools/view/refused_lines.h"

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

#endif
