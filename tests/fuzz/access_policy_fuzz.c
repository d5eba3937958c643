/* access_policy_fuzz.c: any bytes as a file of policies: it is read, or refused with a place; what it allows to a caller nobody
 * knows it allows to everybody, and a policy without rows allows nothing.
 *
 * seeds: tests/data/access/?*.yaml
 */
#include <stdlib.h>

#include "gateway/access/access_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct access_caller callers[] = {{.kind = ACCESS_CALLER_NOBODY},
						       {.kind = ACCESS_CALLER_KEY, .name = {"billing", 7}},
						       {.kind = ACCESS_CALLER_CERTIFICATE, .name = {"CN=batch", 8}}};
	static const struct access_resource resources[] = {{ACCESS_PIPELINE, {"default", 7}, {"fraud-eu", 8}},
							   {ACCESS_MODEL, {"prod", 4}, {"m", 1}},
							   {ACCESS_SERVER, {"", 0}, {"", 0}}};
	struct error error = {0};
	struct access_policy *policy = access_policy_read("fuzz", (struct text){(const char *)data, size}, &error);
	must(policy ? error.kind == ERROR_NONE : error.kind == ERROR_CONFIG && error.place.line >= 1 && error.text[0]);
	for (size_t i = 0; policy && i < sizeof resources / sizeof *resources; i++)
		for (enum access_verb verb = 0; verb < ACCESS_VERBS; verb++) {
			bool anonymous = access_policy_allows(policy, &callers[0], &resources[i], verb);
			must(!anonymous || access_policy_count(policy) > 0);
			for (size_t k = 1; k < sizeof callers / sizeof *callers; k++)
				must(access_policy_allows(policy, &callers[k], &resources[i], verb) || !anonymous);
		}
	access_policy_close(policy);
	return 0;
}
