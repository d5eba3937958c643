/* verification.h: Verification of a pipeline's answers: reads its requests, answers and dead letters from Kafka into an audit. For
 * `sluice verify`.
 *
 * Requests are judged up to the offsets that the pipeline's group has committed in its inputs. Those that a later stage has not
 * committed are on their way, and not judged. Committed offsets are read first, then the ends of the topics of answers and dead
 * letters, and that of the inputs last. So each answer of a committed request is read, and each answer has its request.
 */
#pragma once

#include "tools/client/data/recomputation.h"
#include "tools/client/kafka.h"

struct verification_asked {
	int64_t since_ms; /* of the day: only requests that were written then or later; 0: all */
	size_t shown;	  /* findings of each kind, at most */
	enum recompute recompute;
};

/* Reads and judges. The target has a plan. NULL: CONFIG: the pipeline cannot be verified; REMOTE or SYSTEM: it cannot be read. To
 * be closed by audit_close(). */
struct answer_audit *verification_run(const struct pipeline_target *target, const struct verification_asked *asked,
				      struct error *error);
