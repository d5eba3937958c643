/* change.h: Change detector of a stream of rows: one sequential test with a declared rate of false alarms.
 *
 * It learns a reference of rows in the order in which they came, and then looks at each new row. It follows, all at
 * once and over windows from 3 to 256 rows:
 *
 *   location      the level of each column, and of all together
 *   scale         the spread of each column
 *   shape         a column's distribution where neither of these moved: its middle, shoulders, tails, and what leans to a side
 *   dependence    how columns go together, pair by pair
 *
 * A number counts by its rank in the reference alone, so the rate of false alarms does not depend on how the column is
 * distributed. Columns whose rows follow from the rows before are first freed of it, as the reference shows it: of their level
 * (autocorrelation; of heavy tails that of numbers and not of ranks, linear_carry.h), and of a spread that lasts, calm rows after
 * calm ones (lasting_spread.h). What this leaves where rows follow from others in other ways, a level below noise, up to twenty
 * rows of one sender, values in runs, widens the levels by as much as the reference's own sums vary more, and as they lean to a
 * side, as those of counts do. How much they vary is an estimate, so levels are Student's, and further out the rarer an alarm is
 * to be, but not beside a spread that lasts, which has a caution of its own. Alarms of such streams stay below twice those
 * declared, but for what 400 rows cannot say, at .5 and at .1 declared alarms a thousand rows: a spread that lasts (one column of
 * GARCH .1, .8 has 1.6 and 3.2 times, of .06, .93 3.3 and 10 times; five of volatility with a carry of .98 1.6 and 3.8 times),
 * waiting times of a queue that is busy for seven tenths of the time (2.2 and 4.5 times) or eight (3.7 and 10), a fifth of the
 * variance that ten rows share (1.2 and 2 times) or twenty (1.3 and 2.5), and dependence that most references do not show
 * (geometric counts of mean exp(.6 z), z an AR(1) of .7: 1.1 and 2.1 times). The declared rate is split over statistics, columns
 * and windows, and each gets the level that it crosses so often by chance (level_crossing.h); it includes what chance did to the
 * reference itself. Sums of rare values, of flags and of columns that are nearly all one value are not normal over short windows:
 * their levels are those of a rare event at a rate that the reference says no better than it can, also of a value that it lacks:
 * a new category of one row in ten is seen some 30 rows later, and one row of it is no alarm. The level of all columns together
 * leaves out such columns, and counts one less that the others tell nearly whole, the less the more they tell.
 *
 * Rows that leave the longest window without an alarm make the reference's means surer, up to as many rows as it has;
 * an alarm forgets them. After it all windows are empty and fill again, beside the same reference. A missing number
 * (NaN) says nothing. A column that does not vary in the reference is not watched, nor are pairs of more than
 * CHANGE_PAIRED_MAX columns, or of more than one column for 20 rows of the reference.
 *
 * A row costs a search in the reference for each column, two where few values are most of its rows, and one comparison for each
 * statistic of each window, no sorting. Memory is taken once, from the arena: with d columns, n reference rows and
 * s = 6 d + d (d - 1)/2 series, 8 bytes times about (380 + n) s + (6 n + 320) d: 360 KB for 5 columns and 400 rows, 2.4 MB for 20.
 * Columns whose rows clearly follow from those before take 24 n more each.
 *
 * Pure; a detector belongs to one thread.
 */
#pragma once

#include "base/error.h"
#include "methods/numeric/table.h"

#define CHANGE_ROWS_MIN 100 /* of a reference: below, false alarms are twice those declared */
#define CHANGE_COLUMNS_MAX 256
#define CHANGE_PAIRED_MAX 24 /* columns whose pairs are followed; more have too many pairs for any to be seen */

enum change_kind { CHANGE_LOCATION, CHANGE_SCALE, CHANGE_SHAPE, CHANGE_DEPENDENCE, CHANGE_JOINT, CHANGE_KINDS };

/* What an alarm was raised by. */
struct change_alarm {
	enum change_kind kind;
	size_t column, other; /* of a pair both, of one column the same twice; of CHANGE_JOINT 0 */
	size_t window;	      /* rows */
	double score;	      /* in standard deviations; of CHANGE_JOINT the root of their sum of squares */
	double level;	      /* that its size has crossed, likewise */
};

struct change_detector;

/* `false_alarms` a thousand rows without change. NULL: CONFIG, a reference that is too small, too wide or without a
 * column that varies, or a rate that is none; or SYSTEM. */
struct change_detector *change_open(struct arena *arena, const struct table *reference, double false_alarms, struct error *error);

/* Whether the row raises an alarm; `alarm` says which, NULL is fine. */
bool change_add(struct change_detector *detector, const double *row, struct change_alarm *alarm);

/* Empties all windows, beside the reference alone: the next row is the first. From now on no rows make the means surer, so what is
 * found depends on the rows after the last call alone, to the bit. */
void change_begin(struct change_detector *detector);
