/* replaying.h: Replay of failed requests: read from the errors topic, edited if that is asked for, sent again, and marked there.
 * For `sluice errors replay`. */
#ifndef SLUICE_TOOLS_CLIENT_DATA_REPLAYING_H
#define SLUICE_TOOLS_CLIENT_DATA_REPLAYING_H

#include "tools/client/data/dead_letters.h"
#include "tools/client/kafka.h"

struct replay_asked {
	const struct pipeline_target_asked *target;
	const char *pipeline;
	struct dead_letters_wanted wanted;
	bool edit;	     /* opens each request in an editor first */
	bool reassign;	     /* experiments choose anew, instead of as before the requests failed */
	int64_t deadline_ns; /* new deadline of requests that had one */
};

struct replaying { /* starts with the first two, which are borrowed until replaying_close() */
	const struct workspace *workspace;
	const struct replay_asked *asked;
	bool was_sent; /* what is below is known */
	uint64_t acknowledged, refused, left_out;
	struct pipeline_target target; /* its `inputs` is the topic to which they are sent */
	struct sender *sender;
	struct arena *arena; /* of one letter */
	uint64_t sent;
	struct replayed_place *places; /* of sent requests, by their numbers from 1 */
	size_t place_room;
};

/* Waits until Kafka has acknowledged or refused each. What was refused goes to the workspace as a note. */
bool replaying_run(struct replaying *replaying, struct error *error);
void replaying_close(struct replaying *replaying);

#endif
