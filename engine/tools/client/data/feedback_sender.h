/* feedback_sender.h: Sender of feedback for `sluice feedback`: one, or a line each of a file, checked, sent and counted.
 *
 * Feedback that is wrong, or that Kafka refuses, is reported with its line and the reason, and the others are sent. Belongs to one
 * thread; it waits for Kafka.
 */
#ifndef SLUICE_TOOLS_CLIENT_DATA_FEEDBACK_SENDER_H
#define SLUICE_TOOLS_CLIENT_DATA_FEEDBACK_SENDER_H

#include <stdio.h>

#include "tools/client/kafka.h"
#include "kafka/produce/sender.h"
#include "message/records/feedback.h"
#include "tools/view/refused_lines.h"

struct feedback_sender {		      /* starts with the first three */
	const struct pipeline_target *target; /* with a feedback topic; borrowed */
	int64_t timeout_ms;		      /* within which Kafka acknowledges a record */
	struct refused_lines refused;	      /* with a workspace */
	bool was_opened;		      /* there was a connection to Kafka, and the count is known */
	uint64_t acknowledged;
	struct sender *sender;
	struct arena *arena; /* of one record */
	struct buffer record;
	uint64_t line; /* 0: the feedback has none */
};

/* Sends the lines of a file, or one feedback (the other is NULL), and waits until Kafka has acknowledged or refused each.
 * Feedback without a time has the present one. False: nothing more can be sent. */
bool feedback_sender_run(struct feedback_sender *sender, FILE *lines, struct feedback *feedback, struct error *error);

#endif
