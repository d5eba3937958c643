/* reader.h: Reader of a topic for commands: reads all partitions or one, without a consumer group, and leaves no trace in
 * Kafka. It returns only committed records, unless the caller wants others.
 *
 * Belongs to one thread. Opening waits for Kafka; reading need not: a reader may ring a bell of a loop.
 */
#pragma once

#include "kafka/consume/stream_reader.h"

struct reader;

/* Everything in the configuration is borrowed as long as the reader lives. REMOTE: Kafka does not answer; CONFIG: there is no such
 * topic; SYSTEM: it cannot be read, as without the right to. */
struct reader *reader_open(const struct reader_config *config, struct error *error);

/* Records taken must be released before. NULL is fine. */
void reader_close(struct reader *reader);

/* Sets the bell that rings when a record arrives. Then reader_give_arrived() is to be called, or reader_next() until it returns no
 * record. */
void reader_ring(struct reader *reader, int bell);

/* The first partition that is read. */
int32_t reader_partition(const struct reader *reader);

/* The end of that partition when the reader was opened: the offset of the first record after it. */
int64_t reader_end(const struct reader *reader);

/* The same of any partition; 0: it is not read. */
int64_t reader_end_of(const struct reader *reader, int32_t partition);

/* Asks Kafka how many records of these partitions were deleted before their beginning, as by retention. 0 also if it does not
 * answer. */
uint64_t reader_deleted(struct reader *reader);

/* Whether the end of each partition was reached since the reader was opened. */
bool reader_has_caught_up(const struct reader *reader);

/* Whether all records that were committed by now were returned: no partition has more. Only of a reader by time. */
bool reader_is_at_end(const struct reader *reader);

/* Whether a broker has answered a request of the reader since the last call; such a reader asks for records all the time. It is
 * counted every second, so it is to be called as often. Only of a reader that `is_watched`. */
bool reader_was_answered(struct reader *reader);

/* For how long no broker has answered the reader, as far as its statistics of each second show; since it was opened, if none has
 * answered since. Only of a reader that `is_watched`. */
int64_t reader_silent_ms(const struct reader *reader);

/* What librdkafka last said of its client. Only of a reader that `is_watched`. */
struct client_counts reader_client_counts(const struct reader *reader);

/* The next record, for which it waits at most `wait_ms`; `held` is NULL when none came. False: a SYSTEM error;
 * nothing more can be read. */
bool reader_next(struct reader *reader, int wait_ms, struct record *record, struct error *error);

/* Passes the records that have arrived to `take`, at most so many; then the reader's bell rings again. It waits for the first one
 * at most `wait_ms`. False: `take` returned false, or SYSTEM. */
bool reader_give_arrived(struct reader *reader, size_t most, int wait_ms,
			 bool (*take)(void *context, const struct record *record, struct error *error), void *context,
			 struct error *error);

/* Passes all records to `take` that were in the topic when the reader was opened; later ones that it meets are dropped,
 * unless the reader `continues`. A record belongs to the reader
 * and is released when `take` returns. False: `take` returned false, or SYSTEM; the remaining records are not
 * passed. */
bool reader_give_all(struct reader *reader, bool (*take)(void *context, const struct record *record, struct error *error),
		     void *context, struct error *error);

/* Opens a reader, passes all records to `take`, and closes it. False: as reader_open() and reader_give_all(). */
bool topic_give_all(const struct reader_config *config,
		    bool (*take)(void *context, const struct record *record, struct error *error), void *context,
		    struct error *error);
