/* Help and man page are for people, so lines are folded at 79 columns; completions are scripts that
 * hold the tables' words, so that pressing Tab never has to start the program. */
#include "harness/usage.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 79, OPTION_INDENT = 26, COMMAND_INDENT = 16 };

/* --- help --------------------------------------------------------------------------------- */

/* Appends text folded at WIDTH; `column` is where the cursor stands, later lines begin at
 * `indent`.  A line of the text that begins with a blank is kept as it is. */
static void fold(struct strbuf *b, const char *text, int column, int indent)
{
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)n > WIDTH) {
            strbuf_addf(b, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            strbuf_addc(b, ' ');
            column++;
        }
        strbuf_add(b, text, n);
        column += (int)n;
        text += n;
        if (*text == '\n') {
            strbuf_addf(b, "\n%*s", indent, "");
            column = indent;
        }
        text += *text != 0;
    }
    strbuf_addc(b, '\n');
}

static void pad_to(struct strbuf *b, size_t line_start, int indent)
{
    int column = (int)(b->len - line_start);

    if (column + 2 > indent)
        strbuf_addf(b, "\n%*s", indent, "");
    else
        strbuf_addf(b, "%*s", indent - column, "");
}

static void option_head(struct strbuf *b, const struct option *o)
{
    if (o->letter)
        strbuf_addf(b, "-%c, --%s", o->letter, o->name);
    else
        strbuf_addf(b, "    --%s", o->name);
    if (o->value)
        strbuf_addf(b, " %s", o->value);
}

static void option_note(struct strbuf *b, const struct option *o)
{
    strbuf_adds(b, o->help);
    if (o->fallback && *o->fallback)
        strbuf_addf(b, " (default: %s)", o->fallback);
}

static void options_help(struct strbuf *b, const char *title, const struct option *o)
{
    struct strbuf note = STRBUF_INIT;

    if (!o || !o->name)
        return;
    strbuf_addf(b, "\n%s:\n", title);
    for (; o->name; o++) {
        size_t start = b->len;
        strbuf_adds(b, "  ");
        option_head(b, o);
        pad_to(b, start, OPTION_INDENT);
        strbuf_clear(&note);
        option_note(&note, o);
        fold(b, strbuf_str(&note), OPTION_INDENT, OPTION_INDENT);
    }
    b->failed |= note.failed;
    strbuf_release(&note);
}

void usage_command(struct strbuf *b, const struct command *c)
{
    strbuf_addf(b, "Usage: densimeter %s [OPTION...]%s%s\n\n", c->name, *c->operands ? " " : "",
                c->operands);
    fold(b, c->help, 0, 0);
    if (c->details) {
        strbuf_addc(b, '\n');
        fold(b, c->details, 0, 0);
    }
    options_help(b, "Options", c->options);
    if (c->lists)
        options_help(b, "Lists", csv_option);
    options_help(b, "Every command", common_options);
}

void usage_overview(struct strbuf *b, const struct command *table)
{
    const char *section = "";

    strbuf_adds(b, "Usage: densimeter COMMAND [OPTION...] [OPERAND...]\n\n"
                   "Runs a language model, measures what it knows and what it costs.\n");
    for (const struct command *c = table; c->section; c++) {
        size_t start;
        if (strcmp(section, c->section) != 0)
            strbuf_addf(b, "\n%s:\n", c->section);
        section = c->section;
        start = b->len;
        strbuf_addf(b, "  %s", c->name);
        pad_to(b, start, COMMAND_INDENT);
        fold(b, c->help, COMMAND_INDENT, COMMAND_INDENT);
    }
    options_help(b, "Every command", common_options);
    strbuf_adds(b, "\n'densimeter help COMMAND' explains one command; "
                   "--version prints the version.\n"
                   "Exit status: 0 done, 1 failed, 2 inconclusive, 3 invalid, 64 wrong usage,\n"
                   "130 interrupted (what was measured is kept).\n");
}

/* --- man page ----------------------------------------------------------------------------- */

/* Text with roff's own characters made harmless; a line may not begin with a dot or a quote. */
static void roff(struct strbuf *b, const char *text)
{
    int line_start = 1;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            strbuf_adds(b, "\\&");
        line_start = *text == '\n';
        if (*text == '-')
            strbuf_adds(b, "\\-");
        else if (*text == '\\')
            strbuf_adds(b, "\\e");
        else
            strbuf_addc(b, *text);
    }
}

