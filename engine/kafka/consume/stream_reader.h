/* stream_reader.h: Reader of many topics by one client, without a consumer group, which leaves no trace in Kafka. Each stream is
 * one topic, or one partition of it, whose records come in the order of their times, as far as each partition has it: the next
 * record of each is waited for until its end is reached, or READER_PATIENCE_MS. Streams are opened and closed while others are
 * read, and one that fails leaves the others as they are; one whose topic is deleted has no more records. Only committed
 * records are returned, unless the caller wants others.
 *
 * Belongs to one thread. Opening waits for Kafka. Reading does so only where a broker has not got what was read before, for some
 * seconds.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/record.h"
#include "observe/counts.h"

#define READER_NEWEST 1000
#define READER_ABSENT_MS 300
#define READER_LEADERS_MS 3000	 /* a partition whose leader is back is read after so long */
#define READER_KNOW_MS 5000
#define READER_PATIENCE_MS 10000 /* a partition that gives neither records nor its end holds up others for so long */

struct stream_reader;
struct stream;

struct reader_config {
	/* Of the client. */
	const char *brokers;
	bool uncommitted; /* also records that no transaction has committed; an open one then delays nothing */
	bool is_watched;  /* what is known of answers, leaders and counts is asked for */
	int watch_ms;	  /* how often it changes then; 0: every second */
	struct properties properties;
	/* Of a stream. */
	const char *topic;
	bool from_beginning; /* else from the end of the topic when the stream is opened */
	bool from_offset;    /* else from `offset` in each partition; from the beginning, if Kafka does not have it */
	int64_t offset;
	/* With from_offset: of the first partitions, instead of `offset`; by time, of all: then it opens without a question. */
	const int64_t *offsets;
	size_t offset_count;
	/* Else from the first record of `time_ms` or later, in each partition; or from the newest READER_NEWEST ones, if none
	 * is so new, because clocks differ. */
	bool from_time;
	int64_t time_ms;    /* since 1970 */
	int64_t newest;	    /* else from so many offsets before that end, in each partition */
	bool one_partition; /* only the partition of number `pick` modulo the number of partitions */
	uint64_t pick;
	/* Once it is set, reader_give_all() returns false without an error, and opening fails within seconds, if Kafka has not said
	 * by then what the topic is, and where it begins and ends. NULL: never. */
	const atomic_bool *stopping;
	int wait_ms;	    /* for Kafka to say all of that, of all partitions; 0: TOPICS_WAIT_MS */
	bool was_there;	    /* the topic exists: a broker that does not show it is behind, which is REMOTE and not CONFIG */
	bool may_be_absent; /* often there is no such topic: opening waits READER_ABSENT_MS for it, not TOPICS_APPEAR_MS */
	bool by_time;	    /* in the order of times; each stream is, and a reader that is rings no bell (kafka/consume/reader.h) */
	/* Of a reader of one topic. reader_next() is called after reader_give_all(), which then passes also those later records
	 * that it met. */
	bool continues;
	/* reader_give_all() passes records before these offsets of the first `until_count` partitions, and none of others.
	 * NULL: all. */
	const int64_t *until;
	size_t until_count;
};

/* Opens the client, which need not reach Kafka yet. Everything in the configuration is borrowed as long as the reader lives. NULL:
 * CONFIG or SYSTEM. */
struct stream_reader *stream_reader_open(const struct reader_config *config, struct error *error);
void stream_reader_close(struct stream_reader *reader); /* after its streams; NULL is fine */

/* Asks for the topics by one request, so that a stream by time of one of them opens without a question, from the beginning or from
 * an offset: what is asked on a connection waits for the fetches before it. Before streams are opened; waits READER_KNOW_MS at
 * most. False: REMOTE or SYSTEM. */
bool stream_reader_know(struct stream_reader *reader, const char *const *topics, size_t count, struct error *error);

/* Opens a stream of a topic that no other stream of the reader has. It waits for Kafka to say where the topic begins and ends, at
 * most `wait_ms`, and the other streams wait with it. The configuration is borrowed as long as the stream lives. NULL: REMOTE,
 * Kafka does not answer; CONFIG, there is no such topic; SYSTEM, it cannot be read, as without the right to. */
struct stream *stream_open(struct stream_reader *reader, const struct reader_config *config, struct error *error);
void stream_close(struct stream *stream); /* records taken must be released before; NULL is fine */

/* The next record that has come; `held` is NULL when none has. False: SYSTEM, nothing more can be read from this stream. */
bool stream_next(struct stream *stream, struct record *record, struct error *error);

/* Waits at most `wait_ms` until something has come for a stream whose last stream_next() found no record. Not before the first
 * stream is open. False: nothing has come. */
bool stream_reader_wait(struct stream_reader *reader, int wait_ms);

/* Whether all records that were committed by now were returned: no partition has more. */
bool stream_is_at_end(const struct stream *stream);

/* The time up to which the records of all partitions were returned: that of the last record before which none was left out,
 * because it gave neither a record nor its end for READER_PATIENCE_MS, or, with `is_watched`, had no leader. 0: there was no such
 * record. */
int64_t stream_passed_ms(const struct stream *stream);

/* Whether each partition has had a leader for READER_LEADERS_MS: the end of one that has none may be an old one. With
 * `is_watched`. */
bool stream_has_leaders(const struct stream *stream);

/* For how long no broker has answered the client, as far as its statistics show; since a stream was opened last, if
 * none has answered since. With `is_watched`. */
int64_t stream_reader_silent_ms(const struct stream_reader *reader);
