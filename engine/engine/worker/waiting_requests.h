/* waiting_requests.h: Requests that wait in replaced stages, for a model that cannot be reached or whose turn has not come:
 * they begin again in the successor of their stage. Private to worker.
 *
 * What waits by flow_standing(): no call of the request is on its way, and either none was sent before, or one waits for an
 * unreachable model or for another attempt. A call that is on its way ends first, so its next attempt is the successor's.
 *
 *   without state   the request leaves its flow and enters the successor's, from its record, at its place in its queue:
 *                   what leaves before and after it is unchanged. One of a later stage stays where the successor needs
 *                   results that its record does not have
 *   with state      the messages of a partition use what those before them wrote. So all of them are dropped, when all that
 *                   left is committed, and the successor reads the partition again from its last commit
 *                   (partition_states_advance())
 */
#pragma once

#include <stdint.h>

struct worker;

/* Called once a turn. While there are replaced stages, it looks at their requests each 100 ms. */
void waiting_requests_advance(struct worker *worker);
int64_t waiting_requests_due_ms(const struct worker *worker); /* INT64_MAX: there are none */
