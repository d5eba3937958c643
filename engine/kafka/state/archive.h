/* archive.h: Archive of the state of partitions: restores a partition's state when the partition is assigned, and
 * writes snapshots, which make restores shorter.
 *
 * Each operation takes time. The caller starts it under a ticket, a number of its own choice, and the result comes
 * later as news. One operation runs under a ticket at a time.
 *
 * An archive is a table of operations, as a consumer is. All functions are for the worker's thread.
 */
#pragma once

#include <assert.h>

#include "kafka/consume/consumer.h"
#include "observe/log_sink.h"
#include "flow/state/snapshot.h"

struct archive_config {
	const char *brokers;
	struct properties properties; /* of consumers */
	const char *folder;	      /* for snapshots; NULL: there are none */
	/* Receives one line for each restore that takes long, and for each snapshot that could not be read or
	 * written. Called from the archive's own thread. NULL: no log. */
	const struct log_sink *log;
};

/* A partition of a changelog. */
struct archive_place {
	const char *changelog; /* the topic; borrowed as long as the archive lives */
	struct position input; /* the input partition whose messages wrote it */
	size_t topic_count;    /* all topics whose partitions of that number wrote it, with the input's own */
	const uint32_t *topics;
	const char *pipeline; /* that owns the state, for messages; borrowed like `changelog` */
	bool new_state;	      /* the loss of state is accepted */
	bool versioned;	      /* a control plane names the changelog (flow/state/changelog_identity.h) */
	bool observes;	      /* the stage has observers alone (likewise) */
	bool may_be_out;      /* the worker goes on without the state (engine/worker/observer_outage.h) */
	bool is_tried_again;  /* a restore of it has failed: no long wait for brokers to show the topic */
	struct store_scopes scopes;
	size_t bytes_max; /* of the store */
};

enum archive_news_kind {
	ARCHIVE_NONE,
	ARCHIVE_RESTORED, /* `store` belongs to the caller now */
	ARCHIVE_FAILED,	  /* the restore failed; `error` has the reason (SYSTEM or CONFIG) */
	ARCHIVE_READY,	  /* the snapshot is begun, with this head, or a block is written: write the next one, or keep it */
	ARCHIVE_KEPT,	  /* the snapshot is kept */
	ARCHIVE_LOST,	  /* the snapshot could not be written; that is logged, and the ticket is free */
};

struct archive_news {
	enum archive_news_kind kind;
	uint64_t ticket;
	struct store *store;
	int64_t committed; /* of a restore: the group's committed offset of the input; OFFSET_NONE: nothing is committed */
	struct state_reference reference; /* of a restore: the reference that commits carry until the next change; id 0: none */
	int64_t referred; /* of a restore: the end in the reference that the group's commits have to this changelog; 0: none */
	struct snapshot_head head;
	struct error error;
};

/* Operations of one kind of archive, called by the functions below. Its own struct begins with this one. */
struct archive {
	const struct archive_operations *operations;
};

struct archive_operations {
	void (*close)(struct archive *archive);
	int (*bell)(const struct archive *archive);
	bool (*news)(struct archive *archive, struct archive_news *news);
	bool (*restore)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error);
	void (*forget)(struct archive *archive, uint64_t ticket);
	/* Of snapshots; NULL: the archive has none. */
	bool (*begin)(struct archive *archive, uint64_t ticket, const struct archive_place *place, int64_t offset,
		      struct error *error);
	bool (*write)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
		      struct error *error);
	bool (*keep)(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error);
};

/* Archive of Kafka, with snapshots in files. Borrows the configuration and the consumer as long as it lives.
 * Starts its thread with the first operation. CONFIG: the folder cannot be used. */
struct archive *archive_open(const struct archive_config *config, const struct consumer *consumer, struct error *error);

/* Waits for the current call to Kafka or to the disk. NULL is fine. */
static inline void archive_close(struct archive *archive)
{
	if (archive)
		archive->operations->close(archive);
}

static inline int archive_bell(const struct archive *archive)
{
	return archive->operations->bell(archive);
}

/* The next news; false: there is none. To be called after a ring of the bell, until it returns false. */
static inline bool archive_news(struct archive *archive, struct archive_news *news)
{
	return archive->operations->news(archive, news);
}

/* Restores the state that the changelog holds now. The group's offsets of the input are settled first, so the
 * state is that of the messages before them. The reference in the group's commits is compared with the changelog
 * (flow/state/changelog_identity.h). The news is RESTORED, perhaps with an identity that is still to be produced, or FAILED, also
 * because state was lost. The topics are copied. */
static inline bool archive_restore(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return archive->operations->restore(archive, ticket, place, error);
}

/* Cancels the operation of that ticket. No news of it comes any more, and a snapshot leaves no trace. */
static inline void archive_forget(struct archive *archive, uint64_t ticket)
{
	archive->operations->forget(archive, ticket);
}

/* ---- snapshots ---- */

/* Whether the functions below may be called. */
static inline bool archive_has_snapshots(const struct archive *archive)
{
	return archive->operations->begin != NULL;
}

/* Begins a snapshot, behind which the changelog is read from that offset. The news is READY, with the head that the
 * snapshot is to have, or LOST. The snapshot consists of what is read from the store from READY on.
 *
 * The store has all that the changelog has before the offset, and the group's commits refer to a changelog that
 * reached it. So a changelog that Kafka lost and that begins again is not read from that offset: the loss is detected
 * before it grows so far. */
static inline bool archive_begin(struct archive *archive, uint64_t ticket, const struct archive_place *place, int64_t offset,
				 struct error *error)
{
	assert(archive_has_snapshots(archive) && offset >= 0);
	return archive->operations->begin(archive, ticket, place, offset, error);
}

/* Writes the next bytes of a snapshot. Takes the contents of the buffer and leaves it without memory. READY or
 * LOST. */
static inline bool archive_write(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
				 struct error *error)
{
	assert(archive_has_snapshots(archive));
	return archive->operations->write(archive, ticket, place, block, error);
}

/* Keeps a snapshot. To be called when all of it is written and all that it holds is committed. KEPT or LOST. */
static inline bool archive_keep(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	assert(archive_has_snapshots(archive));
	return archive->operations->keep(archive, ticket, place, error);
}
