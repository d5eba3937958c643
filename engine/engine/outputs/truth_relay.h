/* truth_relay.h: Relay of a pipeline's feedback: its records go to the observers that wait for truths
 * (message/records/truth_link.h), each in the transaction of its offset. Private to worker.
 *
 * The stage of a relay runs no step. The partitions of a feedback topic are spread over the engines, and one task has the windows
 * of an observer; so the truths go through the topic of the observer's stage, behind the rows that were sent there before.
 */
#pragma once

#include "engine/worker/parts.h"

/* Finishes the in-flight message of a feedback record: it leaves to the observers' stages. A record that is no feedback, or says
 * nothing of a request's truth, goes nowhere. Neither does one whose link Kafka refused before: it is lost. */
void truth_relay_take(struct worker *worker, struct inflight *inflight);

/* Counts feedback that no observer gets, and logs it with the reason, unless a line has been logged lately. */
void truth_relay_lose(const struct inflight *inflight, const char *reason);
