/* estimate_chart.c: see estimate_chart.h. */
#include "tools/view/report/estimate_chart.h"

#include <math.h>

#include "tools/view/json_member.h"

#define WIDTH 860.0
#define LABELS 60.0 /* width of the numbers beside it */
#define HEIGHT 160.0
#define AXIS 22.0
#define MARGIN 0.02 /* above and below what is shown: of 1, and of errors as a share of what is shown */

static const struct {
	const char *name;
	double most; /* that it can be */
} figures[ESTIMATE_FIGURES] = {
	[ESTIMATE_ACCURACY] = {"accuracy", 1}, [ESTIMATE_AUC] = {"AUC", 1}, [ESTIMATE_ERROR] = {"absolute error", HUGE_VAL}};

/* What is drawn, and where it is in the chart. */
struct estimate_scale {
	const struct drift_windows *data;
	enum estimate_figure figure;
	const size_t *windows;
	size_t count;
	double low, high; /* of the figure */
};

static const struct window_estimate *estimate_at(const struct estimate_scale *scale, size_t at)
{
	return &scale->data->windows[scale->windows[at]].estimates[scale->figure];
}

static double scale_x(const struct estimate_scale *scale, size_t at)
{
	return LABELS + (WIDTH - LABELS - 10) * ((double)at + 0.5) / (double)scale->count;
}

static double scale_y(const struct estimate_scale *scale, double number)
{
	return HEIGHT * (scale->high - number) / (scale->high - scale->low);
}

static bool is_known(const struct window_estimate *estimate)
{
	return isfinite(estimate->estimated) && isfinite(estimate->low) && isfinite(estimate->high);
}

bool estimate_is_known(const struct drift_windows *data, enum estimate_figure figure)
{
	for (size_t i = 0; i < data->window_count; i++)
		if (is_known(&data->windows[i].estimates[figure]))
			return true;
	return false;
}

/* Where the realised numbers are from: of feedback and settled records, one is shown. */
static void source_write(const struct drift_windows *data, size_t judged, struct buffer *out)
{
	const double settled = member_number_read(data->sums, "windows_settled");
	if (isnan(settled))
		return;
	if (text_is(drift_text(data->sums, "realised_from"), "feedback")) {
		buffer_print(out,
			     "<p>Realised numbers are from --feedback. The drift topic has settled records of %.0f of %zu windows, "
			     "which are not shown.</p>\n",
			     settled, data->window_count);
		return;
	}
	const double unkept = member_number_read(data->sums, "settled_unkept");
	const double unfit = member_number_read(data->sums, "settled_unfit");
	buffer_print(out,
		     "<p>Realised numbers are from the settled records of the drift topic: %.0f of %zu windows have settled, of "
		     "which %.0f have too few rows for the band; %.0f have no settled record yet.",
		     settled, data->window_count, settled - (double)judged, member_number_read(data->sums, "windows_not_settled"));
	if (unkept > 0)
		buffer_print(out, " %.0f of their rows did not wait for feedback, as they were beyond the limits of outcomeWindow.",
			     unkept);
	if (unfit > 0)
		buffer_print(out, " Feedback of %.0f of their rows cannot be compared.", unfit);
	buffer_string(out, "</p>\n");
}

void estimate_write_sums(const struct drift_windows *data, enum estimate_figure figure, struct buffer *out)
{
	size_t held = 0, left = 0;
	for (size_t i = 0; i < data->window_count; i++) {
		held += data->windows[i].estimates[figure].band == BAND_KEPT;
		left += data->windows[i].estimates[figure].band == BAND_MISSED;
	}
	if (held + left > 0)
		buffer_print(out, "<p>The realised %s was within its band in %zu of %zu windows.</p>\n", figures[figure].name, held,
			     held + left);
	source_write(data, held + left, out);
}

