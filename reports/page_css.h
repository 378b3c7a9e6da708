/* page_css.h -- how the page looks: light, dark, narrow, wide, and on paper. */
#ifndef REPORTS_PAGE_CSS_H
#define REPORTS_PAGE_CSS_H

/* Series colours after Okabe and Ito's palette (told apart with any colour vision), darkened or
 * lightened to 3:1 on their background. */
#define PAGE_CSS                                                                                   \
    ":root{--page:#f6f7f9;--card:#fff;--ink:#1b1f24;--muted:#5b6570;--grid:#e3e6ea;"               \
    "--line:#d8dce1;--accent:#0060a8;--warn:#8a4b00;--warn-bg:#fff4e0;"                            \
    "--s0:#0072b2;--s1:#c04f00;--s2:#00835f;--s3:#b0508a;--s4:#8a6d00;--s5:#2b7fc4;--s6:#6a4fb3;"  \
    "--s7:#4b5560}\n"                                                                              \
    "@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1d2126;--ink:#e8eaed;"        \
    "--muted:#a3adb8;--grid:#2f353c;--line:#3a414a;--accent:#7cc0ff;--warn:#ffc46b;"               \
    "--warn-bg:#33280f;--s0:#56b4e9;--s1:#ff8f4d;--s2:#2fcf9f;--s3:#e59cc6;--s4:#f0c84b;"          \
    "--s5:#8fb8ff;--s6:#b9a2ff;--s7:#c3ccd6}}\n"                                                   \
    "*{box-sizing:border-box}\n"                                                                   \
    "html{-webkit-text-size-adjust:100%}\n"                                                        \
    "body{margin:0;padding:16px;background:var(--page);color:var(--ink);"                          \
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif;"          \
    "overflow-wrap:anywhere}\n"                                                                    \
    "header,main{max-width:1340px;margin:0 auto}\n"                                                \
    "h1{font-size:1.7rem;line-height:1.2;margin:.4em 0 .2em}\n"                                    \
    "h2{font-size:1.25rem;margin:2em 0 .6em;padding-top:.4em;border-top:1px solid var(--line)}\n"  \
    "h3{font-size:1rem;margin:0 0 .5em}\n"                                                         \
    "p{margin:0 0 .8em}\n"                                                                         \
    ".lead{font-size:1.1rem;color:var(--muted);max-width:48em}\n"                                  \
    ".text{max-width:48em}\n"                                                                      \
    ".note{color:var(--muted);font-size:.875rem;margin:.4em 0 0}\n"                                \
    ".warning{background:var(--warn-bg);color:var(--warn);padding:.6em .8em;border-radius:6px;"    \
    "max-width:60em}\n"                                                                            \
    ".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;"    \
    "margin:0 0 16px;min-width:0}\n"                                                               \
    ".headline{display:grid;gap:12px;margin:18px 0;"                                               \
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,220px),1fr))}\n"                        \
    ".headline .card{margin:0}\n"                                                                  \
    ".headline .name{color:var(--muted);font-size:.875rem;margin:0}\n"                             \
    ".headline .big{font-size:1.35rem;line-height:1.25;font-weight:600;margin:.1em 0;"             \
    "font-variant-numeric:tabular-nums}\n"                                                         \
    "nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin:14px 0;font-size:.9375rem}\n"             \
    "a{color:var(--accent)}\n"                                                                     \
    ".grid{display:grid;gap:16px;margin:0 0 16px;align-items:start;"                               \
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr))}\n"                        \
    ".grid .card{margin:0}\n"                                                                      \
    "figure svg{display:block;width:100%;height:auto}\n"                                           \
    ".wide{max-width:640px}.narrow{display:none}\n"                                                \
    "@media (max-width:560px){.wide{display:none}.narrow{display:block}}\n"                        \
    ".axis{color:var(--muted);font-size:.8125rem;line-height:1.35;margin:0;max-width:640px}\n"     \
    ".axis.x{text-align:right}.axis span{opacity:.85}\n"                                           \
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 14px;padding:0;margin:.6em 0 0;"  \
    "font-size:.875rem}\n"                                                                         \
    ".legend .series{flex-basis:100%;color:var(--muted)}\n"                                        \
    ".legend b{font-variant-numeric:tabular-nums}\n"                                               \
    ".dot{display:inline-block;width:.7em;height:.7em;margin-right:.4em}\n"                        \
    ".dash{display:inline-block;width:2.1em;height:.7em;margin-right:.4em}\n"                      \
    "details{margin-top:.6em;font-size:.875rem}summary{cursor:pointer;color:var(--accent)}\n"      \
    ".scroll{overflow-x:auto;max-width:100%}\n"                                                    \
    "table{border-collapse:collapse;font-size:.9375rem;overflow-wrap:normal;min-width:100%}\n"     \
    "th,td{padding:5px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)"\
    "}\n"                                                                                          \
    "thead th{color:var(--muted);font-weight:600;font-size:.8125rem;vertical-align:bottom;"        \
    "border-bottom:1px solid var(--line)}\n"                                                       \
    "thead th.n{width:1%}\n"                                                                       \
    "tbody th{font-weight:500;min-width:9em;max-width:22em;overflow-wrap:anywhere}\n"              \
    "tbody th.w{min-width:0;max-width:none;white-space:nowrap}\n"                                  \
    "@media screen{tr>th:first-child{position:sticky;left:0;background:var(--card)}}\n"            \
    ".n{text-align:right;font-variant-numeric:tabular-nums}\n"                                     \
    "td.n,.w{white-space:nowrap}\n"                                                                \
    ".ci{display:block;color:var(--muted);font-size:.8125rem}\n"                                   \
    "dl{display:grid;grid-template-columns:fit-content(40%) 1fr;gap:4px 16px;margin:0 0 "          \
    "16px}\n"                                                                                      \
    "dt{color:var(--muted);overflow-wrap:anywhere}dd{margin:0;min-width:0}\n"                      \
    "@media (max-width:560px){dl{display:block}dd{margin:0 0 .5em}tbody th{min-width:8.5em;"       \
    "max-width:9em}th,td{padding-left:5px;padding-right:5px}"                                      \
    ".iv{display:block;font-size:.75rem}tbody th.w{min-width:0;max-width:none}}\n"                 \
    "@media print{:root{--page:#fff;--card:#fff;--ink:#000;--muted:#444;--grid:#ddd;--line:#bbb;"  \
    "--accent:#000;--warn:#000;--warn-bg:#fff;--s0:#0072b2;--s1:#c04f00;--s2:#00835f;--s3:#b0508a;"\
    "--s4:#8a6d00;--s5:#2b7fc4;--s6:#6a4fb3;--s7:#4b5560}\n"                                       \
    "html{font-size:13px}body{padding:0;font-size:1rem}nav,details{display:none}\n"                \
    ".card{break-inside:avoid;border-color:#bbb;padding:10px}.scroll{overflow:visible}\n"          \
    "section.card,dl.card{break-inside:auto}tr{break-inside:avoid}thead{break-after:avoid}\n"      \
    ".warning{border:1px solid #000}h2,h3{break-after:avoid}\n"                                    \
    "th,td{padding:3px 6px}tbody th{min-width:7em}\n"                                              \
    ".grid{grid-template-columns:1fr 1fr}.wide{display:none}.narrow{display:block}\n"              \
    ".dot,.dash{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"

#endif
