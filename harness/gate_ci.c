/* gate_ci.c -- JUnit XML, and GitHub's workflow commands.
 *
 * The XML is valid for both schemas in use, Ant's JUnit.xsd and the xUnit plugin's junit-10.xsd. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "harness/gate_write.h"

/* XML 1.0 allows no control characters but tab and line ends, not even as references. */
static void xml(struct strbuf *b, const char *s)
{
    for (size_t n; *s; s += n) {
        int fit = utf8_next(s, &n);
        switch (*s) {
        case '&': strbuf_adds(b, "&amp;"); break;
        case '<': strbuf_adds(b, "&lt;"); break;
        case '>': strbuf_adds(b, "&gt;"); break;
        case '"': strbuf_adds(b, "&quot;"); break;
        default:
            if (!fit)
                strbuf_addc(b, '?');
            else if ((unsigned char)*s < 0x20)
                strbuf_addf(b, "&#%d;", *s);
            else
                strbuf_add(b, s, n);
        }
    }
}

static void junit_case(struct strbuf *b, const struct gate_check *c)
{
    static const char *const elements[] = {[VERDICT_FAIL] = "failure", [VERDICT_INVALID] = "error",
                                           [VERDICT_INCONCLUSIVE] = "skipped"};
    char name[160];

    gate_check_name(name, sizeof name, c);
    strbuf_adds(b, "  <testcase classname=\"densimeter.gate.");
    xml(b, gate_quantity_name(c->quantity));
    strbuf_adds(b, "\" name=\"");
    xml(b, name);
    strbuf_adds(b, "\" time=\"0\">");
    if (c->verdict != VERDICT_PASS) {
        strbuf_addf(b, "\n    <%s ", elements[c->verdict]);
        if (c->verdict != VERDICT_INCONCLUSIVE)
            strbuf_addf(b, "type=\"%s\" ", verdict_name(c->verdict));
        strbuf_adds(b, "message=\"");
        xml(b, c->reason);
        strbuf_adds(b, "\"/>\n  ");
    }
    strbuf_adds(b, "</testcase>\n");
}

/* When and where the candidate was measured; Ant's schema wants both, the time without a zone. */
static void junit_origin(struct strbuf *out, const struct run_row *b)
{
    const char *when = b->ended ? b->ended : b->created ? b->created : "1970-01-01T00:00:00";
    const char *host = b->machine_name && *b->machine_name ? b->machine_name : "localhost";

    strbuf_addf(out, " timestamp=\"%.19s\" hostname=\"", when);
    xml(out, host);
    strbuf_addc(out, '"');
}

void gate_junit(struct strbuf *out, const struct gate_story *s)
{
    const struct gate *g = s->gate;
    const struct run_row *b = s->in->b;
    size_t count[VERDICT_FAIL + 1] = {0};
    int alone = g->n_checks == 0; /* not comparable: the verdict itself is the only case */

    for (size_t i = 0; i < g->n_checks; i++)
        count[g->checks[i].verdict]++;
    count[VERDICT_INVALID] += (size_t)alone;
    strbuf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    strbuf_addf(out, "<testsuite name=\"densimeter gate\" tests=\"%zu\" failures=\"%zu\" "
                "errors=\"%zu\" skipped=\"%zu\" time=\"0\"",
                g->n_checks + (size_t)alone, count[VERDICT_FAIL], count[VERDICT_INVALID],
                count[VERDICT_INCONCLUSIVE]);
    junit_origin(out, b);
    strbuf_adds(out, ">\n  <properties>\n");
    strbuf_addf(out, "    <property name=\"verdict\" value=\"%s\"/>\n", verdict_name(g->verdict));
    strbuf_addf(out, "    <property name=\"baseline\" value=\"%s\"/>\n", s->in->a->id);
    strbuf_addf(out, "    <property name=\"candidate\" value=\"%s\"/>\n  </properties>\n",
                b->id);
    for (size_t i = 0; i < g->n_checks; i++)
        junit_case(out, &g->checks[i]);
    if (alone) {
        strbuf_adds(out, "  <testcase classname=\"densimeter.gate\" name=\"comparable\" "
                         "time=\"0\">\n    <error type=\"INVALID\" message=\"");
        xml(out, g->reason);
        strbuf_adds(out, "\"/>\n  </testcase>\n");
    }
    strbuf_addf(out, "  <system-out>%s: ", verdict_name(g->verdict));
    xml(out, g->reason);
    strbuf_adds(out, "</system-out>\n  <system-err></system-err>\n</testsuite>\n");
}

/* Workflow commands end at a line end; in a property also , and : have a meaning. */
static void command_text(struct strbuf *b, const char *s, int property)
{
    for (size_t n; *s; s += n) {
        int fit = utf8_next(s, &n);
        if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ',')))
            strbuf_addf(b, "%%%02X", (unsigned char)*s);
        else if (!fit)
            strbuf_addc(b, '?');
        else
            strbuf_add(b, s, n);
    }
}

static void command(struct strbuf *b, enum verdict v, const char *title, const char *message)
{
    static const char *const names[] = {[VERDICT_PASS] = "notice",
                                        [VERDICT_INCONCLUSIVE] = "warning",
                                        [VERDICT_INVALID] = "error", [VERDICT_FAIL] = "error"};

    strbuf_addf(b, "::%s title=", names[v]);
    command_text(b, title, 1);
    strbuf_adds(b, "::");
    command_text(b, message, 0);
    strbuf_addc(b, '\n');
}

void gate_github(struct strbuf *out, const struct gate_story *s)
{
    char title[200], name[160];

    snprintf(title, sizeof title, "densimeter gate: %s", verdict_name(s->gate->verdict));
    command(out, s->gate->verdict, title, s->gate->reason);
    for (size_t i = 0; i < s->gate->n_checks; i++) {
        const struct gate_check *c = &s->gate->checks[i];
        if (c->verdict == VERDICT_PASS)
            continue;
        gate_check_name(name, sizeof name, c);
        snprintf(title, sizeof title, "%s: %s", verdict_name(c->verdict), name);
        command(out, c->verdict, title, c->reason);
    }
}