/* A band may reach beyond what a figure can be. False: none of the windows has an estimate. */
static bool scale_fit(struct estimate_scale *scale)
{
	const double most = figures[scale->figure].most;
	double low = (double)NAN, high = (double)NAN; /* fmin() and fmax() leave out what is not known */
	for (size_t i = 0; i < scale->count; i++) {
		const struct window_estimate *estimate = estimate_at(scale, i);
		if (!is_known(estimate))
			continue;
		low = fmin(fmin(low, estimate->low), estimate->realised);
		high = fmax(fmax(high, estimate->high), estimate->realised);
	}
	const double margin = MARGIN * (isinf(most) ? fmax(high, MARGIN) : most);
	scale->low = fmax(0, low - margin);
	scale->high = fmin(most, high + margin);
	return !isnan(low);
}

/* Of windows one behind the other, all of which have an estimate. */
static void run_draw(const struct estimate_scale *scale, size_t begin, size_t end, struct buffer *out)
{
	const double most = figures[scale->figure].most;
	buffer_string(out, "<polygon class=\"band\" points=\"");
	for (size_t i = begin; i < end; i++)
		buffer_print(out, "%.1f,%.1f ", scale_x(scale, i), scale_y(scale, fmin(most, estimate_at(scale, i)->high)));
	for (size_t i = end; i-- > begin;)
		buffer_print(out, "%.1f,%.1f ", scale_x(scale, i), scale_y(scale, fmax(0, estimate_at(scale, i)->low)));
	buffer_string(out, "\"/><polyline class=\"guess\" points=\"");
	for (size_t i = begin; i < end; i++)
		buffer_print(out, "%.1f,%.1f ", scale_x(scale, i), scale_y(scale, estimate_at(scale, i)->estimated));
	buffer_string(out, "\"/>\n");
}

static void estimates_draw(const struct estimate_scale *scale, struct buffer *out)
{
	for (size_t begin = 0, end; begin < scale->count; begin = end + 1) {
		for (end = begin; end < scale->count && is_known(estimate_at(scale, end));)
			end++;
		if (end > begin)
			run_draw(scale, begin, end, out);
	}
}

static void realised_draw(const struct estimate_scale *scale, size_t at, struct buffer *out)
{
	static const char *const classes[] = {[BAND_NOT_JUDGED] = "few", [BAND_KEPT] = "held", [BAND_MISSED] = "left"};
	static const char *const words[] = {[BAND_NOT_JUDGED] = "too few rows for its band",
					    [BAND_KEPT] = "within its band",
					    [BAND_MISSED] = "outside of its band"};
	const struct window_estimate *estimate = estimate_at(scale, at);
	const struct drift_window *window = &scale->data->windows[scale->windows[at]];
	if (!is_known(estimate) || !isfinite(estimate->realised))
		return;
	buffer_print(out,
		     "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>window %lld: realised %.3g of %.0f rows, %s; "
		     "estimated %.3g</title></circle>\n",
		     classes[estimate->band], scale_x(scale, at), scale_y(scale, estimate->realised), (long long)window->number,
		     estimate->realised, estimate->realised_rows, words[estimate->band], estimate->estimated);
}

void estimate_chart_write(const struct drift_windows *data, enum estimate_figure figure, const size_t *windows, size_t count,
			  struct buffer *out)
{
	const size_t skipped = count > ESTIMATE_CHART_WINDOWS ? count - ESTIMATE_CHART_WINDOWS : 0;
	struct estimate_scale scale = {.data = data, .figure = figure, .windows = windows + skipped, .count = count - skipped};
	if (!scale_fit(&scale))
		return;
	if (skipped > 0)
		buffer_print(out, "<p>Shown are the last %d windows.</p>\n", ESTIMATE_CHART_WINDOWS);
	buffer_print(out, "<svg class=\"estimate\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s by window\">\n", WIDTH,
		     HEIGHT + AXIS, figures[figure].name);
	buffer_print(out, "<text x=\"0\" y=\"12\">%.3g</text><text x=\"0\" y=\"%.0f\">%.3g</text>\n", scale.high, HEIGHT,
		     scale.low);
	estimates_draw(&scale, out);
	for (size_t i = 0; i < scale.count; i++)
		realised_draw(&scale, i, out);
	buffer_print(out, "<text x=\"%.0f\" y=\"%.0f\">window %lld to window %lld</text></svg>\n", LABELS, HEIGHT + 16,
		     (long long)data->windows[scale.windows[0]].number,
		     (long long)data->windows[scale.windows[scale.count - 1]].number);
}
