/* predictor.h: Trained model, read from a file's bytes, and its evaluation on rows of numbers.
 *
 * The format is recognised from the bytes: XGBoost's JSON, LightGBM's text, and small JSON formats of our own
 * (sluice_linear/1, sluice_mlp/1, sluice_forest/1, and isolation forests). A file may come from anywhere: an
 * inconsistent one is rejected with the reason.
 *
 * A model first computes margins (raw scores). A link turns them into answers: numbers, or the probabilities of
 * classes. Everything is computed in double. NaN is a missing number. Trees have a branch for it; in a linear model
 * or a network it makes the answer NaN. A predictor is immutable and may be shared by threads.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

struct predictor;

struct predictor_traits {
	const char *format;    /* "xgboost_json"; see predictor_formats */
	const char *objective; /* as named in the file; "" if it is not */
	size_t features;       /* numbers in a row */
	bool wider;	       /* a row may have more, which are ignored: the file does not contain their number */
	size_t margins;	       /* for a row */
	size_t outputs;	       /* for a row: 1, or one for each class or target */
	/* Number of classes. The answer decides by its greatest output, the first of equal ones. A single output
	 * decides by whether it is above 0.5, or (`index`) is the class itself. 0: the answer is no decision. */
	size_t classes;
	bool index;
	size_t steps; /* for a row: splits that it passes, or products that are computed */
	const double *labels; /* of the classes, if the file names them by numbers; else NULL */
	double limit; /* for an isolation forest: a row is an outlier if its answer is below -limit; NaN: the file has none */
	/* For an XGBoost file with a best iteration: iterations in the file, and those used. 0: it has none. */
	size_t iterations, iterations_used;
};

/* Iterations to use of an XGBoost file whose training was stopped early, which contains its best one
 * (best_iteration): those up to the best, as in XGBClassifier.load_model() and so in MLServer, or all, as in
 * Booster.predict(). Files of other formats contain none: LightGBM leaves out the iterations after the best when it
 * saves. */
enum predictor_iterations { ITERATIONS_BEST, ITERATIONS_ALL };

/* The formats by name, for help; ends with a row without a name. */
struct predictor_format {
	const char *name;
	const char *help;
};
extern const struct predictor_format predictor_formats[];

/* Reads the model into the arena; borrows nothing of `content`. NULL: CONFIG, with the reason but without the name of
 * the file; or SYSTEM. */
const struct predictor *predictor_read(struct arena *arena, struct text content, enum predictor_iterations iterations,
				       struct error *error);

const struct predictor_traits *predictor_traits(const struct predictor *predictor);

/* The number of doubles of working memory that predictor_margins() needs for that many rows. */
size_t predictor_scratch(const struct predictor *predictor, size_t rows);

/* Computes the margins. `rows` are row-major, `width` numbers each: `features` of them, or more if `wider`. `margins`
 * gets `traits->margins` numbers for each row. */
void predictor_margins(const struct predictor *predictor, const double *rows, size_t width, size_t count, double *margins,
		       double *scratch);

/* Turns margins into answers; the two must not overlap. */
void predictor_answers(const struct predictor *predictor, const double *margins, size_t count, double *answers);

/* What the input of a link is to the answer. */
enum predictor_scale {
	SCALE_ANSWER,	/* the answer itself */
	SCALE_LOG_ODDS, /* log(p / (1 - p)) of the answer p */
	SCALE_LOG,	/* the logarithm of the answer */
	SCALE_SCORE,	/* a number that rises with the answer; of classes, whose probabilities are its softmax */
};

/* Parts of a predictor, for explanations: trees or layers. The input of its link is, for each output, `share` times
 * (the sum of trees or layers, and `base` if there is one). */
struct trees;
struct dense;
struct predictor_parts {
	const struct trees *trees;
	const struct dense *dense;
	const double *base; /* added to each margin; NULL: nothing */
	double share;
	enum predictor_scale scale;
	bool pair; /* the one margin is of the second output; that of the first is its negative */
};
struct predictor_parts predictor_parts(const struct predictor *predictor);

/* The index of the class that the answer of one row selects; 0 when it is no decision. */
size_t predictor_class(const struct predictor *predictor, const double *answer);
