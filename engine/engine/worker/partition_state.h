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
#pragma once

#include "kafka/state/archive.h"
#include "kafka/state/changelog.h"
#include "net/loop.h"
#include "engine/worker/partition_queues.h"
#include "engine/worker/restore_failures.h"
#include "engine/worker/snapshot_progress.h"

struct log_sink;
struct worker;

struct partition_state_config {
	const char *folder;	    /* for snapshots; NULL: none */
	size_t bytes_max;	    /* limit of what a stage may store for one partition */
	int64_t snapshot_ms;	    /* shortest time between two snapshots of a partition */
	uint64_t snapshot_changes;  /* fewest changes since the last snapshot: with fewer, reading the changelog is as fast */
	struct name_list new_state; /* pipelines whose state may start empty though it was lost */
	bool versioned;		    /* a control plane names the changelogs */
	int64_t observers_look_ms;  /* between attempts to restore the state of observers; 0: a failure ends the worker */
	const struct log_sink *log; /* gets slow operations and lost snapshots; NULL: no log */
};

#define OBSERVERS_LOOK_MS 10000 /* usual */

/* Outage of observers (engine/worker/observer_outage.h). Starts as {0}: none. */
struct observer_outage {
	bool is_out;	 /* the state is to be restored when it is due */
	bool is_told;	 /* it is named in the counts of the stage */
	bool is_tried;	 /* a restore is in progress */
	int64_t look_ms; /* when it is restored again, by the loop's clock */
	uint64_t said;	 /* hash of the reason that was logged last */
};

/* Wait of observers for a time that no record has brought (engine/outputs/time_links.h). Times are of the loop's clock. */
struct time_wait {
	int64_t look_ms; /* when the state is looked at; 0: when it has changed */
	int64_t due_ms;	 /* the time that it waits for, by the clock of records */
	int64_t send_ms; /* when a record is sent, if it still waits for that time */
};

/* State of one stage for one partition number, of all topics that the stage reads. */
struct partition_state {
	struct partition_state *next;
	struct worker_stage *stage; /* NULL: the stage was closed */
	struct position input;
	uint64_t ticket;     /* number under which the archive may be working for it */
	struct store *store; /* NULL: it is being restored, or that has failed */
	bool has_failed;     /* its restore; the worker ends soon */
	struct line *line;
	struct join_state *join_state;	  /* NULL: the stage does not join */
	struct time_wait time_wait;
	struct observer_outage outage;
	uint64_t written;		  /* changes written to the changelog since the last snapshot */
	struct state_reference reference; /* what commits refer to; each end of the output moves its end */
	int64_t referred;		  /* the end in the reference that the group has; 0: none, and no snapshot is written */
	uint64_t written_open;		  /* changes that are part of the open output */
	bool written_ended;		  /* some are part of the end that is in progress */
	int64_t snapshot_begun_ms;	  /* when the last snapshot began, or the state was made */
};

struct partition_states {
	struct partition_state *first;
	struct archive *archive; /* opened for the first partition with state */
	struct archive_config archive_config;
	struct watch watch;
	struct changelog_words words;
	const char *scope_names[STORE_SCOPES_MAX]; /* names for the archive place made last */
	uint64_t tickets;
	struct restore_failures failures;
	struct loop_timer failures_timer; /* when the worker fails by them */
	uint64_t ends, commits; /* of the output: ends begun, and the last of them that was committed */
	uint64_t owned;		/* last end whose offsets the group accepted: until then the worker owned its partitions */
	bool telling;		/* an end waits until all changes are written */
	struct partition_state *snapshot_of; /* whose snapshot is in progress; NULL: none */
	struct snapshot_progress snapshot;
};

void partition_states_open(struct partition_states *partition_states);
/* Called after the flows are closed and before the consumer is. */
void partition_states_close(struct partition_states *partition_states);

/* The first is called when queues were added and the assignment is not accepted yet; the second, after it was
 * accepted. */
bool partition_states_give(struct worker *worker, struct error *error);
bool partition_states_pause(struct worker *worker, struct error *error);

/* Called when queues were removed or got other stages: closes the states that no queue uses. */
void partition_states_sweep(struct worker *worker);

/* Whether messages of that queue may enter the stage. */
bool partition_state_is_ready(const struct partition_queue *queue, const struct worker_stage *stage);

/* Whether all that left the queues of the state is committed. */
bool partition_state_is_committed(const struct worker *worker, const struct partition_state *partition_state);

/* Notes a record that came before the state was restored; it is read again. */
void partition_state_skip(struct partition_queue *queue, int64_t offset);

/* Applies the writes of an in-flight message that leaves. False: SYSTEM. */
bool partition_state_release(struct worker *worker, struct inflight *inflight, struct error *error);

/* Whether the next commit writes changes of the stage's state. None while the stage waits for a right (write_denial.h). */
bool partition_states_have_changes(const struct worker *worker, const struct worker_stage *stage);
/* Writes all these changes to the changelogs (PRODUCED), or as many as the output accepts. Then partition_states_ended() is
 * called. */
enum produce_verdict partition_states_tell(struct worker *worker, struct error *error);
/* False: SYSTEM. */
bool partition_states_ended(struct worker *worker, struct error *error);
void partition_states_committed(struct worker *worker, struct positions committed);
void partition_states_void(struct partition_states *partition_states); /* others own the partitions of the ended output */

/* Called after partition_queues_reset(): restores all states again. The partitions are read from the committed offsets, and
 * paused when partition_states_pause() is called. */
bool partition_states_reset(struct worker *worker, struct positions committed, struct error *error);

/* Called once a turn: restores the state of stages that replace others, and begins snapshots that are due. */
bool partition_states_advance(struct worker *worker, struct error *error);

/* The state whose snapshot is due; NULL: none is. Of several, the one whose last snapshot began first. So each gets
 * its turn, even if a snapshot takes longer than the shortest time between two. Pure. */
struct partition_state *snapshot_schedule_due(const struct partition_states *partition_states,
					      const struct partition_state_config *config, int64_t now_ms);

/* Whether some state of the stage may not be committed yet; the stage then stays open. */
bool partition_states_hold(const struct worker *worker, const struct worker_stage *stage);

/* Called when the stage is closed: frees its states. */
void partition_states_part(struct worker *worker, const struct worker_stage *stage);
