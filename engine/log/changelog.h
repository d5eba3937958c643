/* changelog.h: what stages remember, in Kafka: one compacted topic a stage, a partition
 * for each that the stage reads, under the same number.
 *
 * What was released is told to the output before it is ended, so that it is committed
 * with the offsets and results of the messages that wrote it. It is read back from the
 * beginning, or from where a snapshot ends, to where the partition ended when the reading
 * began: what an engine that is gone had begun to commit is waited for, and what it gave
 * up is not seen.
 */
#ifndef SLUICE_LOG_CHANGELOG_H
#define SLUICE_LOG_CHANGELOG_H

#include "log/output.h"
#include "state/change.h"

/* ---- telling; the worker's thread ---- */

/* Scratch of whoever tells. */
struct changelog_words {
	struct buffer key;
	struct buffer value;
};

void changelog_words_open(struct changelog_words *words);
void changelog_words_close(struct changelog_words *words);

/* Produces what the store of that input's partition has to tell, until there is nothing more (PRODUCED), or the
 * output takes nothing more now (PRODUCE_FULL, PRODUCE_SPOILT): the rest is told next
 * time. PRODUCE_REFUSED: a change that can never be told. */
enum produce_verdict changelog_tell(struct store *store, struct changelog_words *words, uint32_t topic, struct position input,
				    struct output *output, struct error *error);

/* ---- reading; a thread that may wait for Kafka ---- */

struct changelog_reader;

#define CHANGELOG_SHOWN_MS 15000 /* how long a partition that the brokers do not show is waited for */

/* One client for many partitions, one after the other. Everything is borrowed as long as
 * it lives. */
struct changelog_reader *changelog_reader_open(const char *brokers, struct properties properties, struct error *error);
void changelog_reader_close(struct changelog_reader *reader); /* NULL is fine */

struct changelog_source {
	const char *topic;
	int32_t partition;
	int64_t from; /* OFFSET_NONE: the beginning */
	/* Asked a few times a second, with the offset that is reached and the one at which it
	 * is done (OFFSET_NONE: not known yet); false: no more. NULL: nobody asks. */
	bool (*go_on)(void *context, int64_t reached, int64_t end);
	void *context;
};

enum changelog_end {
	CHANGELOG_READ,	   /* the store is as it should be */
	CHANGELOG_GONE,	   /* the partition has no such offset: the snapshot is of another time */
	CHANGELOG_STOPPED, /* by go_on() */
	CHANGELOG_FAILED,  /* `error` says why: SYSTEM or CONFIG */
};

/* What was read. */
struct changelog_extent {
	int64_t low; /* the partition's first offset */
	int64_t end; /* behind the last that was read or passed over */
	uint64_t records;
};

/* Of scopes that the store does not have nothing is kept. */
enum changelog_end changelog_read(struct changelog_reader *reader, const struct changelog_source *source, struct store *store,
				  struct changelog_extent *extent, struct error *error);

#endif
