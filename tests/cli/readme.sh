# Every densimeter command that README.md shows ends with status 0, on the tiny model under the
# names of the real ones.  (make demo and make test are what CI itself runs.)
. "$(dirname "$0")/lib.inc"
readme=$PWD/README.md
for name in $(sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' harness/data/models.json); do
    ln -s "$model" "$work/$name.gguf"
done
mkdir "$work/bin"
ln -s "$DENSIMETER" "$work/bin/densimeter"
PATH=$work/bin:$PATH
cd "$work" || exit 1
commands=0
sed -n '/^```console/,/^```/s/^\$ \(.*densimeter .*\)/\1/p' "$readme" >commands
while IFS= read -r line; do
    case $line in *" pull "*|*"--versus"*) continue ;; esac # a network, a llama-bench
    commands=$((commands + 1))
    sh -c "$line" >out 2>err </dev/null || { fail "$line: exit status $?"; cat err; }
done <commands
[ $commands -ge 10 ] || fail "only $commands commands were found in README.md"
finish
