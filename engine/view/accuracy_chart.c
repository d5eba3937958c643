/* accuracy_chart.c: see accuracy_chart.h. */
#include "view/accuracy_chart.h"

#include <math.h>

#include "view/html_parts.h"

#define WIDTH 860.0
#define LABELS 60.0 /* width of the numbers beside it */
#define HEIGHT 160.0
#define AXIS 22.0
#define MARGIN 0.02 /* of an accuracy, above and below what is shown */

/* Where windows and accuracies are in the chart. */
struct accuracy_scale {
	size_t count;
	double low, high; /* of accuracies */
};

static double scale_x(const struct accuracy_scale *scale, size_t at)
{
	return LABELS + (WIDTH - LABELS - 10) * ((double)at + 0.5) / (double)scale->count;
}

static double scale_y(const struct accuracy_scale *scale, double accuracy)
{
	return HEIGHT * (scale->high - accuracy) / (scale->high - scale->low);
}

static bool is_known(const struct window_accuracy *accuracy)
{
	return isfinite(accuracy->estimated) && isfinite(accuracy->low) && isfinite(accuracy->high);
}

bool accuracy_is_known(const struct drift_windows *data)
{
	for (size_t i = 0; i < data->window_count; i++)
		if (is_known(&data->windows[i].accuracy))
			return true;
	return false;
}

void accuracy_write_sums(const struct drift_windows *data, struct buffer *out)
{
	size_t held = 0, left = 0;
	for (size_t i = 0; i < data->window_count; i++) {
		held += data->windows[i].accuracy.band == ACCURACY_HELD;
		left += data->windows[i].accuracy.band == ACCURACY_LEFT;
	}
	if (held + left > 0)
		buffer_print(out, "<p>The realised accuracy was within its band in %zu of %zu windows.</p>\n", held, held + left);
}

/* An accuracy is from 0 to 1, and its band may reach beyond. */
static struct accuracy_scale accuracy_scale_of(const struct drift_windows *data, const size_t *windows, size_t count)
{
	struct accuracy_scale scale = {count, 1, 0};
	for (size_t i = 0; i < count; i++) {
		const struct window_accuracy *accuracy = &data->windows[windows[i]].accuracy;
		scale.low = fmin(scale.low, fmin(is_known(accuracy) ? accuracy->low : 1, accuracy->realised));
		scale.high = fmax(scale.high, fmax(is_known(accuracy) ? accuracy->high : 0, accuracy->realised));
	}
	scale.low = fmax(0, scale.low - MARGIN);
	scale.high = fmin(1, scale.high + MARGIN);
	return scale;
}

/* Of windows one behind the other, all of which have an estimate. */
static void run_draw(const struct drift_windows *data, const size_t *windows, const size_t span[2],
		     const struct accuracy_scale *scale, struct buffer *out)
{
	buffer_string(out, "<polygon class=\"band\" points=\"");
	for (size_t i = span[0]; i < span[1]; i++)
		buffer_print(out, "%.1f,%.1f ", scale_x(scale, i),
			     scale_y(scale, fmin(1, data->windows[windows[i]].accuracy.high)));
	for (size_t i = span[1]; i-- > span[0];)
		buffer_print(out, "%.1f,%.1f ", scale_x(scale, i), scale_y(scale, fmax(0, data->windows[windows[i]].accuracy.low)));
	buffer_string(out, "\"/><polyline class=\"guess\" points=\"");
	for (size_t i = span[0]; i < span[1]; i++)
		buffer_print(out, "%.1f,%.1f ", scale_x(scale, i), scale_y(scale, data->windows[windows[i]].accuracy.estimated));
	buffer_string(out, "\"/>\n");
}

static void estimates_draw(const struct drift_windows *data, const size_t *windows, const struct accuracy_scale *scale,
			   struct buffer *out)
{
	for (size_t begin = 0, end; begin < scale->count; begin = end + 1) {
		for (end = begin; end < scale->count && is_known(&data->windows[windows[end]].accuracy);)
			end++;
		if (end > begin)
			run_draw(data, windows, (const size_t[]){begin, end}, scale, out);
	}
}

static void realised_draw(const struct drift_window *window, double x, const struct accuracy_scale *scale, struct buffer *out)
{
	static const char *const classes[] = {[ACCURACY_OPEN] = "few", [ACCURACY_HELD] = "held", [ACCURACY_LEFT] = "left"};
	static const char *const words[] = {[ACCURACY_OPEN] = "too few rows for its band",
					    [ACCURACY_HELD] = "within its band",
					    [ACCURACY_LEFT] = "outside of its band"};
	const struct window_accuracy *accuracy = &window->accuracy;
	buffer_print(out,
		     "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>window %lld: realised %.3g of %.0f rows, %s; "
		     "estimated "
		     "%.3g</title></circle>\n",
		     classes[accuracy->band], x, scale_y(scale, accuracy->realised), (long long)window->number, accuracy->realised,
		     accuracy->realised_rows, words[accuracy->band], accuracy->estimated);
}

void accuracy_chart_write(const struct drift_windows *data, const size_t *windows, size_t count, struct buffer *out)
{
	const size_t skipped = count > ACCURACY_CHART_WINDOWS ? count - ACCURACY_CHART_WINDOWS : 0;
	bool known = false;
	windows += skipped;
	count -= skipped;
	for (size_t i = 0; i < count; i++)
		known |= is_known(&data->windows[windows[i]].accuracy);
	if (!known)
		return;
	const struct accuracy_scale scale = accuracy_scale_of(data, windows, count);
	if (skipped > 0)
		buffer_print(out, "<p>Shown are the last %d windows.</p>\n", ACCURACY_CHART_WINDOWS);
	buffer_print(out, "<svg class=\"accuracy\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"accuracy by window\">\n",
		     WIDTH, HEIGHT + AXIS);
	buffer_print(out, "<text x=\"0\" y=\"12\">%.3g</text><text x=\"0\" y=\"%.0f\">%.3g</text>\n", scale.high, HEIGHT,
		     scale.low);
	estimates_draw(data, windows, &scale, out);
	for (size_t i = 0; i < count; i++)
		if (is_known(&data->windows[windows[i]].accuracy) && isfinite(data->windows[windows[i]].accuracy.realised))
			realised_draw(&data->windows[windows[i]], scale_x(&scale, i), &scale, out);
	buffer_print(out, "<text x=\"%.0f\" y=\"%.0f\">window %lld to window %lld</text></svg>\n", LABELS, HEIGHT + 16,
		     (long long)data->windows[windows[0]].number, (long long)data->windows[windows[count - 1]].number);
}
