#include "tests/gate_decided.h"

#include "base/mem.h"
#include "tests/test.h"

const struct gate_check *decided(struct decided *d, const struct gate_input *in,
                                 const char *policy)
{
    struct err e = ERR_NONE;

    gate_release(&d->gate);
    gate_policy_release(&d->policy);
    if (gate_policy_parse(&d->policy, policy, strlen(policy), "p.json", &e) < 0 ||
        gate_decide(&d->gate, in, &d->policy, 1, &e) < 0)
        fail_msg("%s", e.text);
    return d->gate.checks;
}

void decided_end(struct decided *d)
{
    gate_release(&d->gate);
    gate_policy_release(&d->policy);
    assert_int_equal(mem_live(), 0);
}

void says(const struct gate_check *c, enum verdict v, const char *reason)
{
    assert_string_equal(verdict_name(c->verdict), verdict_name(v));
    assert_string_equal(c->reason, reason);
}
