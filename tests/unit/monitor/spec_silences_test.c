/* spec_silences_test.c: Tests of silences: until when an alert is silent by them, and by its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/specs.h"

#define DAY_MS INT64_C(86400000)
#define SECOND_MS INT64_C(1767312000000) /* 2026-01-02 */

static const char silences[] = "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: a}\n"
			       "spec: {alert: slow, until: 2026-01-02T00:00Z, reason: r}\n---\n"
			       "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: b}\n"
			       "spec: {alert: slow, pipeline: p, until: 2026-01-03T00:00Z, reason: r}\n---\n"
			       "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: c}\n"
			       "spec: {alert: slow, pipeline: p, until: 2026-01-01T00:00Z, reason: r}\n---\n"
			       "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: d, namespace: staging}\n"
			       "spec: {alert: slow, until: 2026-01-04T00:00Z, reason: r}\n---\n"
			       "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: e}\n"
			       "spec: {alert: slow, group: XNYS, until: 2026-01-06T00:00Z, reason: r}\n";

static struct spec spec;

static int silences_read(void **state)
{
	struct error error = {0};
	(void)state;
	return spec_open(&spec, &error) && spec_read_text(&spec, "s.yaml", text_of(silences), &(struct spec_options){0}, &error)
		       ? 0
		       : -1;
}

static int silences_close(void **state)
{
	(void)state;
	spec_close(&spec);
	return 0;
}

/* The last end counts; a silence that names no pipeline is of each, and one of a group is not of the alert. */
static void an_alert_is_silenced_until_its_last_silence_ends(void **state)
{
	(void)state;
	const struct alert_spec slow = {.name.text = "slow"}, slower = {.name.text = "slower"};
	assert_int_equal(alert_silenced_until(&spec, "default", "p", &slow), SECOND_MS + DAY_MS);
	assert_int_equal(alert_silenced_until(&spec, "default", "q", &slow), SECOND_MS);
	assert_int_equal(alert_silenced_until(&spec, "default", "p", &slower), 0);
	assert_int_equal(alert_silenced_until(&spec, "staging", "q", &slow), SECOND_MS + 2 * DAY_MS);
}

static void a_silence_of_its_own_counts_too(void **state)
{
	(void)state;
	struct alert_spec alert = {.name.text = "slow"};
	assert_int_equal(alert_silenced_until(&spec, "default", "p", &alert), SECOND_MS + DAY_MS);
	alert.silence.until.text = "2026-01-02T00:00Z"; /* its own ends before */
	assert_int_equal(alert_silenced_until(&spec, "default", "p", &alert), SECOND_MS + DAY_MS);
	alert.silence.until.text = "2026-01-05T00:00Z";
	assert_int_equal(alert_silenced_until(&spec, "default", "p", &alert), SECOND_MS + 3 * DAY_MS);
	alert.name.text = "slower";
	assert_int_equal(alert_silenced_until(&spec, "default", "p", &alert), SECOND_MS + 3 * DAY_MS);
}

static void an_absence_is_told_in_its_condition(void **state)
{
	(void)state;
	const struct alert_spec alert = {.name.text = "slow", .absent.text = "p for 10s"};
	assert_true(text_is(alert_condition_words(&alert, spec.arena), "absent: p for 10s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_is_silenced_until_its_last_silence_ends),
		cmocka_unit_test(a_silence_of_its_own_counts_too),
		cmocka_unit_test(an_absence_is_told_in_its_condition),
	};
	return cmocka_run_group_tests(tests, silences_read, silences_close);
}
