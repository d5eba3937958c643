/* seldon_errors.h: Errors in the forms of Seldon's gateways (`compat: seldon`), for clients that were written for these. Pure.
 *
 * Seldon Core 2 answers a request that its pipeline failed with 400 and the text `NAME : REASON`, whatever the reason is; over
 * gRPC with the status UNKNOWN and the same text. NAME is the step, or the pipeline. Seldon Core 1 answers each error by a
 * SeldonMessage whose status is FAILURE. What a gateway refuses itself on other paths keeps its status and its form, because
 * Seldon has none for it.
 */
#pragma once

#include "gateway/calls/call_outcome.h"

/* Writes the SeldonMessage of an error. */
void seldon_failure_write(struct buffer *out, int status, enum error_kind kind, struct text words);

/* Writes a failed outcome in Seldon's form: in that of Seldon Core 1 with `is_v1`, else in that of Seldon Core 2, if a pipeline
 * has failed. The body is written into `body`. False: the outcome is unchanged. */
bool seldon_outcome_write(struct call_outcome *outcome, bool is_v1, struct buffer *body);
