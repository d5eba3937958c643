/* archive.h: where what a stage remembers of a partition is brought back from when the
 * partition is given, and where snapshots of it are laid down, so that bringing it back
 * takes less time.
 *
 * All of it takes its time: it is asked for under a ticket, a number of the asker's
 * choice, and what became of it comes later, as news. One thing goes on under a ticket at
 * a time.
 *
 * What stands behind an archive is a table of operations, as behind a consumer. All
 * functions are for the worker's thread.
 */
#ifndef SLUICE_LOG_ARCHIVE_H
#define SLUICE_LOG_ARCHIVE_H

#include "log/consumer.h"
#include "observe/log_sink.h"
#include "state/snapshot.h"

struct archive_config {
	const char *brokers;
	struct properties properties; /* of consumers */
	const char *folder;	      /* for snapshots; NULL: there are none */
	/* Told of what takes long, and of snapshots that could not be read or laid down, one line
	 * each. From a thread of the archive's own. NULL: nobody asks. */
	const struct log_sink *log;
};

/* A partition of a changelog. */
struct archive_place {
	const char *changelog; /* the topic; borrowed as long as the archive lives */
	struct position input; /* the partition whose messages wrote it */
	size_t topic_count;    /* all topics whose partitions of that number wrote it, the input's too */
	const uint32_t *topics;
	const char *pipeline; /* whose it is, for messages; borrowed like `changelog` */
	bool new_state;	      /* the loss of state is accepted */
	struct scopes scopes;
	size_t bytes_max; /* of the store */
};

enum archive_news_kind {
	ARCHIVE_NONE,
	ARCHIVE_RESTORED, /* `store` is the asker's now */
	ARCHIVE_FAILED,	  /* it was not: `error` says why (SYSTEM or CONFIG) */
	ARCHIVE_READY,	  /* the snapshot is begun, with this head, or its last block is written: the next, or the end */
	ARCHIVE_LAID,	  /* it was kept */
	ARCHIVE_LOST,	  /* it could not be written; that was said, and the ticket is free */
};

struct archive_news {
	enum archive_news_kind kind;
	uint64_t ticket;
	struct store *store;
	int64_t committed; /* of a restore: by the group, in the input; OFFSET_NONE: nothing */
	struct state_reference reference; /* of a restore: what commits refer to until the next change; id 0: nothing */
	struct snapshot_head head;
	struct error error;
};

/* What a kind of archive does for the functions below; its own struct begins with this. */
struct archive {
	const struct archive_operations *operations;
};

struct archive_operations {
	void (*close)(struct archive *archive);
	int (*bell)(const struct archive *archive);
	bool (*news)(struct archive *archive, struct archive_news *news);
	bool (*restore)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error);
	void (*forget)(struct archive *archive, uint64_t ticket);
	/* Of snapshots; NULL: there are none. */
	bool (*begin)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error);
	bool (*write)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
		      struct error *error);
	bool (*keep)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error);
};

/* Kafka's, with files. Borrows the configuration and the consumer as long as it lives;
 * takes no thread before it is asked for something. CONFIG: the folder cannot be used. */
struct archive *archive_open(const struct archive_config *config, const struct consumer *consumer, struct error *error);

/* Waits for the call to Kafka or to the disk that it is in. NULL is fine. */
static inline void archive_close(struct archive *archive)
{
	if (archive)
		archive->operations->close(archive);
}

static inline int archive_bell(const struct archive *archive)
{
	return archive->operations->bell(archive);
}

/* To be asked when the bell rang, until there is none (false). */
static inline bool archive_news(struct archive *archive, struct archive_news *news)
{
	return archive->operations->news(archive, news);
}

/* Brings back what the changelog holds by now: the group's offsets of the input are
 * settled first, so that it is what the messages before them left. What the group's commits
 * refer to is compared with it (state/identity.h). RESTORED, with an identity that may be to be told;
 * or FAILED, because state was lost too. The topics are copied. */
static inline bool archive_restore(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return archive->operations->restore(archive, ticket, place, error);
}

/* What goes on under that ticket is given up, and no news of it come any more; a
 * snapshot leaves no trace. */
static inline void archive_forget(struct archive *archive, uint64_t ticket)
{
	archive->operations->forget(archive, ticket);
}

/* ---- snapshots ---- */

static inline bool archive_has_snapshots(const struct archive *archive)
{
	return archive->operations->begin != NULL;
}

/* Begins one. READY, with the head that it is to have, or LOST. What is shown of the store
 * from READY on belongs to it. */
static inline bool archive_begin(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return archive->operations->begin(archive, ticket, place, error);
}

/* Its next bytes: takes what is in the buffer and leaves that without memory. READY or
 * LOST. */
static inline bool archive_write(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
				 struct error *error)
{
	return archive->operations->write(archive, ticket, place, block, error);
}

/* All of it was written, and all that it holds is committed. LAID or LOST. */
static inline bool archive_keep(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return archive->operations->keep(archive, ticket, place, error);
}

#endif
