/* committer.h: Committer: thread that owns a transactional producer and makes the calls that block. transaction.c is
 * the worker's side of it and its only user.
 *
 * The thread gets one request at a time and returns one answer, under a lock that no message needs. The first
 * request, a start, needs no call. Then one end follows the other. While a request is being served, the worker does
 * not use the producer.
 */
#pragma once

#include "kafka/client.h"
#include "kafka/produce/output.h"

struct committer;

struct committer *committer_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);

/* Waits at most some seconds for the thread. False: no broker answers, and it is left alone with its memory and its positions, as
 * by committer_abandon(). Kafka aborts the open transaction, or the next engine of that id makes it do so. */
bool committer_close(struct committer *committer);

/* Closes a committer whose call does not return: its thread is left alone with its memory, and makes no other call if it returns
 * after all. */
void committer_abandon(struct committer *committer);

/* Opens another committer in place of one whose call does not return, which is to be abandoned then. It takes the transactional id,
 * so that Kafka refuses what the other one may still send, and goes on where that one stood, as after a call that failed. It has
 * its answers for the same bell, which the abandoned client may still ring: that is never closed. `positions` are a copy of those
 * that the other one has. NULL: no memory or thread, or, without an error, it is the consumer's client that hangs. */
struct committer *committer_replace(struct committer *hung, struct positions positions, struct error *error);

int committer_bell(const struct committer *committer);

/* NEWS_NONE: no answer yet. */
enum transaction_news committer_answer(struct committer *committer, struct error *error);

/* Ends the transaction. The positions belong to the committer until its answer; a reset writes the committed
 * offsets into them. With `lost`, a record that belongs to the transaction is missing from it, so the transaction
 * is aborted; `refused` has its topic and an error, if a broker describes the topic by that. */
void committer_end(struct committer *committer, struct positions positions, bool lost, const rd_kafka_message_t *refused);

/* Between an answer and the next end. */
rd_kafka_t *committer_producer(struct committer *committer, const struct topic_handles **topics);
bool committer_topics(struct committer *committer, const char *const *names, size_t count, struct error *error);

/* At any time. */
bool committer_refused(struct committer *committer, struct refusal *refusal);
const char *committer_reason(const struct committer *committer);

/* What the thread does now, in words, and the number of its calls so far: the same for as long as a call lasts. */
unsigned committer_calls(const struct committer *committer, const char **doing);
