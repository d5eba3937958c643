/* artifact_writer.h: Writes artifacts into the topic of a namespace (artifact_topic.h), and removes chunks of them.
 *
 * One writer is for many artifacts: with a current librdkafka (2.12) the first record of each producer takes half a second.
 * Waits for Kafka; belongs to one thread.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

struct artifact_topic;
struct artifact_writer;

/* The topic has to outlive it. NULL: SYSTEM. */
struct artifact_writer *artifact_writer_open(const struct artifact_topic *topic, struct error *error);

/* Sends all chunks of an artifact of at most ARTIFACT_BYTES_MAX. SYSTEM, which may be of what was sent earlier. */
bool artifact_writer_put(struct artifact_writer *writer, struct text content, struct error *error);

/* Sends what makes a chunk of an artifact vanish. SYSTEM, as above. */
bool artifact_writer_remove(struct artifact_writer *writer, const char *digest, size_t chunk, struct error *error);

/* Waits until Kafka has everything that was sent. SYSTEM: it may lack some of it. */
bool artifact_writer_settle(struct artifact_writer *writer, struct error *error);

/* What is still on its way may be lost. NULL: does nothing. */
void artifact_writer_close(struct artifact_writer *writer);