static void man_options(struct strbuf *b, const struct option *o)
{
    struct strbuf text = STRBUF_INIT;

    for (; o && o->name; o++) {
        strbuf_adds(b, ".TP\n");
        if (o->letter)
            strbuf_addf(b, "\\fB\\-%c\\fR, ", o->letter);
        strbuf_adds(b, "\\fB\\-\\-");
        roff(b, o->name);
        strbuf_adds(b, "\\fR");
        if (o->value) {
            strbuf_adds(b, " \\fI");
            roff(b, o->value);
            strbuf_adds(b, "\\fR");
        }
        strbuf_addc(b, '\n');
        strbuf_clear(&text);
        option_note(&text, o);
        roff(b, strbuf_str(&text));
        strbuf_addc(b, '\n');
    }
    b->failed |= text.failed;
    strbuf_release(&text);
}

static void man_command(struct strbuf *b, const struct command *c)
{
    strbuf_addf(b, ".SS densimeter %s\n", c->name);
    strbuf_addf(b, "\\fBdensimeter %s\\fR [\\fIoption\\fR...] \\fI", c->name);
    roff(b, c->operands);
    strbuf_adds(b, "\\fR\n.PP\n");
    roff(b, c->help);
    strbuf_addc(b, '\n');
    if (c->details) {
        strbuf_adds(b, ".PP\n.nf\n");
        roff(b, c->details);
        strbuf_adds(b, "\n.fi\n");
    }
    man_options(b, c->options);
    if (c->lists)
        man_options(b, csv_option);
}

void usage_man(struct strbuf *b, const struct command *table)
{
    strbuf_adds(b, ".TH DENSIMETER 1 \"\" \"densimeter " DENSIMETER_VERSION "\"\n"
                   ".SH NAME\ndensimeter \\- measures what a language model knows and costs\n"
                   ".SH SYNOPSIS\n.B densimeter\n\\fIcommand\\fR [\\fIoption\\fR...] "
                   "[\\fIoperand\\fR...]\n.SH COMMANDS\n");
    for (const struct command *c = table; c->section; c++)
        man_command(b, c);
    strbuf_adds(b, ".SH OPTIONS OF EVERY COMMAND\n");
    man_options(b, common_options);
    strbuf_adds(b,
                ".SH EXIT STATUS\n0 done; 1 failed; 2 inconclusive; 3 invalid or not comparable; "
                "64 wrong usage; 130 interrupted, what was measured is kept.\n"
                ".SH ENVIRONMENT\n"
                ".TP\nDENSIMETER_DB\nthe database of results\n"
                ".TP\nDENSIMETER_MODELS\nthe folder of models\n"
                ".TP\nDENSIMETER_DATA\nfolders with task data, separated by colons\n"
                ".TP\nDENSIMETER_CATALOGUE\na catalogue of models instead of the built-in one\n"
                ".TP\nHF_ENDPOINT, HF_TOKEN\nwhere hf: sources are, and who asks\n"
                ".TP\nhttp_proxy, https_proxy, no_proxy, CURL_CA_BUNDLE, SSL_CERT_FILE\n"
                "as for curl\n"
                ".TP\nNO_COLOR\nno colours when set\n");
}

/* --- completions -------------------------------------------------------------------------- */

static void option_words(struct strbuf *b, const struct option *o)
{
    for (; o && o->name; o++) {
        strbuf_addf(b, " --%s", o->name);
        if (o->letter)
            strbuf_addf(b, " -%c", o->letter);
    }
}

static void add_word(void *user, const char *word)
{
    strbuf_addf(user, " %s", word);
}

static void command_names(struct strbuf *b, const struct command *table)
{
    for (const struct command *c = table; c->section; c++)
        strbuf_addf(b, " %s", c->name);
}

/* "--numerics) words=..." for every option with choices. */
static void bash_choices(struct strbuf *b, const struct option *o)
{
    for (; o && o->name; o++)
        if (o->kind == OPTION_CHOICE) {
            strbuf_addf(b, "        --%s) COMPREPLY=($(compgen -W '", o->name);
            words_each(o->value, add_word, b);
            strbuf_adds(b, "' -- \"$cur\")); return ;;\n");
        }
}

