/* write_denial.h: Topics that the login may not write any more, or that Kafka has not got any more. The stages that write one wait:
 * they take no record, and their offsets stay where they are. The other stages of the worker go on. Kafka is asked now and then,
 * and the stages continue when they may write it again. Private to the worker.
 */
#pragma once

#include "engine/worker/parts.h"

/* Kafka has refused a record for that topic, of the setup's writes. What is not committed comes again by a reset. */
void write_denial_note(struct worker *worker, uint32_t topic, bool is_gone);

/* A stage that a setup opens waits as the one of its pipeline before, if it writes the same topic. */
void write_denial_pass_on(const struct worker_setup *setup, struct worker_stage *stage);

/* The stage closes. */
void write_denial_end(const struct worker_stage *stage);

/* Lets stages continue whose topics may be written again. Called once a turn. */
void write_denials_check(struct worker *worker);
