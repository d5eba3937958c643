/* partition_state.h: State of the stages, partition by partition, while the worker owns the partitions. Private to
 * worker.
 *
 *   given       restored from the archive; the partition is paused until that is done
 *   released    the writes of a message are applied to the tables when the message leaves
 *   ended       changes are written to the changelog before the output is ended
 *   committed   a snapshot is kept once everything in it is committed
 *   reset       the state in memory is not the committed one: restored again
 *   taken       closed
 *
 * A stage that replaces one with other steps restores its state from the changelog, after the last message of its
 * predecessor has left and is committed.
 */
#ifndef SLUICE_WORKER_PARTITION_STATE_H
#define SLUICE_WORKER_PARTITION_STATE_H

#include "log/archive.h"
#include "log/changelog.h"
#include "net/loop.h"
#include "worker/lanes.h"

struct log_sink;
struct worker;

struct partition_state_config {
	const char *folder;	    /* for snapshots; NULL: none */
	size_t bytes_max;	    /* that a stage may remember of one partition */
	int64_t snapshot_ms;	    /* between two snapshots of a partition, at least */
	uint64_t snapshot_changes;  /* since the last one, at least: with fewer, the changelog is read as fast */
	struct name_list new_state; /* pipelines whose state may begin anew though it was lost */
	const struct log_sink *log; /* told of what takes long, and of snapshots that are lost; NULL: nobody is */
};

/* A stage's, of one partition number of all topics that it reads. */
struct partition_state {
	struct partition_state *next;
	struct worker_stage *stage; /* NULL: it was closed */
	struct position input;
	uint64_t ticket;     /* under which something may go on in the archive */
	struct store *store; /* NULL: it is being brought back */
	struct line *line;
	struct join_state *join_state;	  /* of a stage that joins what comes of a request; NULL */
	uint64_t told;			  /* changes since the last snapshot */
	struct state_reference reference; /* what commits refer to; its end is moved by each end of the output */
	uint64_t told_open;		  /* changes that are part of what is open */
	bool told_ended;		  /* some are part of the end that is under way */
	int64_t laid_ms;		  /* when that was begun */
};

struct partition_states {
	struct partition_state *first;
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
	struct partition_state *snapshot_of; /* NULL: none */
	struct snapshot_writer writer;
	struct buffer block;
	enum snapshot_stage {
		SNAPSHOT_BEGUN,
		SNAPSHOT_BLOCKS,
		SNAPSHOT_LAST_BLOCK,
		SNAPSHOT_WRITTEN,
		SNAPSHOT_KEPT
	} snapshot_stage;
	uint64_t laid_with; /* with whose offsets all that it holds is committed: one that the group takes */
};

void partition_states_open(struct partition_states *partition_states);
/* Before the consumer, behind the flows. */
void partition_states_close(struct partition_states *partition_states);

/* Lanes were added for partitions that are to be accepted; then, they were accepted. */
bool partition_states_give(struct worker *worker, struct error *error);
bool partition_states_pause(struct worker *worker, struct error *error);

/* Lanes were removed, or have other stages: what no lane needs is closed. */
void partition_states_sweep(struct worker *worker);

/* Whether messages of that lane may enter the stage. */
bool partition_state_is_ready(const struct lane *lane, const struct worker_stage *stage);

/* A record that came before it was: it is read again. */
void partition_state_skip(struct lane *lane, int64_t offset);

/* The message leaves. False: SYSTEM. */
bool partition_state_release(struct worker *worker, struct flight *flight, struct error *error);

/* All changes are told (PRODUCED), or as far as the output takes them. Then partition_states_ended(). */
enum produce_verdict partition_states_tell(struct worker *worker, struct error *error);
/* False: SYSTEM. */
bool partition_states_ended(struct worker *worker, struct error *error);
void partition_states_committed(struct worker *worker, struct positions committed);
void partition_states_void(struct partition_states *partition_states); /* what was ended is others' */

/* Behind lanes_reset(): all is brought back anew. The partitions are read from what is
 * committed, and paused when that is said (partition_states_pause()). */
bool partition_states_reset(struct worker *worker, struct positions committed, struct error *error);

/* Once a turn: stages that take over, and snapshots that are due. */
bool partition_states_advance(struct worker *worker, struct error *error);

/* Whether something that the stage remembers may not be committed yet: it stays open. */
bool partition_states_hold(const struct worker *worker, const struct worker_stage *stage);

/* The stage is closed. */
void partition_states_part(struct worker *worker, const struct worker_stage *stage);

#endif
