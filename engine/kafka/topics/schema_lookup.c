/* schema_lookup.c: see schema_lookup.h. */
#include "kafka/topics/schema_lookup.h"

#define WAIT_MS 30000 /* for a registry that does not answer */
#define LOOK_MS 100

static void schema_lookup_on_news(void *context)
{
	(void)context; /* the loop has turned: the record is decoded again */
}

bool schema_lookup_open(struct schema_lookup *asker, struct registry_config registry, struct error *error)
{
	*asker = (struct schema_lookup){.config = registry};
	asker->config.news = schema_lookup_on_news;
	if (!asker->config.url)
		return true;
	asker->loop = loop_open(error);
	asker->registry = asker->loop ? registry_open(asker->loop, &asker->config, error) : NULL;
	return asker->registry;
}

void schema_lookup_close(struct schema_lookup *asker)
{
	registry_close(asker->registry);
	loop_close(asker->loop);
	*asker = (struct schema_lookup){0};
}

bool schema_lookup_again(struct schema_lookup *asker, struct error *error)
{
	if (!asker->registry || !registry_was_missed(asker->registry)) {
		asker->until_ms = 0;
		return false;
	}
	if (asker->until_ms == 0)
		asker->until_ms = loop_now_ms(asker->loop) + WAIT_MS;
	if (loop_now_ms(asker->loop) >= asker->until_ms)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the schema registry %s does not answer: %s", asker->config.url,
				 registry_trouble(asker->registry));
	return loop_turn(asker->loop, LOOK_MS, error);
}
