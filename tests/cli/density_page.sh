#!/bin/sh
# docs/density.md says what docs/density.csv says: every row of its tables is made again from the
# CSV (two tables of a report: density_panel, and the index of all runs) and must stand in the page,
# and the page has no others.  `density_page.sh print` prints them.
dir=$(dirname "$0")/../../docs
tables=$(awk '
# The n-th field of a line with quoted fields.
function fields(line, out,    n, c, i, quoted) {
    n = 1; out[1] = ""; quoted = 0
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "\"") quoted = !quoted
        else if (c == "," && !quoted) out[++n] = ""
        else out[n] = out[n] c
    }
    return n
}
function bound(v) { v += 0; return sprintf(v < 99.5 && v > -99.5 ? "%.2g" : "%.0f", v) }
function interval(value, low, high) { return sprintf("%.2f [%s, %s]", value, bound(low), bound(high)) }
# What a cell shows: its text, its value with an interval, its value, nothing.
function shown(key) {
    if (!(key in value)) return "-"
    if (text[key] != "") return text[key]
    if (value[key] == "") return "-"
    return low[key] != "" ? interval(value[key], low[key], high[key]) : sprintf("%.2f", value[key])
}
function of(model, task, column) { return row[model, task] == "" ? "-" : shown("index" SUBSEP row[model, task] SUBSEP column) }
function items(model, task) { return value["index", row[model, task], "items"] }
{
    fields($0, f)
    text[f[1], f[2], f[3]] = f[4]; value[f[1], f[2], f[3]] = f[5]
    low[f[1], f[2], f[3]] = f[6]; high[f[1], f[2], f[3]] = f[7]
    if (f[1] == "density_panel" && f[3] == "model") panel[++n_panel] = f[4]
    if (f[1] == "index" && f[3] == "model") { model_of[f[2]] = f[4]; sub(/ \(fast\/1\)$/, "", model_of[f[2]]); n_index = f[2] + 0 }
}
END {
    for (i = n_index; i >= 1; i--) row[model_of[i], text["index", i, "task"]] = i # the newest
    for (i = 1; i <= n_panel; i++) {
        m = panel[i]; p = "density_panel" SUBSEP i SUBSEP
        facts = of(m, "facts", "bits_per_mparam") " (" items(m, "facts") ")"
        by_task = of(m, "arc_easy", "density") " | " of(m, "piqa", "density") " | " of(m, "sciq", "density")
        if (value[p "density"] != "" || text[p "density"] != "")
            printf "| %s | %.0f | %s | %s | %s | %s |\n", m, value[p "file_bytes"] / 1e6, by_task, shown(p "density"), shown(p "density_per_byte"), facts
        else if (row[m, "facts"] != "")
            printf "| %s | %.1f | %s | %s |\n", m, value[p "file_bytes"] / 1e6, by_task, facts
    }
    for (i = 1; i <= n_index; i++) { # of those that are not at chance
        d = shown("index" SUBSEP i SUBSEP "density")
        if (d == "-" || d == "unresolved") continue
        t = sprintf("%s | %4d", text["index", i, "task"], value["index", i, "items"])
        if (counted[t, model_of[i]]++) continue # the newest
        asked[t]++
        left[t] += d ~ /^[<>]|\[0,|∞/
    }
    for (t in asked) printf "| %s | %d | %d |\n", t, asked[t], left[t] | "sort"
    close("sort")
    for (i = 1; i <= n_index; i++) {
        if (text["index", i, "task"] !~ /^world_/ || row[model_of[i], text["index", i, "task"]] != i) continue
        b = "index" SUBSEP i SUBSEP "score"; d = "index" SUBSEP i SUBSEP "bits_per_mparam"
        printf "| %s | %.0f | %.0f [%.0f, %.0f] | %.1f %% | %.4f [%.4f, %.4f] |\n", model_of[i], value[b] / value[d] * 1e6, value[b], low[b], high[b], 100 * value[b] / (4 * value["index", i, "items"]), value[d] / 1e6, low[d] / 1e6, high[d] / 1e6
    }
}' "$dir/density.csv")
if [ "$1" = print ]; then
    echo "$tables"
    exit 0
fi
failed=0
rows=$(echo "$tables" | grep -c '^|')
[ "$rows" -ge 35 ] || { echo "docs/density.csv has only $rows models"; failed=1; }
echo "$tables" | while IFS= read -r line; do
    grep -qxF "$line" "$dir/density.md" || { echo "docs/density.md lacks: $line"; exit 1; }
done || failed=1
written=$(grep '^| ' "$dir/density.md" | grep -vc '^| \(file\|model\|standard\|task\) ')
[ "$written" -eq "$rows" ] || { echo "docs/density.md has $written rows, the CSV $rows"; failed=1; }
exit $failed
