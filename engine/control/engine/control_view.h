/* control_view.h: View of the control plane: the ledger of a namespace, and readers that go on where it ends.
 *
 * Opening waits for Kafka, and may be done by another thread than the one that then uses the view.
 */
#pragma once

#include "compiler/conditions/alert_record.h"
#include "control/engine/control_reader.h"
#include "kafka/consume/reader.h"

#define CONTROL_VIEW_TURN 500 /* records of a topic; then the loop continues */

struct control_view_config {
	const char *brokers;
	const char *namespace;
	const char *control, *status; /* names of the topics, which must exist */
	struct properties consumer;
	/* Takes the report of an engine on an alert. NULL: nobody does. */
	void (*take_alert_report)(void *context, const struct alert_read *report);
	void *alerts; /* its context */
};

struct control_view {
	const struct control_view_config *config;
	struct control_reader reader;
	struct reader_config control_config, status_config;
	struct reader *control, *status;
	int64_t next_offset; /* of `control`: no record may come with a lower one */
};

/* Reads `control` to its end, and `status` from its end. The configuration is borrowed. NULL: `error` has the reason. */
struct control_view *control_view_open(const struct control_view_config *config, struct error *error);
void control_view_close(struct control_view *view); /* NULL is fine */

/* Folds a record of `control`; `context` is the view. False: SYSTEM; also if the topic was deleted and created again. */
bool control_view_take(void *context, const struct record *record, struct error *error);

/* Takes the records of both topics that have arrived, but at most CONTROL_VIEW_TURN of each: then it rings the bell, so that the
 * loop continues in between. False: SYSTEM, as above, or a reader has failed; what was taken before stays. */
bool control_view_read(struct control_view *view, int bell, struct error *error);
