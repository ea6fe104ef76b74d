/* stores: the table of stores as a whole file, told on as inserts, updates and deletes.
 *
 * in: CSV or JSON. out: changed rows. Called by the host (include/weir/plugin.h); all
 * work is in plugins/common/snapshot.c. */
#include "../common/snapshot.h"

static const struct snapshot_kind kind = {.what = "stores"};

static int stores_open(const struct weir_host *host, bool bounded,
                       const char *checkpoint, void **self, char *error)
{
    (void)bounded; /* a snapshot always ends; the host asks again when it is due */
    return snapshot_open(&kind, host, checkpoint, self, error);
}

static const struct weir_setting settings[] = {SNAPSHOT_SETTINGS("store_id")};

static const char *const id_fields[] = {"store_id", NULL};

__attribute__((visibility("default"))) const struct weir_plugin weir_plugin = {
    .abi = WEIR_PLUGIN_ABI,
    .name = "stores",
    .version = "1.0",
    .summary = "stores with region, zone and hours: whole tables, told on as changes",
    .settings = settings,
    .id_fields = id_fields,
    .discover = snapshot_discover,
    .open = stores_open,
    .next = snapshot_next,
    .checkpoint = snapshot_checkpoint,
    .close = snapshot_close,
    .committed = snapshot_committed,
    .progress = snapshot_progress,
};
