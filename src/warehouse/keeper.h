/* The keeper of a SQLite warehouse's write-ahead logs: one process that brings them
 * back into their files, so that whoever commits does not wait for the disk.
 *
 * wh_keeper_open → wh_keeper_round, about once a second → wh_keeper_close. Always
 * holds: a commit needs no keeper to be safe; while one is alive, writers leave the
 * logs to it (up to a size), and without one they do it themselves at once. */
#ifndef WAREHOUSE_KEEPER_H
#define WAREHOUSE_KEEPER_H

#include "base/err.h"

struct wh_keeper;

/* dir: the warehouse's folder, which may not be there yet. Nothing is opened before the
 * first round. */
struct wh_keeper *wh_keeper_open(const char *dir);
/* One look at all logs. Blocks while what is in large ones is written to disk, writers
 * only for its last moment. 1: this process is the keeper; 0: another one is, or the
 * folder is not there yet. Errors name the file; the next round tries again. */
int wh_keeper_round(struct wh_keeper *k, struct err *e);
void wh_keeper_close(struct wh_keeper *k); /* NULL allowed */

#endif
