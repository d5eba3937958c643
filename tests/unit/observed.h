/* observed.h: a pipeline with a step `drift`, its observer, and a step that answers with the marks: messages go in one by one, and
 * verdicts come out. */
#pragma once

#include "base/number/random.h"
#include "flow/flow.h"
#include "message/records/drift_score.h"
#include "observe/verdict_board.h"
#include "tests/unit/planning.h"

#define STORE_BYTES ((size_t)64 << 20)
#define REFERENCE_ROWS 200
#define SCORES_MAX 32
#define DAY_MS ((int64_t)86400000)
#define USUAL "window: 40, falseAlarms: 0.1 per 1000"

/* A copy of a verdict, whose lists are gone. */
struct seen {
	uint64_t window, messages, unusable, late, reference_rows;
	int64_t begin_ms, end_ms;
	enum drift_verdict verdict;
	double score, sum; /* of all statistics: two verdicts on the same rows agree */
	size_t statistics, quality;
	uint64_t missing, mistyped, unseen;
	uint64_t missing_alarms, mistyped_alarms; /* features */
	bool unusable_alarm;
	const char *step;
	char segment[32];
	uint64_t beyond, estimated_rows;
	size_t estimates;
	struct drift_estimate estimate, last_estimate; /* the first and the last */
	struct drift_times times;
	uint64_t alarm_row;
	int64_t alarm_ms;
	char uncompared[160], reference[64];
	char shown[32]; /* the commonest category of the first picture that has some */
};

struct observed {
	struct planning planning;
	struct verdict_board *board;
	struct flow *flow;
	struct store *store;
	struct line *line;
	struct arena *arena;
	struct random chance;
	int64_t time_ms;
	size_t count;
	uint64_t identity; /* of the last verdict */
	struct verdict_entry *others; /* of an engine that reads the feed; NULL: there is none */
	size_t begun; /* notices that a segment's state begins anew */
	struct seen seen[SCORES_MAX];
	size_t early_count; /* verdicts on windows that had not ended, which are in the order in which they came */
	struct seen early[SCORES_MAX];
	size_t settled_count; /* later records with realised numbers, in the order in which they came */
	struct settled {
		uint64_t window, messages, truths, unkept, unfit;
		int64_t begin_ms, end_ms;
		char segment[32];
		size_t realised;
		struct drift_realisation first, last;
	} settled[SCORES_MAX];
	double score; /* marks of the last message, by the pipeline's answer */
	double rate, age_ms; /* messages_per_minute and newest_age_ms */
	bool flagged;
	char state[16];
	const struct tensor *also; /* sent with each message; NULL: nothing */
	struct text key; /* of messages; NULL: they have none */
	int32_t partition; /* from which they come */
	const char *reads; /* what the stage before says that it reads; NULL: nothing */
	int64_t passed_ms;
	bool with_requests;    /* slices have the requests of their rows */
	const char *reference; /* of the step; NULL: a file */
	bool timed;	       /* the reference has times */
	const char *watch;     /* the kind and options of the step; NULL: `drift` with these */
	const char *told;      /* what the answer has of its marks; NULL: those of drift */
	size_t learnt_count;   /* of what an observer of outliers has learnt */
	struct learnt {
		uint64_t identity, rows;
		size_t columns;
		double mean[3], covariance[3]; /* of the first two columns */
	} learnt;			       /* the last */
};

#define TOLD_OF_OUTLIERS "{score: outlier_score, flag: is_outlier, state: outlier_state}, keep: [score, flag, state]"

/* Reads the reference, after observed_open(). */
const struct file_source *observed_files(void);

/* `options` of the step beside its tensors and its reference: two columns, x.a and x.b. */
void observed_open(struct observed *observed, const char *options);
void observed_open_timed(struct observed *observed, const char *options); /* rows of the reference came each second */
void observed_open_past(struct observed *observed, const char *past, const char *options); /* `past`: "1d" */
void observed_open_topic(struct observed *observed, const char *options); /* the reference is that of the topic `before` */
void observed_learn(struct observed *observed, bool other); /* the same reference as the file's, or another, from that topic */
void observed_open_watch(struct observed *observed, const char *watch); /* "drift: {...}", or what stands for it */
void observed_open_outliers(struct observed *observed, const char *options); /* of a step `outlier`, beside its tensor */
void observed_close(struct observed *observed);

void observed_open_now(struct observed *observed, const char *options); /* records come when their messages do */

/* The same without an engine: the steps alone. */
void observed_steps(struct observed *observed, const char *options);

/* The engine, which keeps the stored state; and another one. */
void observed_engine_open(struct observed *observed);
void observed_engine_close(struct observed *observed);

/* What became of the message of that time: the number of each of its rows; or the accuracy of all, if there are none. */
void observed_truth(struct observed *observed, int64_t time_ms, const double *numbers, size_t count, double accuracy);

/* A message that brings nothing but its time; and whether the state waits for a time, and how long after its last record. */
void observed_time(struct observed *observed);
bool observed_awaits(const struct observed *observed, int64_t *left_ms);

/* The class of each of the messages from that time on, a second apart: of five in a row the first so many are positive. */
void observed_outcomes(struct observed *observed, int64_t from_ms, int messages, int positives);

/* Of the windows that have settled. */
struct realised_figures observed_realised(const struct observed *observed);

/* How many entries of the state have keys that begin so. */
size_t observed_entries(const struct observed *observed, const char *prefix);

void observed_send(struct observed *observed, const struct tensor *tensor);

/* The same rows as observed_rows() with messages of one row each, as slices of so many (message/records/slice.h). */
void observed_slices(struct observed *observed, int messages, int rows, double moved);

/* A slice of that tensor, with the time of each row, and the partition; NULL: the message's. */
void observed_slice(struct observed *observed, const struct tensor *tensor, int64_t *times_ms, int32_t *partitions, int rows);

/* A slice of so many rows, columns and times that need not fit. */
void observed_misfits(struct observed *observed, int rows, int columns, int times);

/* Messages of so many rows, whose first column is `moved`. */
void observed_rows(struct observed *observed, int messages, int rows, double moved);
/* Messages of one usual row, with a tensor `p` of the probabilities of so many classes, or of being positive. */
void observed_classes(struct observed *observed, int messages, size_t classes, const double *chances);
void observed_positives(struct observed *observed, int messages, double positive);
void observed_texts(struct observed *observed, int messages);
void observed_strangers(struct observed *observed, int messages); /* without the tensor */

/* Scores of records; that of no verdict is NaN. */
bool scores_equal(double one, double other);
