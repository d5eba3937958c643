/* alert_groups.c: see alert_groups.h. */
#include "monitor/alerts/alert_groups.h"

#include "base/hash.h"
#include "base/memory.h"

struct alert_group *alert_group_find(const struct alert_groups *groups, struct text name)
{
	const uint64_t hash = hash_text(name, 0);
	struct alert_group *group = groups->first;
	while (group && (group->hash != hash || !text_equal(group->name, name)))
		group = group->next;
	return group;
}

/* One piece of memory: the group, and its name. */
static struct alert_group *group_add(struct alert_groups *groups, struct text name)
{
	struct alert_group *made =
		groups->count < ALERT_GROUPS_MAX ? memory_take(1, sizeof *made + name.length + 1) : NULL;
	if (!made)
		return NULL;
	char *copy = (char *)(made + 1);
	memcpy(copy, name.bytes, name.length);
	*made = (struct alert_group){.next = groups->first, .name = {copy, name.length}, .hash = hash_text(name, 0)};
	groups->first = made;
	groups->count++;
	return made;
}

struct alert_group *alert_group_judge(struct alert_groups *groups, struct text name, struct alert_judgement judgement)
{
	struct alert_group *group = alert_group_find(groups, name);
	if (!group && judgement.held) {
		group = group_add(groups, name);
		groups->beyond += group == NULL;
	}
	if (!group)
		return NULL;
	if (judgement.at_ms > 0 && (group->judged.at_ms == 0 || judgement.at_ms < group->judged.at_ms))
		group->judged.at_ms = judgement.at_ms;
	group->judged.held |= judgement.held;
	group->judged.broken |= judgement.broken;
	return group;
}

void alert_groups_settle(struct alert_groups *groups)
{
	struct alert_group **at = &groups->first;
	while (*at) {
		struct alert_group *group = *at;
		if (group->alert.phase != ALERT_INACTIVE || group->alert.is_announced) {
			at = &group->next;
			continue;
		}
		*at = group->next;
		groups->count--;
		memory_give(group);
	}
}

void alert_groups_clear(struct alert_groups *groups)
{
	while (groups->first) {
		struct alert_group *group = groups->first;
		groups->first = group->next;
		memory_give(group);
	}
	groups->count = 0;
}

size_t alert_groups_in(const struct alert_groups *groups, enum alert_phase phase)
{
	size_t count = 0;
	for (const struct alert_group *group = groups->first; group; group = group->next)
		count += group->alert.phase == phase;
	return count;
}
