/* call_counts.h: Counts of a gateway's calls by target, protocol, service and status, and their durations, for metrics.
 *
 * A target has at most CALL_COUNTS_MAX combinations of protocol, service and status; the others of each protocol and service are
 * counted together, with the code `other`. With Seldon's names that is at most 580 series more. A target that is gone keeps its
 * counts, so that no counter goes back. Belongs to its loop's thread.
 */
#pragma once

#include "gateway/calls/targets.h"
#include "observe/exposition.h"

#define CALL_COUNTS_MAX ((size_t)12) /* of a target, besides the others */
#define CALL_COUNTS_OTHERS ((size_t)COUNTED_PROTOCOLS * CALL_SERVICES)
#define REFUSAL_COUNTS_MAX ((size_t)30) /* the same of refusals */

/* Services of Seldon's executor. An explanation is another server there, and has no such metric. */
enum call_service { SERVICE_PREDICTIONS, SERVICE_FEEDBACK, SERVICE_EXPLANATIONS, CALL_SERVICES };

struct call_counts;
struct target_counts; /* of one target */

struct call_counts *call_counts_open(void); /* NULL: no memory */
void call_counts_close(struct call_counts *counts); /* NULL is fine */

/* Returns the counts of the target, which live as long as `counts`; the same for each target of that name. NULL: no
 * memory. */
struct target_counts *call_counts_of(struct call_counts *counts, const struct gateway_target *target);

/* Counts a call that ended: `status` of HTTP, or for COUNTED_GRPC the gRPC status. `target` NULL: it is not counted. */
void call_counts_add(struct target_counts *target, enum counted_protocol protocol, enum call_service service, int status,
		     uint64_t us);
/* The same of a call that did not begin. */
void call_counts_refuse(struct target_counts *target, enum counted_protocol protocol, enum call_service service, int status);

/* Counts a request that the gateway refused itself, whatever its target. */
void call_counts_refusal(struct call_counts *counts, enum counted_protocol protocol, int status);

void call_counts_write(const struct call_counts *counts, struct exposition *exposition);

/* Writes the metrics with Seldon's names. */
void call_counts_write_seldon(const struct call_counts *counts, struct exposition *exposition);
