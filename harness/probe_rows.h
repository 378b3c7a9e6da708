/* probe_rows.h -- what a probe found, as lines of a name and a number. */
#ifndef HARNESS_PROBE_ROWS_H
#define HARNESS_PROBE_ROWS_H

enum { PROBE_ROWS = 48 };
struct probe_row {
    char name[40];
    double value, stderr_; /* stderr_ NAN: has none */
};
struct probe_rows {
    struct probe_row v[PROBE_ROWS];
    int n, n_items;
    char metric[32]; /* whose change is told; "" of no score */
};

/* What does not fit any more is our own mistake and asserted. */
void probe_rows_add(struct probe_rows *r, const char *name, double value, double stderr_);

#endif
