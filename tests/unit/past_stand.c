/* past_stand.c: see past_stand.h. */
#include "tests/unit/past_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "flow/state/change.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define SCOPE "watch.observer"

static struct past_stand all;

static double draw(struct past_stand *self, double middle)
{
	double sum = middle;
	for (int i = 0; i < 6; i++)
		sum += (double)random_below(&self->observed.chance, 1000) / 1000 - 0.5;
	return sum;
}

/* So many windows, whose first column is moved. */
void past_stand_windows(struct past_stand *self, int count, double moved)
{
	const int64_t shape[] = {PAST_ROWS, 2};
	for (int i = 0; i < count; i++) {
		double(*rows)[2] = &self->rows[self->count];
		for (int row = 0; row < PAST_ROWS; row++) {
			rows[row][0] = draw(self, moved);
			rows[row][1] = self->blank ? NAN : draw(self, 0);
		}
		self->count += PAST_ROWS;
		observed_send(&self->observed, &(struct tensor){.name = TEXT("x"),
								.datatype = DATATYPE_FP64,
								.shape = shape,
								.rank = 2,
								.data = rows,
								.count = PAST_ROWS * 2});
		self->observed.count = 0;
	}
}

void past_stand_yaml(const char *watch)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		 "  - {name: watch, %s}\n  output: {steps: [watch]}\n",
		 watch);
	write_file("p.yaml", yaml);
}

void past_stand_append(const struct past_stand *self, struct text name, struct text stored)
{
	struct buffer key, value;
	buffer_open(&key, BYTES_MAX);
	buffer_open(&value, BYTES_MAX);
	change_write_key(&key, SCOPE, name);
	change_write_value(&value, stored);
	mock_append(&self->mock, self->changelog, buffer_view(&key), stored.bytes ? buffer_view(&value) : (struct text){0});
	buffer_close(&key);
	buffer_close(&value);
}

/* What the engine's store has changed goes to the changelog. */
void past_stand_commit(const struct past_stand *self)
{
	for (struct change change; store_change(self->observed.store, &change); store_change_written(self->observed.store))
		past_stand_append(self, change.key, change.value);
}

struct past_stand *past_stand_open_watch(const char *watch)
{
	struct past_stand *self = &all;
	self->count = 0;
	self->blank = false;
	self->changelog = PAST_CHANGELOG;
	observed_open_watch(&self->observed, watch);
	mock_open(&self->mock);
	rd_kafka_mock_topic_create(self->mock.cluster, PAST_CHANGELOG, 1, 1); /* as an engine does */
	past_stand_yaml(watch);
	return self;
}

struct past_stand *past_stand_open(void)
{
	return past_stand_open_watch(PAST_WATCH("{past: 30d}"));
}

void past_stand_close(struct past_stand *self)
{
	mock_close(&self->mock);
	observed_close(&self->observed);
}

static struct said rebase(const struct past_stand *self, const char *more)
{
	char line[512];
	snprintf(line, sizeof line, "drift rebase p/watch -f p.yaml --brokers %s --out r.json %s", self->mock.brokers, more);
	return say_with(step_kinds, line);
}

void past_stand_rebase(const struct past_stand *self, const char *more, int code, const char *words)
{
	struct said said = rebase(self, more);
	expect_words(code ? said.err : said.out, words);
	assert_int_equal(said.code, code);
	said_close(&said);
}

char *past_stand_file(const char *path)
{
	static char texts[2][BYTES_MAX];
	static int turn;
	char *text = texts[turn++ % 2];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, BYTES_MAX - 1, file)] = 0;
	fclose(file);
	return text;
}

/* The rows from one to another as a CSV. */
void past_stand_csv(const struct past_stand *self, size_t from, size_t end)
{
	FILE *file = fopen("rows.csv", "w");
	assert_non_null(file);
	fputs("0,1\n", file);
	for (size_t i = from; i < end; i++)
		fprintf(file, "%.17g,%.17g\n", self->rows[i][0], self->rows[i][1]);
	fclose(file);
}

const char *words_behind(const char *text, const char *words)
{
	const char *found = strstr(text, words);
	assert_non_null(found);
	return found + strlen(words);
}

double number_behind(const char *text, const char *words)
{
	return strtod(words_behind(text, words), NULL);
}

/* The report on windows by a reference file, without the levels. */
char *past_stand_report(const char *reference)
{
	char watch[256];
	snprintf(watch, sizeof watch, "drift: {tensors: [x], reference: %s, window: 100, methods: [ks], falseAlarms: 0.1 per 1000}",
		 reference);
	past_stand_yaml(watch);
	struct said said = say_with(step_kinds, "drift report rows.csv -f p.yaml --tensor x=0,1 -o json");
	assert_string_equal(said.err, "");
	free(said.err);
	return said.out;
}
