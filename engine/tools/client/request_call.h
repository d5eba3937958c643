/* request_call.h: One request that is sent to a running pipeline, and the wait for its answer. For `sluice infer`. */
#pragma once

#include "tools/client/kafka.h"
#include "tools/client/request_encode.h"
#include "tools/view/answer_view.h"

struct request_call { /* starts with these, which are borrowed */
	struct text request;
	enum request_form request_form;
	const char *asked_id; /* NULL: a random one is made */
	const char *key;      /* NULL: that of the pipeline's files, if they set one */
	int64_t timeout_ns;   /* within which the answer comes; the request has this deadline */
	struct arena *kept;   /* of what lives as long as the call */
	/* Called once, with the answer, which lives until it returns, and an arena of the same life. False: an error, which the
	 * call has too. */
	bool (*answered)(void *context, const struct answer_view *answer, struct arena *arena, struct error *error);
	void *context;

	struct text id;
	int64_t end_ns;
	struct schema_lookup asker;
	struct arena *arena; /* of one record */
	const char *refused; /* by Kafka; NULL: not */
};

/* The reader of answers stands at their end before the request is sent. REMOTE: no answer came in time. SYSTEM: Kafka did not
 * accept the request. */
bool request_call_run(struct request_call *call, const struct pipeline_target *target, struct error *error);
