/* stream_parts.h: Parts of a stream and of its reader, which kafka/consume/reader.c reads too: a stream that is not by time has one
 * queue for all its partitions. Private to kafka.
 */
#pragma once

#include "kafka/client.h"
#include "kafka/consume/fetch_wake.h"
#include "kafka/consume/stream_reader.h"

struct stream_reader {
	const struct reader_config *config;
	rd_kafka_t *client;
	struct fetch_wake fetch_wake;
	struct error locked_out;
	struct client_counts counts; /* of one that is watched */
	uint64_t answers;	     /* how many statistics showed one */
	int64_t answered_ms;	     /* by clock_ms(), of the statistics that last showed an answer, or of the last opening */
	int64_t doubt_ms;	     /* when a partition was first asked for again, by clock_ms(); 0: never */
	int bell;		     /* of streams by time; -1: there was none */
	struct topic_handles known;
	int32_t *partition_counts; /* of these; 0: unknown. NULL: there are none */
	struct stream *streams;
};

/* A partition of a stream by time. */
struct lane {
	rd_kafka_queue_t *queue;
	rd_kafka_message_t *head; /* its next record; NULL: none has come */
	bool at_end;
	int64_t silent_ms; /* since when it is waited for; 0: it is not */
};

struct stream {
	struct stream_reader *reader;
	struct stream *other; /* of the reader's */
	const struct reader_config *config;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;   /* of all partitions; NULL: by time */
	struct lane *lanes;	   /* NULL: not by time */
	struct look_limits limits; /* of its opening */
	bool is_known;		   /* it was opened without a question; its ends are not known then */
	int32_t first;		   /* first partition that is read */
	int32_t partitions;	   /* one after the last partition */
	int32_t count;		   /* of the topic's partitions */
	int64_t *ends;		   /* end of each partition at the start; later records are not waited for */
	bool *ended;		   /* whether the end of each partition was reached */
	int64_t *next;		   /* offset after the last record of each partition */
	int32_t ended_count;
	int64_t leaderless_ms;		     /* when a partition last had no leader, by clock_ms(); 0: never */
	int64_t trouble_ms, trouble_last_ms; /* the first and the last failure of a broker's own, by clock_ms(); 0: none */
	bool leaves_out;		     /* by time: a partition is not waited for any more */
	bool is_awaited;		     /* by time: the last look found no record */
	int64_t passed_ms;		     /* by time: of the last record before which none was left out */
};

/* The first offset of a time, or of RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END, within the limits of the opening. */
rd_kafka_resp_err_t stream_find_offset(struct stream *stream, int32_t partition, int64_t time_ms, int64_t *offset);

/* Whether its reading is to stop. */
bool stream_is_stopping(const struct stream *stream);

/* Sets a REMOTE error that names what was asked, which broker has to answer, and what the client last said of brokers. Returns
 * false. */
bool stream_explain_silence(struct stream *stream, int32_t partition, const char *missing, const char *advice, struct error *error);

void stream_note_end(struct stream *stream, int32_t partition);

/* Takes a message of a queue: a record that was not read before becomes `*record`; all others are destroyed. False: SYSTEM. */
bool stream_take(struct stream *stream, rd_kafka_message_t *message, rd_kafka_message_t **record, struct error *error);

/* Gives a record to the caller. */
void stream_give(struct stream *stream, struct record *record, rd_kafka_message_t *message);
