/* changelog.h: Changelog of the state of a stage in Kafka: one compacted topic for each stage. For each partition
 * that the stage reads, it has a partition of the same number.
 *
 * Changes are produced to the output before it is ended. So they are committed together with the offsets and results
 * of the messages that wrote them. A changelog is read from its beginning, or from the end of a snapshot, to where
 * the partition ended when the read began. Transactions that a dead engine had begun to commit are waited for;
 * aborted ones are skipped.
 */
#pragma once

#include "kafka/produce/output.h"
#include "flow/state/change.h"

/* ---- writing; the worker's thread ---- */

/* Scratch memory of the writer. */
struct changelog_words {
	struct buffer key;
	struct buffer value;
};

void changelog_words_open(struct changelog_words *words);
void changelog_words_close(struct changelog_words *words);

/* Produces the changes in the store of that input's partition. PRODUCED: none is left. PRODUCE_FULL,
 * PRODUCE_SPOILT: the output accepts no more now; the next call produces the rest. PRODUCE_REFUSED: a change can
 * never be produced. */
enum produce_verdict changelog_tell(struct store *store, struct changelog_words *words, uint32_t topic, struct position input,
				    struct output *output, struct error *error);

/* ---- reading; a thread that may wait for Kafka ---- */

struct changelog_reader;

#define CHANGELOG_SHOWN_MS 15000 /* time for which a partition that the brokers do not show is waited for */
#define CHANGELOG_SHOWN_AGAIN_MS 1000 /* the same for one that is looked at now and then */

/* One client for many partitions, one after the other. Borrows all arguments as long as it lives. */
struct changelog_reader *changelog_reader_open(const char *brokers, struct properties properties, struct error *error);
void changelog_reader_close(struct changelog_reader *reader); /* NULL is fine */

struct changelog_source {
	const char *topic;
	const char *pipeline; /* whose state it has, for the words of errors */
	int32_t partition;
	bool of_observers;   /* for the words of errors: the state is restored again now and then, without a new start */
	bool is_tried_again; /* a read of it has failed: CHANGELOG_SHOWN_AGAIN_MS counts */
	int64_t from; /* OFFSET_NONE: the beginning */
	/* Called a few times a second with the offset reached and the offset at which the read ends (OFFSET_NONE:
	 * not known yet). False stops the read. NULL: it is never stopped. */
	bool (*go_on)(void *context, int64_t reached, int64_t end);
	void *context;
};

enum changelog_end {
	CHANGELOG_READ,	   /* the store is up to date */
	CHANGELOG_GONE,	   /* the partition does not have the offset `from`: the snapshot does not fit it */
	CHANGELOG_STOPPED, /* by go_on() */
	CHANGELOG_FAILED,  /* `error` has the reason: SYSTEM or CONFIG */
};

/* Extent of a read. */
struct changelog_extent {
	int64_t low; /* the partition's first offset */
	int64_t end; /* after the last offset that was read or passed over */
	uint64_t records;
};

/* Whether Kafka keeps what the topic has: false, with a CONFIG error, if its settings delete state
 * (kafka/state/changelog_settings.h). */
bool changelog_may_be_kept(struct changelog_reader *reader, const char *topic, struct error *error);

/* Reads changes into the store. Changes of scopes that the store does not have are dropped. */
enum changelog_end changelog_read(struct changelog_reader *reader, const struct changelog_source *source, struct store *store,
				  struct changelog_extent *extent, struct error *error);