static void complete_bash(struct strbuf *b, const struct command *table)
{
    strbuf_adds(b, "# densimeter completions for bash\n_densimeter() {\n"
                   "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "    local words=\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                   "        COMPREPLY=($(compgen -W '--version");
    command_names(b, table);
    strbuf_adds(b, "' -- \"$cur\"))\n        return\n    fi\n    case ${COMP_WORDS[1]}:$prev in\n");
    for (const struct command *c = table; c->section; c++) {
        strbuf_addf(b, "    %s:*) case $prev in\n", c->name);
        bash_choices(b, c->options);
        strbuf_adds(b, "        esac\n        words='");
        option_words(b, c->options);
        option_words(b, c->lists ? csv_option : NULL);
        option_words(b, common_options);
        if (c->words)
            words_each(c->words, add_word, b);
        strbuf_adds(b, "' ;;\n");
    }
    strbuf_adds(b, "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                   "    [ \"${cur#-}\" = \"$cur\" ] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n}\n"
                   "complete -o filenames -F _densimeter densimeter\n");
}

/* zsh's _arguments quotes: brackets and colons in the help text must be escaped. */
static void zsh_text(struct strbuf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            strbuf_adds(b, "'\\''");
        else if (strchr("[]:\\", *s))
            strbuf_addf(b, "\\%c", *s);
        else
            strbuf_addc(b, *s);
    }
}

static void zsh_options(struct strbuf *b, const struct option *o)
{
    for (; o && o->name; o++) {
        strbuf_addf(b, "            '*--%s[", o->name);
        zsh_text(b, o->help);
        strbuf_addc(b, ']');
        if (o->kind == OPTION_CHOICE) {
            strbuf_addf(b, ":%s:(", o->name);
            words_each(o->value, add_word, b);
            strbuf_addc(b, ')');
        } else if (o->value) {
            strbuf_addc(b, ':');
            zsh_text(b, o->value);
            strbuf_adds(b, ":_files");
        }
        strbuf_adds(b, "' \\\n");
    }
}

static void complete_zsh(struct strbuf *b, const struct command *table)
{
    strbuf_adds(b, "#compdef densimeter\n_densimeter() {\n    local -a commands\n    commands=(\n");
    for (const struct command *c = table; c->section; c++) {
        strbuf_addf(b, "        '%s:", c->name);
        zsh_text(b, c->help);
        strbuf_adds(b, "'\n");
    }
    strbuf_adds(b, "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
                   "        return\n    fi\n    case $words[2] in\n");
    for (const struct command *c = table; c->section; c++) {
        strbuf_addf(b, "        %s) _arguments '1:command:' \\\n", c->name);
        zsh_options(b, c->options);
        zsh_options(b, c->lists ? csv_option : NULL);
        zsh_options(b, common_options);
        if (c->words) {
            strbuf_adds(b, "            '2:what:(");
            words_each(c->words, add_word, b);
            strbuf_adds(b, ")' \\\n");
        }
        strbuf_adds(b, "            '*:file:_files' ;;\n");
    }
    strbuf_adds(b, "    esac\n}\n_densimeter \"$@\"\n");
}

static void fish_quoted(struct strbuf *b, const char *s)
{
    strbuf_addc(b, '\'');
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\')
            strbuf_addc(b, '\\');
        strbuf_addc(b, *s);
    }
    strbuf_addc(b, '\'');
}

static void fish_options(struct strbuf *b, const struct option *o, const char *condition)
{
    for (; o && o->name; o++) {
        strbuf_addf(b, "complete -c densimeter%s -l %s", condition, o->name);
        if (o->letter)
            strbuf_addf(b, " -s %c", o->letter);
        if (o->kind == OPTION_CHOICE) {
            strbuf_adds(b, " -xa '");
            words_each(o->value, add_word, b);
            strbuf_addc(b, '\'');
        } else if (o->value) {
            strbuf_adds(b, " -r");
        }
        strbuf_adds(b, " -d ");
        fish_quoted(b, o->help);
        strbuf_addc(b, '\n');
    }
}

static void complete_fish(struct strbuf *b, const struct command *table)
{
    char condition[96];

    strbuf_adds(b, "# densimeter completions for fish\n");
    for (const struct command *c = table; c->section; c++) {
        strbuf_addf(b, "complete -c densimeter -n __fish_use_subcommand -fa %s -d ", c->name);
        fish_quoted(b, c->help);
        strbuf_addc(b, '\n');
        snprintf(condition, sizeof condition, " -n '__fish_seen_subcommand_from %s'", c->name);
        fish_options(b, c->options, condition);
        fish_options(b, c->lists ? csv_option : NULL, condition);
        if (c->words) {
            strbuf_addf(b, "complete -c densimeter%s -xa '", condition);
            words_each(c->words, add_word, b);
            strbuf_adds(b, "'\n");
        }
    }
    fish_options(b, common_options, "");
}

void usage_completions(struct strbuf *b, const struct command *table, const char *shell)
{
    static const struct {
        const char *shell;
        void (*write)(struct strbuf *b, const struct command *table);
    } shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};

    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].shell, shell) == 0)
            shells[i].write(b, table);
}
