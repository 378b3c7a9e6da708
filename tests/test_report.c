/* A report says the same in every format, stays text whatever a model is called, looks right. */
#include "tests/test.h"

#include <sys/stat.h>
#include <utf8proc.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "reports/gnuplot.h"
#include "reports/number.h"
#include "reports/report.h"
#include "tests/report_sample.h"

static const struct report_options no_gnuplot = {.gnuplot = "/nonexistent/gnuplot"};

static char dir[64];

static int in_a_folder(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/densimeter-report-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int folder_gone(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static const char *in_dir(const char *name)
{
    static char path[2][160];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void written(const char *suffix, const struct report_options *o, struct strbuf *out)
{
    struct report r;
    struct err e = ERR_NONE;
    const struct report_writer *w = report_writer_for(suffix);
    assert_non_null(w);
    sample_report(&r);
    if (w->write(&r, o, out, &e) < 0)
        fail_msg("%s", e.text);
    report_release(&r);
}

static void the_sample_is_written_as_kept_in_golden(void **state)
{
    static const char *const suffixes[] = {".md", ".csv", ".json", ".txt"};
    (void)state;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
        struct err e = ERR_NONE;
        char path[64], name[32];
        snprintf(path, sizeof path, "tests/golden/report_sample%s", suffixes[i]);
        snprintf(name, sizeof name, "x%s", suffixes[i]);
        written(name, NULL, &got);
        assert_int_equal(file_read(&want, path, 1 << 20, &e), 0);
        if (strcmp(got.s, want.s) != 0) {
            assert_int_equal(file_write(in_dir(name), got.s, got.len, &e), 0);
            fail_msg("%s is not what is written now", path);
        }
        strbuf_release(&got);
        strbuf_release(&want);
    }
    assert_int_equal(mem_live(), 0);
}

static void the_json_report_is_json(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    cJSON *j;
    (void)state;
    written("x.json", NULL, &b);
    j = json_parse(b.s, b.len, "report", &e);
    assert_non_null(j);
    assert_string_equal(json_str(j, "schema"), "densimeter.report/1");
    assert_int_equal(cJSON_GetArraySize(json_get(j, "headline")), 3);
    json_free(j);
    strbuf_release(&b);
}

/* --- HTML -------------------------------------------------------------------------------- */
#define DEPTH 64

static int is_void(const char *name)
{
    static const char *const names[] = {"meta", "link", "br", "hr", "img", "!DOCTYPE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

/* Tags nest, attributes are quoted, & begins an entity, ids are unique; returns how many tags. */
static int check_html(const char *html)
{
    char open[DEPTH][24], name[24];
    int depth = 0, tags = 0;

    for (const char *s = html; *s; s++) {
        if (*s == '&' && strncmp(s, "&lt;", 4) && strncmp(s, "&gt;", 4) && strncmp(s, "&amp;", 5) &&
            strncmp(s, "&quot;", 6) && strncmp(s, "&#39;", 5))
            fail_msg("a bare & at %.40s", s);
        if (*s != '<')
            continue;
        const char *end = strchr(s, '>');
        int closing = s[1] == '/', quotes = 0, n = 0;
        assert_non_null(end);
        for (const char *p = s + 1 + closing; n < 23 && *p && !strchr(" \n>/", *p); p++)
            name[n++] = *p;
        name[n] = 0;
        assert_true(n > 0);
        for (const char *p = s; p < end; p++) {
            quotes += *p == '"' || *p == '\'';
            if (*p == '=' && quotes % 2 == 0 && p[1] != '"' && p[1] != '\'')
                fail_msg("an attribute without quotes at %.40s", s);
        }
        tags++;
        if (closing) {
            if (depth == 0 || strcmp(open[depth - 1], name) != 0)
                fail_msg("</%s> closes <%s>", name, depth ? open[depth - 1] : "nothing");
            depth--;
        } else if (end[-1] != '/' && !is_void(name)) {
            assert_true(depth < DEPTH);
            strcpy(open[depth++], name);
        }
        s = end;
    }
    assert_int_equal(depth, 0);
    for (const char *s = html; (s = strstr(s, " id=")); s += 4) {
        char id[64];
        size_t n = strcspn(s + 5, "\"'");
        snprintf(id, sizeof id, " id=%c%.*s%c", s[4], (int)n, s + 5, s[4]);
        if (strstr(s + 4, id))
            fail_msg("%s twice", id);
    }
    return tags;
}

static void the_page_is_well_formed_and_stands_alone(void **state)
{
    struct strbuf b = STRBUF_INIT;
    int drawn;
    (void)state;
    written("x.html", NULL, &b);
    drawn = strstr(b.s, "Not drawn") == NULL;
    if (!drawn)
        print_message("          skipped: gnuplot is not here, so are no plots\n");
    check_html(b.s);
    assert_int_equal(strstr(b.s, "<svg") != NULL, drawn);
    assert_null(strstr(b.s, "<script"));
    assert_null(strstr(b.s, "onload"));
    assert_null(strstr(b.s, "src="));
    for (const char *s = b.s; (s = strstr(s, "://")); s += 3)
        assert_int_equal(strncmp(s, "://www.w3.org/", 14), 0); /* the names of SVG's namespaces */
    assert_non_null(strstr(b.s, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;q&quot;"));
    if (drawn) {
        assert_non_null(strstr(b.s, "var(--s0)"));
        assert_null(strstr(b.s, "rgb("));
    }
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

static void without_gnuplot_the_page_has_a_note_and_the_numbers(void **state)
{
    struct strbuf b = STRBUF_INIT;
    (void)state;
    written("x.html", &no_gnuplot, &b);
    check_html(b.s);
    assert_non_null(strstr(b.s, "Not drawn: /nonexistent/gnuplot is not installed."));
    assert_non_null(strstr(b.s, "<details open>"));
    assert_null(strstr(b.s, "<svg"));
    strbuf_release(&b);
}

static const char *program(const char *name, const char *text)
{
    struct err e = ERR_NONE;
    const char *path = in_dir(name);
    assert_int_equal(file_write(path, text, strlen(text), &e), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static void a_gnuplot_that_fails_or_hangs_is_an_error(void **state)
{
    static const struct { const char *name, *text, *error; } rows[] = {
        {"fails", "#!/bin/sh\necho 'line 3: no such thing' >&2\nexit 1\n",
         "failed: line 3: no such thing"},
        {"hangs", "#!/bin/sh\nexec sleep 60\n", "took too long and was stopped"},
        {"closes", "#!/bin/sh\nexec >&-\nexec sleep 60\n", "took too long and was stopped"},
        {"floods", "#!/bin/sh\nexec cat /dev/zero\n", "printed more than 16 MB"},
        {"crashes", "#!/bin/sh\nkill -SEGV $$\n", "failed (status"},
        {"silent", "#!/bin/sh\nexit 0\n", ""},
    };
    struct strbuf script = STRBUF_INIT;
    (void)state;
    for (int i = 0; i < 20000; i++) /* more than a pipe holds, and nobody reads it */
        strbuf_adds(&script, "set title 'x'\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf out = STRBUF_INIT;
        struct err e = ERR_NONE;
        int rc = gnuplot_run(program(rows[i].name, rows[i].text), 1, &script, &out, &e);
        assert_int_equal(rc, *rows[i].error ? -1 : 0);
        if (*rows[i].error && (e.code != ERR_IO || !strstr(e.text, rows[i].error)))
            fail_msg("%s: %s", rows[i].name, e.text);
        strbuf_release(&out);
    }
    strbuf_release(&script);
}

static void what_is_no_picture_is_not_put_into_the_page(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct report_options o = {0};
    (void)state;
    o.gnuplot = program("liar", "#!/bin/sh\necho 'this is no picture'\n");
    written("x.html", &o, &b);
    check_html(b.s);
    assert_non_null(strstr(b.s, "Not drawn: gnuplot printed no picture."));
    strbuf_release(&b);
}

/* Points by their shapes and lines by their dashes, in the picture and beside it. */
static void series_are_told_apart_without_colours(void **state)
{
    static const char *const paths[] = {"<path d=\"M5 .6a4.4", "<path d=\"M1 1h8v8H1z\""};
    struct report r;
    struct report_plot *p;
    struct report_series *s;
    struct strbuf page = STRBUF_INIT;
    int drawn = 0;
    (void)state;
    if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
        print_message("          skipped: gnuplot is not here\n");
        skip();
    }
    report_init(&r, "t");
    p = report_plot(&r, "k", "t", metric_find("parameters"), metric_find("density"), 0);
    for (int i = 0; i < 4; i++) {
        s = report_series(&r, p, "s");
        report_point(&r, p, s, i < 2 ? "named" : NULL, 1, i);
        report_point(&r, p, s, i < 2 ? "named" : NULL, 2, i);
        s->line = s->bare = i >= 2;
    }
    assert_int_equal(report_writer_named("html")->write(&r, NULL, &page, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_non_null(strstr(page.s, paths[i]));
    assert_non_null(strstr(page.s, "stroke-dasharray=\"none\"")); /* the legend's */
    assert_non_null(strstr(page.s, "stroke-dasharray=\"9,4\""));
    for (const char *at = page.s; (at = strstr(at, "stroke-dasharray")) != NULL; at++)
        drawn++;
    assert_in_range(drawn, 4, 8); /* and gnuplot's own, of one line in two sizes */
    assert_non_null(strstr(page.s, "density (ratio)"));
    assert_non_null(strstr(page.s, "parameters (count)"));
    strbuf_release(&page);
    report_release(&r);
}

static void many_points_have_names_instead_of_numbers(void **state)
{
    (void)state;
    for (int n = 20; n <= 21; n++) {
        struct report r;
        struct report_plot *p;
        struct report_series *s;
        report_init(&r, "t");
        p = report_plot(&r, "k", "t", metric_find("parameters"), metric_find("density"), 0);
        s = report_series(&r, p, "s");
        for (int i = 0; i < n; i++)
            report_point(&r, p, s, "named", i, i);
        report_series(&r, p, "quiet")->quiet = 1;
        assert_int_equal(plot_numbered(p, 0), n == 20);
        assert_int_equal(plot_numbered(p, 1), 0);
        report_release(&r);
    }
}

/* --- in a browser ------------------------------------------------------------------------ */

/* Frames of several widths, light and dark; for each one line of measurements. */
static const char frames[] =
    "<!DOCTYPE html><meta charset=\"utf-8\"><body><pre id=\"result\">nothing</pre><script>\n"
    "const widths = [360, 1280, 1920], schemes = ['light', 'dark'];\n"
    "const frames = [];\n"
    "for (const w of widths) for (const c of schemes) {\n"
    "  const f = document.createElement('iframe');\n"
    "  f.src = 'page.html'; f.width = w; f.height = 4000;\n"
    "  f.style = 'border:0;color-scheme:' + c; f.dataset.name = w + ' ' + c;\n"
    "  document.body.append(f); frames.push(f);\n"
    "}\n"
    "function meets(a, b) {\n"
    "  return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&\n"
    "         Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;\n"
    "}\n"
    "function shown(list) { return [...list].filter(e => e.getClientRects().length); }\n"
    "function measure(f) {\n"
    "  const d = f.contentDocument, width = f.clientWidth, view = d.defaultView;\n"
    "  let overlaps = 0, texts = 0, small = 0, outside = 0;\n"
    "  for (const fig of d.querySelectorAll('figure')) {\n"
    "    const list = shown(fig.querySelectorAll('svg text, .axis, .legend li, h3, summary'));\n"
    "    const rects = list.map(e => e.getBoundingClientRect());\n"
    "    texts += rects.length;\n"
    "    for (let i = 0; i < rects.length; i++)\n"
    "      for (let k = 0; k < i; k++) overlaps += meets(rects[i], rects[k]);\n"
    "    for (const e of shown(fig.querySelectorAll('svg text')))\n"
    "      small += e.getBoundingClientRect().height < 11;\n"
    "  }\n"
    "  for (const e of shown(d.querySelectorAll('body *')))\n"
    "    if (!e.closest('.scroll > *') && e.getBoundingClientRect().right > width + 1) outside++;\n"
    "  const names = [...d.querySelectorAll('figure svg circle[fill=transparent]')];\n"
    "  const nameless = names.length ? names.filter(e => !e.textContent).length : 'all';\n"
    "  const units = shown(d.querySelectorAll('.axis'))\n"
    "    .every(e => /\\(.+\\)/.test(e.textContent));\n"
    "  const spilled = shown(d.querySelectorAll('th, td'))\n"
    "    .filter(e => e.scrollWidth > e.clientWidth + 1).length;\n"
    "  const page = view.getComputedStyle(d.body).backgroundColor.match(/\\d+/g).map(Number);\n"
    "  return `${f.dataset.name}: scroll=${d.documentElement.scrollWidth > width} ` +\n"
    "    `outside=${outside} overlaps=${overlaps} small=${small} texts=${texts > 20} ` +\n"
    "    `nameless=${nameless} units=${units} ` +\n"
    "    `spilled=${spilled} ` +\n"
    "    `dark=${page[0] < 100}`;\n"
    "}\n"
    "window.onload = () => {\n"
    "  const lines = frames.map(measure);\n"
    "  document.getElementById('result').textContent = lines.join('\\n') + '\\nend';\n"
    "};\n"
    "</script></body>\n";

static const char *browser(void)
{
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome"};
    char command[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", names[i]);
        if (system(command) == 0)
            return names[i];
    }
    return NULL;
}

static void nothing_overlaps_or_overflows_in_a_browser(void **state)
{
    static const char *const names[] = {"360 light",  "360 dark",   "1280 light",
                                        "1280 dark",  "1920 light", "1920 dark"};
    const char *chromium = browser();
    struct report r;
    struct err e = ERR_NONE;
    struct strbuf dom = STRBUF_INIT;
    char command[512], want[160];
    (void)state;
    if (!chromium || system("command -v gnuplot >/dev/null 2>&1") != 0) {
        print_message("          skipped: chromium or gnuplot is not here\n");
        skip();
    }
    sample_report(&r);
    assert_int_equal(report_write(&r, NULL, in_dir("page.html"), &e), 0);
    report_release(&r);
    assert_int_equal(file_write(in_dir("frames.html"), frames, sizeof frames - 1, &e), 0);
    snprintf(command, sizeof command,
             "HOME=%s timeout 100 %s --headless --no-sandbox --disable-gpu "
             "--allow-file-access-from-files --virtual-time-budget=20000 --user-data-dir=%s/user "
             "--dump-dom file://%s/frames.html >%s/dom 2>/dev/null", dir, chromium, dir, dir, dir);
    if (system(command) != 0) {
        print_message("          skipped: %s does not run here\n", chromium);
        skip();
    }
    assert_int_equal(file_read(&dom, in_dir("dom"), 1 << 20, &e), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(want, sizeof want,
                 "%s: scroll=false outside=0 overlaps=0 small=0 texts=true "
                 "nameless=0 units=true spilled=0 dark=%s\n", names[i],
                 strstr(names[i], "dark") ? "true" : "false");
        if (!strstr(dom.s, want))
            fail_msg("expected \"%s\" in:\n%.900s", want, dom.s);
    }
    strbuf_release(&dom);
}

/* --- numbers ----------------------------------------------------------------------------- */

static void rows_have_their_names_on_the_axis_whatever_they_hold(void **state)
{
    struct report r;
    struct strbuf b = STRBUF_INIT;
    struct report_plot *p;
    struct report_series *s;
    const char *first;
    (void)state;
    if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
        print_message("          skipped: gnuplot is not here\n");
        return;
    }
    report_init(&r, "Rows");
    p = report_plot(&r, "forest", "Forest", metric_find("acc_change"), metric_find("table_row"),
                    PLOT_ROWS);
    s = report_series(&r, p, NULL);
    report_point(&r, p, s, "a name of forty characters, which is long", -1, 1);
    report_point(&r, p, s, "</text><script>\"'`rm`@{}%s\x01\xff", 2, 2);
    report_point(&r, p, s, "\xe9\x9b\xaa, the highest", 0, 3);
    report_point(&r, p, s, "Zrow0.", 0, 4); /* our own mark is a name like any other */
    assert_int_equal(report_ok(&r, NULL), 0);
    assert_int_equal(report_writer_for("x.html")->write(&r, NULL, &b, NULL), 0);
    assert_null(strstr(b.s, "Not drawn"));
    assert_non_null(strstr(b.s, "a name of forty characters, \xe2\x80\xa6</"));
    assert_non_null(strstr(b.s, "&lt;/text&gt;&lt;script&gt;&quot;&#39;`rm`@{}%s"));
    assert_null(strstr(b.s, "<script"));
    assert_non_null(strstr(b.s, "\xe9\x9b\xaa, the highest</"));
    first = strstr(b.s, "<svg");
    assert_non_null(first);
    assert_non_null(strstr(first, ">Zrow0.</"));
    assert_null(strstr(b.s, "class=\"axis y\""));
    strbuf_release(&b);
    report_release(&r);
}

static void numbers_are_shown_in_three_digits(void **state)
{
    static const struct { const char *metric; double v; const char *text; } rows[] = {
        {"acc", 0.49, "0.490"},          {"file_bytes", 98362432, "98.4\u00a0MB"},
        {"latency_s", 0.0123, "12.3\u00a0ms"}, {"latency_s", 0.9999, "1.00\u00a0s"},
        {"parameters", 134515008, "135\u00a0M"}, {"peak_rss_bytes", 512, "512\u00a0B"},
        {"tok_s", 1234.5, "1234\u00a0tok/s"}, {"prompt_tokens", 99999, "99999"},
        {"perplexity", 17.349, "17.3"},  {"latency_s", 0, "0\u00a0s"}, {"acc", NAN, "\u2013"},
        {"wall_s", 2.5e-7, "250\u00a0ns"}, {"knowledge_bits", -0.25, "-0.250\u00a0bit"},
        {"parameters", 3.8e9, "3.80\u00a0B"}, {"file_bytes", 3.8e9, "3.80\u00a0GB"},
        {"share_of_time", 5.5e-5, "<0.001"}, {"acc_change", -1e-5, ">-0.001\u00a0points"},
        {"item_cost", 0.000123, "0.000123"}, {"item_cost", 0.00149, "0.00149"},
        {"item_cost", 2.5, "2.50"}, {"acc_change", -0.0, "0\u00a0points"},
    };
    char text[NUMBER_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        number_format(text, metric_find(rows[i].metric), rows[i].v);
        assert_string_equal(text, rows[i].text);
    }
    number_interval(text, metric_find("latency_s"), 0.0123, 0.0119, 0.0128);
    assert_string_equal(text, "11.9\u201312.8");
    number_interval(text, metric_find("knowledge_bits"), -0.49, -1.16, -0.029);
    assert_string_equal(text, "-1.16 to -0.029");
    number_interval(text, metric_find("acc"), 0.5, NAN, NAN);
    assert_string_equal(text, "");
}

static void ticks_are_apart_and_inside(void **state)
{
    static const struct { double min, max; } spans[] = {
        {0.1, 0.2}, {1, 1e9}, {135e6, 136e6}, {0.49, 0.49}, {1e-6, 3}, {98e6, 400e6}, {5, 5.01},
        {1e-300, 1e300}, {0, 1}, {-3, 12}, {0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        for (int log = 0; log <= (spans[i].min > 0); log++) {
            struct axis a = {0};
            axis_fit(&a, spans[i].min, spans[i].max, log, 0.15);
            assert_true(a.low < a.high && a.low <= spans[i].min && a.high >= spans[i].max);
            if (a.n_ticks < 1 || a.n_ticks > 8)
                fail_msg("%g .. %g, log %d: %d ticks", spans[i].min, spans[i].max, log, a.n_ticks);
            for (int k = 0; k < a.n_ticks; k++) {
                double at = axis_place(&a, a.ticks[k]);
                assert_true(at > -1e-6 && at < 1 + 1e-6);
                if (k)
                    assert_true(at - axis_place(&a, a.ticks[k - 1]) >= 0.15);
            }
        }
}

static void ticks_are_short_and_whole_where_things_are_counted(void **state)
{
    static const struct { const char *metric; double v; const char *text; } rows[] = {
        {"density", 0.5, "0.5"}, {"intensity", 100, "100"}, {"latency_s", 0.2, "200\u00a0ms"},
        {"file_bytes", 1.5e9, "1.5\u00a0GB"}, {"parameters", 3e10, "30\u00a0B"},
        {"release_year", 2023.25, "2023.25"},
    };
    char text[NUMBER_SIZE];
    struct axis a = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        number_tick(text, metric_find(rows[i].metric), rows[i].v);
        assert_string_equal(text, rows[i].text);
    }
    assert_true(number_whole(metric_find("night")) && !number_whole(metric_find("acc")));
    axis_fit(&a, 1, 3, 0, 0.15);
    assert_true(a.n_ticks > 3);
    axis_whole(&a);
    assert_int_equal(a.n_ticks, 3);
    for (int k = 0; k < a.n_ticks; k++)
        assert_true(a.ticks[k] == k + 1);
}

/* --- tables for a terminal --------------------------------------------------------------- */

static int columns_of(const char *line, size_t n)
{
    int w = 0;
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)line + i,
                                              (utf8proc_ssize_t)(n - i), &c);
        assert_true(k > 0);
        w += utf8proc_charwidth(c);
        i += (size_t)k;
    }
    return w;
}

static void a_table_fits_any_terminal(void **state)
{
    (void)state;
    for (int width = 30; width <= 200; width += 5) {
        const struct report_options o = {.width = width};
        struct strbuf b = STRBUF_INIT;
        written("x.txt", &o, &b);
        assert_null(strchr(b.s, 0x1b));
        for (const char *s = b.s; *s;) {
            size_t n = strcspn(s, "\n");
            assert_true(columns_of(s, n) <= width);
            assert_true(n == 0 || s[n - 1] != ' ');
            s += n + 1;
        }
        strbuf_release(&b);
    }
}

static void a_table_as_csv_has_intervals_beside_their_column(void **state)
{
    struct report r;
    struct err e = ERR_NONE;
    struct strbuf b = STRBUF_INIT;
    const struct report_column columns[] = {{"model", "model", NULL, 2},
                                            {"acc", NULL, metric_find("acc"), 1}};
    (void)state;
    report_init(&r, "t");
    struct report_table *t = report_table(&r, "k", "t", columns, 2);
    struct report_cell *row = report_row(&r, t);
    report_cell_text(&r, row, 0, "a,\"b\"");
    report_cell_value(row, 1, 0.1, 0.05, 0.15);
    row = report_row(&r, t);
    report_cell_text(&r, row, 0, "c");
    assert_int_equal(report_table_csv(t, &b, &e), 0);
    assert_string_equal(b.s, "model,acc,acc_low,acc_high\n\"a,\"\"b\"\"\",0.1,0.05,0.15\nc,,,\n");
    strbuf_release(&b);
    report_release(&r);
}

static void an_unknown_kind_of_report_is_refused(void **state)
{
    struct report r;
    struct err e = ERR_NONE;
    (void)state;
    report_init(&r, "t");
    assert_int_equal(report_write(&r, NULL, in_dir("x.pdf"), &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.hint, ".html"));
    assert_int_equal(report_write(&r, &no_gnuplot, in_dir("no/folder/x.html"), &e), -1);
    assert_int_equal(e.code, ERR_IO);
    report_release(&r);
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void)state;
    for (int i = 0; report_writer_at(i); i++) {
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            struct report r;
            struct strbuf b = STRBUF_INIT;
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            sample_report(&r);
            rc = report_ok(&r, &e);
            if (rc == 0)
                rc = report_writer_at(i)->write(&r, &no_gnuplot, &b, &e);
            mem_fail_at(-1);
            if ((rc < 0) != (e.code == ERR_NOMEM))
                fail_msg("%s, allocation %d: %s", report_writer_at(i)->name, nth, e.text);
            strbuf_release(&b);
            report_release(&r);
            assert_int_equal(mem_live(), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_written_as_kept_in_golden),
        cmocka_unit_test(the_json_report_is_json),
        cmocka_unit_test(the_page_is_well_formed_and_stands_alone),
        cmocka_unit_test(without_gnuplot_the_page_has_a_note_and_the_numbers),
        cmocka_unit_test(a_gnuplot_that_fails_or_hangs_is_an_error),
        cmocka_unit_test(what_is_no_picture_is_not_put_into_the_page),
        cmocka_unit_test(many_points_have_names_instead_of_numbers),
        cmocka_unit_test(series_are_told_apart_without_colours),
        cmocka_unit_test(nothing_overlaps_or_overflows_in_a_browser),
        cmocka_unit_test(rows_have_their_names_on_the_axis_whatever_they_hold),
        cmocka_unit_test(numbers_are_shown_in_three_digits),
        cmocka_unit_test(ticks_are_apart_and_inside),
        cmocka_unit_test(ticks_are_short_and_whole_where_things_are_counted),
        cmocka_unit_test(a_table_fits_any_terminal),
        cmocka_unit_test(a_table_as_csv_has_intervals_beside_their_column),
        cmocka_unit_test(an_unknown_kind_of_report_is_refused),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, in_a_folder, folder_gone);
}
