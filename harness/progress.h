/* progress.h -- one line on the terminal that says how far a long command is.
 *
 * bar, items, items per second, time left, and for an evaluation the running score with its
 * interval.  Drawn at most ten times a second; nothing at all unless `log` is a terminal. */
#ifndef HARNESS_PROGRESS_H
#define HARNESS_PROGRESS_H

#include <stddef.h>
#include <stdio.h>

#include "base/strbuf.h"

struct progress {
    FILE *log; /* NULL: silent */
    const char *what;
    size_t done, total, started_at; /* started_at: items that were done before */
    double start_s, drawn_s;
    double right, scored; /* running share, when every value is 0 or 1 */
    int is_share;
    int is_bytes; /* done and total are bytes, not items */
};

void progress_begin(struct progress *p, FILE *log, const char *what, size_t done, size_t total);
void progress_value(struct progress *p, double value); /* an item's credit, before its step */
void progress_step(struct progress *p);
void progress_end(struct progress *p); /* wipes the line */

/* The parts, for what counts otherwise: "NAME [###.......] ", "1:02:03" or "--:--", and the line in
 * place of the one before. */
void progress_bar(struct strbuf *b, const char *what, double share);
void progress_time(struct strbuf *b, double s);
void progress_put(FILE *log, const struct strbuf *line);

#endif
