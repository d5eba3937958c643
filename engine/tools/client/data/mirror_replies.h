/* mirror_replies.h: Replies of an experiment's mirror, read from the shadow topics of pipelines and compared with the answers. */
#pragma once

#include "tools/client/kafka.h"
#include "experiments/analysis/mirror_comparison.h"

/* Which are read. */
struct mirror_asked {
	const struct workspace *workspace;
	const struct pipeline_target_asked *target;
	const char *experiment;
	int64_t since_ms, until_ms; /* of requests; 0: all. Answers whose copy was lost count by their own time. */
	bool mirrors;		    /* the files give it a mirror: answers are read although no copy has a result */
};

/* Adds what a pipeline's topics have to the comparison. A pipeline without a shadow topic adds nothing. False: a topic cannot be
 * read. */
bool mirror_replies_read(const struct mirror_asked *asked, const char *pipeline, struct mirror_comparison *comparison,
			 struct error *error);
