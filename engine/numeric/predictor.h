/* predictor.h: a trained model read from a file's bytes, and what it answers to rows of
 * numbers.
 *
 * The format is seen in the bytes: XGBoost's JSON, LightGBM's text, and small JSON formats
 * of our own (sluice_linear/1, sluice_mlp/1, sluice_forest/1, and isolation forests). A
 * file may come from anywhere: what does not hold together is refused with the reason.
 *
 * A model first gives margins (raw scores), of which a link makes answers: numbers, or the
 * probabilities of classes. All of it is computed in double. NaN is a number that is
 * missing; trees have a way for it, and in a linear model or a network it makes the answer
 * NaN. A predictor is immutable and may be shared by threads.
 */
#ifndef SLUICE_NUMERIC_PREDICTOR_H
#define SLUICE_NUMERIC_PREDICTOR_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

struct predictor;

struct predictor_traits {
	const char *format;    /* "xgboost_json"; see predictor_formats */
	const char *objective; /* as the file calls it; "" where it does not */
	size_t features;       /* numbers of a row */
	bool wider;	       /* a row may have more, which do not count: the file does not say how many there are */
	size_t margins;	       /* of a row */
	size_t outputs;	       /* of a row: 1, or one for each class or target */
	/* Classes among which the answer decides: by the greatest of its outputs, the first of
	 * equal ones; of one output by whether it is above 0.5, or (`index`) it is the class. 0:
	 * the answer is no decision. */
	size_t classes;
	bool index;
	size_t steps; /* for a row: splits that it passes, or products that are made of it */
	const double *labels; /* of the classes, where the file names them by numbers; NULL */
	double limit; /* of an isolation forest: a row is an outlier where its answer is below -limit; NaN: the file has none */
	/* Of an XGBoost file that names its best iteration: how many it has, and how many are used. 0: it names none. */
	size_t iterations, iterations_used;
};

/* Which iterations of an XGBoost file answer that was stopped early, and so names its best one (best_iteration): those up
 * to the best, as of XGBClassifier.load_model() and so of MLServer, or all, as of Booster.predict(). Files of other
 * formats name none: LightGBM leaves out what comes behind the best when it saves. */
enum predictor_iterations { ITERATIONS_BEST, ITERATIONS_ALL };

/* The formats by name, for help; ends with a row without a name. */
struct predictor_format {
	const char *name;
	const char *help;
};
extern const struct predictor_format predictor_formats[];

/* Reads the model into the arena; borrows nothing of `content`. NULL: CONFIG, which says
 * what is wrong and not where the file came from; or SYSTEM. */
const struct predictor *predictor_read(struct arena *arena, struct text content, enum predictor_iterations iterations,
				       struct error *error);

const struct predictor_traits *predictor_traits(const struct predictor *predictor);

/* How many doubles of working space the next needs for so many rows. */
size_t predictor_scratch(const struct predictor *predictor, size_t rows);

/* `rows` are row-major, `width` numbers each: `features` of them, or more where they may be
 * wider. `margins` gets what `traits->margins` says for each. */
void predictor_margins(const struct predictor *predictor, const double *rows, size_t width, size_t count, double *margins,
		       double *scratch);

/* Answers of margins; the two must not overlap. */
void predictor_answers(const struct predictor *predictor, const double *margins, size_t count, double *answers);

/* What a predictor is made of, for explanations: one of trees and layers. What its link takes of an output
 * is `share` times (the sum of trees or layers, and `base` where there is one). */
struct trees;
struct dense;
struct predictor_parts {
	const struct trees *trees;
	const struct dense *dense;
	const double *base; /* for each margin; NULL: nothing is added */
	double share;
};
struct predictor_parts predictor_parts(const struct predictor *predictor);

/* The class for which an answer of one row decides: a place among the classes. 0 when it is
 * no decision. */
size_t predictor_class(const struct predictor *predictor, const double *answer);

#endif
