/* jwks_outage.c: see jwks_outage.h. */
#include "gateway/access/jwks_outage.h"

#include <stdio.h>
#include <string.h>

#include "base/number/duration.h"
#include "base/number/moment.h"
#include "gateway/access/jwks_refresh.h"

bool jwks_outage_fail(struct jwks_outage *outage, const char *cause, bool has_keys, int64_t now_ms)
{
	const int64_t silent_ms = now_ms - outage->noted_ms;
	const bool is_news = !outage->is_on || outage->had_keys != has_keys || silent_ms >= JWKS_REMINDER_MS ||
			     (silent_ms >= JWKS_CAUSE_PAUSE_MS && strcmp(outage->cause, cause) != 0);
	if (!outage->is_on)
		outage->since_ms = now_ms;
	outage->is_on = true;
	if (!is_news)
		return false;
	outage->had_keys = has_keys;
	outage->noted_ms = now_ms;
	snprintf(outage->cause, sizeof outage->cause, "%s", cause);
	return true;
}

int64_t jwks_outage_end(struct jwks_outage *outage, int64_t now_ms)
{
	const int64_t length_ms = outage->is_on ? now_ms - outage->since_ms : -1;
	*outage = (struct jwks_outage){0};
	return length_ms;
}

void jwks_outage_line(const struct jwks_outage *outage, const struct jwks_outage_facts *facts, char line[JWKS_OUTAGE_BYTES])
{
	char since[MOMENT_BYTES], fetched[MOMENT_BYTES], until[MOMENT_BYTES], meanwhile[160];
	moment_print(facts->wall_ms - (facts->now_ms - outage->since_ms), since);
	moment_print(facts->wall_ms - facts->age_ms, fetched);
	moment_print(facts->wall_ms - facts->age_ms + JWKS_OLD_MS_MAX, until);
	if (outage->had_keys)
		snprintf(meanwhile, sizeof meanwhile,
			 "tokens are verified with the keys of %s until %s, and refused (503) after that", fetched, until);
	else
		snprintf(meanwhile, sizeof meanwhile, "all tokens are refused (503) meanwhile");
	int length = snprintf(line, JWKS_OUTAGE_BYTES,
			      "the key set of tokens cannot be fetched from %s: %s; it fails since %s, and %s; ", facts->address,
			      outage->cause, since, meanwhile);
	if (length < 0 || length >= JWKS_OUTAGE_BYTES)
		return;
	if (facts->is_file)
		snprintf(line + length, JWKS_OUTAGE_BYTES - (size_t)length,
			 "correct the file, which is read again when it changes");
	else
		snprintf(line + length, JWKS_OUTAGE_BYTES - (size_t)length,
			 "check that address (--jwks, or jwksUri), and the server there, which is asked again every %d s",
			 (int)(JWKS_PAUSE_MS / MS_PER_S));
}
