/* door_rest.h: the models of a catalog, for callers of the Open Inference Protocol over
 * HTTP: health, metadata, inference with binary data both ways, and the repository's
 * index, load and unload.
 *
 * Belongs to its loop's thread, as the catalog does.
 */
#ifndef SLUICE_SERVING_DOOR_REST_H
#define SLUICE_SERVING_DOOR_REST_H

#include "serving/door.h"

struct rest_door;

struct rest_door *rest_door_open(struct loop *loop, const struct door_config *config, struct error *error);
void rest_door_close(struct rest_door *door); /* with the requests that still wait; NULL is fine */
bool rest_door_drain(struct rest_door *door); /* as http_server_drain() */
bool rest_door_reload(struct rest_door *door, const struct tls_files *files, struct error *error);
int rest_door_port(const struct rest_door *door);

#endif
