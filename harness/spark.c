#include "harness/spark.h"

#include <math.h>

static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
enum { HEIGHTS = sizeof blocks / sizeof blocks[0] };

void spark_line(struct strbuf *out, const double *values, const int *breaks, size_t n)
{
    double low = INFINITY, high = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double share = high > low ? (values[i] / 2 - low / 2) / (high / 2 - low / 2) : 0.5;
        if (breaks && breaks[i])
            strbuf_addc(out, '|');
        if (isfinite(values[i]))
            strbuf_adds(out, blocks[(int)fmin(HEIGHTS - 1, floor(share * HEIGHTS))]);
        else
            strbuf_addc(out, ' ');
    }
}
