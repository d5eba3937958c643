/* keeping.h: what stages remember, partition by partition, as long as the partitions are
 * the worker's. The worker's own; it says when.
 *
 *   given       brought back from the archive; the partition is paused until it is there
 *   released    a message's writes reach the tables when the message leaves
 *   ended       changes are told to the changelog, then the output is ended
 *   committed   a snapshot that holds nothing newer is laid down
 *   reset       what is in memory is not what was committed: brought back anew
 *   taken       closed
 *
 * A stage that takes over from one of other steps begins with what is in the changelog,
 * when the last message of the one before has left and is committed.
 */
#ifndef SLUICE_WORKER_KEEPING_H
#define SLUICE_WORKER_KEEPING_H

#include "log/archive.h"
#include "log/changelog.h"
#include "net/loop.h"
#include "worker/lanes.h"

struct log_sink;
struct worker;

struct keeping_config {
	const char *folder;	   /* for snapshots; NULL: none */
	size_t bytes_max;	   /* that a stage may remember of one partition */
	int64_t snapshot_ms;	   /* between two snapshots of a partition, at least */
	uint64_t snapshot_changes; /* since the last one, at least: with fewer, the changelog is read as fast */
	struct name_list new_state; /* pipelines whose state may begin anew though it was lost */
	const struct log_sink *log; /* told of what takes long, and of snapshots that are lost; NULL: nobody is */
};

/* A stage's, of one partition number of all topics that it reads. */
struct keeping {
	struct keeping *next;
	struct worker_stage *stage; /* NULL: it was closed */
	struct position input;
	uint64_t ticket;     /* under which something may go on in the archive */
	struct store *store; /* NULL: it is being brought back */
	struct line *line;
	struct gathering *gathering; /* of a stage that joins what comes of a request; NULL */
	uint64_t told;	 /* changes since the last snapshot */
	struct state_reference reference; /* what commits refer to; its end is moved by each end of the output */
	uint64_t told_open; /* changes that are part of what is open */
	bool told_ended; /* some are part of the end that is under way */
	int64_t laid_ms; /* when that was begun */
};

struct keepings {
	struct keeping *first;
	struct archive *archive; /* opened for the first of them */
	struct archive_config archive_config;
	struct watch watch;
	struct changelog_words words;
	const char *scope_names[STORE_SCOPES_MAX]; /* those of the last place */
	uint64_t tickets;
	uint64_t ends, commits; /* of the output: how many were begun, and which was the last that held */
	uint64_t owned;		/* the last of which the group took offsets: until then its partitions were the worker's */
	bool telling;		/* an end waits for the rest of the changes */
	/* The one snapshot that is being written: */
	struct keeping *laying; /* NULL: none */
	struct snapshot_writer writer;
	struct buffer block;
	enum laying_stage { LAYING_BEGUN, LAYING_BLOCKS, LAYING_LAST_BLOCK, LAYING_WRITTEN, LAYING_KEPT } laying_stage;
	uint64_t laid_with; /* with whose offsets all that it holds is committed: one that the group takes */
};

void keepings_open(struct keepings *keepings);
/* Before the consumer, behind the flows. */
void keepings_close(struct keepings *keepings);

/* Lanes were added for partitions that are to be accepted; then, they were accepted. */
bool keepings_give(struct worker *worker, struct error *error);
bool keepings_pause(struct worker *worker, struct error *error);

/* Lanes were removed, or have other stages: what no lane needs is closed. */
void keepings_sweep(struct worker *worker);

/* Whether messages of that lane may enter the stage. */
bool keeping_is_ready(const struct lane *lane, const struct worker_stage *stage);

/* A record that came before it was: it is read again. */
void keeping_skip(struct lane *lane, int64_t offset);

/* The message leaves. False: SYSTEM. */
bool keeping_release(struct worker *worker, struct flight *flight, struct error *error);

/* All changes are told (PRODUCED), or as far as the output takes them. Then keepings_ended(). */
enum produce_verdict keepings_tell(struct worker *worker, struct error *error);
/* False: SYSTEM. */
bool keepings_ended(struct worker *worker, struct error *error);
void keepings_committed(struct worker *worker, struct positions committed);
void keepings_void(struct keepings *keepings); /* what was ended is others' */

/* Behind lanes_reset(): all is brought back anew. The partitions are read from what is
 * committed, and paused when that is said (keepings_pause()). */
bool keepings_reset(struct worker *worker, struct positions committed, struct error *error);

/* Once a turn: stages that take over, and snapshots that are due. */
bool keepings_advance(struct worker *worker, struct error *error);

/* Whether something that the stage remembers may not be committed yet: it stays open. */
bool keepings_hold(const struct worker *worker, const struct worker_stage *stage);

/* The stage is closed. */
void keepings_part(struct worker *worker, const struct worker_stage *stage);

#endif
