#!/bin/sh
# What the pages say is there: every link leads somewhere, every file of ours that is named exists,
# every option belongs to the command it stands with.
. "$(dirname "$0")/lib.inc"
pages="README.md CHANGES.md docs/*.md"

# heading_anchors PAGE: as the forges make them.
heading_anchors() {
    sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
links=0
for page in $pages; do
    sed '/^```/,/^```/d; s/`[^`]*`//g' "$page" | grep -o '](\([^)]*\))' | sed 's/](//; s/)$//' >"$work/links"
    while IFS= read -r link; do
        links=$((links + 1))
        case $link in http://*|https://*) continue ;; esac # a test asks no network
        file=${link%%#*}
        file=${file:+$(dirname "$page")/$file}
        [ -e "${file:=$page}" ] || { fail "$page: the link $link leads nowhere"; continue; }
        case $link in *'#'*)
            heading_anchors "$file" | grep -qx -e "${link#*#}" || fail "$page: $link: no such heading" ;;
        esac
    done <"$work/links"
done
[ $links -ge 5 ] || fail "only $links links were found"

# Files: room/name.ext in README and docs (CHANGES.md tells of what is gone, too).
sed '/^```/,/^```/d' README.md docs/*.md | grep -oE '`(base|tasks|runners|results|reports|harness|tests|docs|examples|include)/[A-Za-z0-9_./*-]+`' |
    tr -d '`' | sort -u >"$work/files"
[ "$(wc -l <"$work/files")" -ge 10 ] || fail 'no names of files were found'
while IFS= read -r name; do
    # shellcheck disable=SC2086
    set -- $(echo "$name" | sed 's/NAME/*/') # a * stands for several
    [ -e "$1" ] || fail "the pages name $name, which is not there"
done <"$work/files"

# Options: `densimeter COMMAND ... --option`, in a line of console or inline.
{ sed -n '/^```console/,/^```/s/^\$ //p' README.md docs/*.md
  sed '/^```/,/^```/d' README.md docs/*.md | grep -oE '`densimeter [^`]*`' | tr -d '`'; } |
    sed 's/.*densimeter //' | sort -u >"$work/lines"
options=0
while IFS= read -r line; do
    command=${line%% *}
    for word in $line; do
        case $word in --[a-z]*) ;; *) continue ;; esac
        options=$((options + 1))
        "$DENSIMETER" help "$command" 2>"$work/err" | grep -qe "[ ,]${word%%=*}\b" || fail "'densimeter $line': $command has no ${word%%=*}"
    done
done <"$work/lines"
[ $options -ge 10 ] || fail "only $options options were found"
finish
