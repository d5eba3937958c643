/* past_stand.h: Stream of two columns whose past an observer keeps, its changelog on a mock broker, and the file of its pipeline,
 * for tests of the commands that read them. */
#pragma once

#include "tests/unit/mock_broker.h"
#include "tests/unit/observed.h"

#define PAST_CHANGELOG "sluice.default.pipeline.p.stage.watch.observer.state"
#define PAST_ROWS 100 /* of a message, and of a window: one a second */
#define PAST_ROWS_MAX 60000
#define PAST_WATCH(reference) "drift: {tensors: [x], reference: " reference ", window: 100, falseAlarms: 0.1 per 1000}"
#define BYTES_MAX ((size_t)4 << 20)

/* A stream that was observed, with the rows that it had. */
struct past_stand {
	struct observed observed;
	struct mock mock;
	const char *changelog; /* to which the engine's store is written */
	double rows[PAST_ROWS_MAX][2];
	size_t count;
	bool blank; /* the second column is missing */
};

/* There is one. `watch`: the step's kind and options, else by PAST_WATCH("{past: 30d}"). */
struct past_stand *past_stand_open(void);
struct past_stand *past_stand_open_watch(const char *watch);
void past_stand_close(struct past_stand *self);

/* So many windows, whose first column is moved. */
void past_stand_windows(struct past_stand *self, int count, double moved);

/* What the engine's store has changed goes to the changelog; or one value. */
void past_stand_commit(const struct past_stand *self);
void past_stand_append(const struct past_stand *self, struct text name, struct text stored);

/* Writes the pipeline to p.yaml; and the rows from one to another as a CSV, to rows.csv. */
void past_stand_yaml(const char *watch);
void past_stand_csv(const struct past_stand *self, size_t from, size_t end);

/* Runs `drift rebase` to r.json, and checks its code and its words. */
void past_stand_rebase(const struct past_stand *self, const char *more, int code, const char *words);

/* The report on rows.csv by a reference file, without the levels; the caller frees it. */
char *past_stand_report(const char *reference);

/* A file's text, until the second next call. */
char *past_stand_file(const char *path);

/* What is behind the words, which are there. */
const char *words_behind(const char *text, const char *words);
double number_behind(const char *text, const char *words);
