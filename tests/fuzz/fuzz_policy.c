/* The policy of a release gate: any text is a policy or one error that names a place. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/gate_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gate_policy p;
    struct err e = ERR_NONE;

    if (gate_policy_parse(&p, (const char *)data, size, "policy", &e) < 0) {
        if (e.code == ERR_OK || strncmp(e.text, "policy", 6) != 0)
            abort();
    } else {
        if (!(p.alpha > 0 && p.alpha <= .5 && p.looks >= 1 && gate_policy_alpha(&p) > 0) ||
            p.memory_margin <= p.memory_floor)
            abort();
        for (size_t i = 0; i < p.n_tasks; i++)
            if (!gate_policy_task(&p, p.tasks[i].task))
                abort();
        gate_policy_release(&p);
    }
    if (mem_live() != 0)
        abort();
    return 0;
}
