#!/bin/sh
# lm-eval's task files: checked, shown, evaluated, one by one and as a group.
. "$(dirname "$0")/lib.inc"
cd "$work" || exit 1
mkdir tasks
cat >tasks/base <<'EOF'
output_type: multiple_choice
test_split: test
dataset_kwargs: {data_files: {test: colours.jsonl}}
doc_to_text: "{{thing}} is"
doc_to_choice: "{{colours}}"
doc_to_target: "{{right}}"
EOF
cat >tasks/colours.jsonl <<'EOF'
{"thing": "Grass", "colours": ["red", "green"], "right": 1}
{"thing": "Snow", "colours": ["white", "black"], "right": 0}
{"thing": "Coal", "colours": ["black", "white"], "right": 0}
EOF
printf 'include: base\ntask: colours\ntag: bright\nmetric_list:\n  - metric: acc\n  - metric: f1\n' >tasks/colours.yaml
printf 'include: base\ntask: say\noutput_type: generate_until\ndoc_to_choice: null\ndoc_to_target: "{{colours[right]}}"\ngeneration_kwargs: {until: ["."], max_gen_toks: 3}\n' >tasks/say.yaml
printf 'group: all\ntask:\n  - bright\n  - {task: say, num_fewshot: 1}\n' >tasks/all.yaml
run 0 tasks check tasks; prints '2 of 2 tasks load, 1 of 1 groups load'
prints 'the first document of 2 was rendered, 2 of them from data'
run 0 tasks check tasks --json; prints '"defects": \[\]'; prints '"rendered_with_data": 2'
# A function that stands within another value has its name in the hash of the task.
printf 'def shots():\n    return [{"thing": "Ink", "colours": ["red", "blue"], "right": 1}]\n' >tasks/utils.py
printf 'include: base\ntask: within\nfewshot_config: {sampler: first_n, samples: !function utils.shots}\n' >tasks/within.yaml
run 0 eval "$model" --tasks tasks/within.yaml --shots 1; prints '^within *1 *3 *acc '
rm tasks/within.yaml tasks/utils.py
# What can be shown and not scored is named before a run.
printf 'include: tasks/base\ntask: cut\noutput_type: generate_until\ndoc_to_choice: null\ndoc_to_target: "x"\nmetric_list: [{metric: exact_match}, {metric: bleu}]\nfilter_list: [{name: f, filter: [{function: custom, filter_fn: !function utils.cut}]}]\n' >cut.yaml
run 0 tasks check cut.yaml
prints '^cut.yaml: not scored: exact_match, bleu (the filter .* is not native here)$'
prints '^1 can be shown and not scored'
run 0 tasks check cut.yaml --json
prints '"unscored": *\[{"file": *"cut.yaml", *"metrics": *\["exact_match", *"bleu"\], *"not_native": *"the filter'
printf 'include: tasks/base\ntask: broken\nprocess_docs: !function utils.process\n' >broken.yaml
run 1 tasks check broken.yaml
prints '^broken.yaml:3:15: !function utils.process: there is no file utils.py$'
printf 'def process(docs):\n    return docs\n' >utils.py
run 1 tasks check broken.yaml
prints '^broken.yaml:3:15: !function utils.process is Python code, which is not run here, and no function of this text'
run 0 tasks show tasks/colours.yaml --doc 0 --shots 1; prints '^Grass is$'; prints '^ green$'
run 0 tasks show tasks/all.yaml:say --doc 1; prints 'say, version 0, 1 shots, document 1'
run 0 eval "$model" --tasks tasks/all.yaml; prints '^colours *0 *3 *acc '; prints '^colours *0 *3 *f1 '
prints '^say *1 *3 *exact_match '
# A group of a file is one row of compare, and a rule of gate, as of eval's table.
printf 'include: base\ntask: hues\n' >tasks/hues.yaml
printf 'group: pooled\ntask: [colours, hues]\naggregate_metric_list: [{metric: acc}]\n' >tasks/pooled.yaml
run 0 eval "$model" --tasks tasks/pooled.yaml; prints '^pooled *- *6 *acc '
run 0 label last old; run 0 eval "$model" --tasks tasks/pooled.yaml
run 0 compare old last; prints 'pooled'
printf '{"schema": "densimeter.gate-policy/1", "tasks": {"pooled": {"margin": 0.5}}}' >policy.json
"$DENSIMETER" gate --baseline old --candidate last --policy policy.json --json >"$work/out" 2>"$work/err"
prints '"task": "pooled"'
run 1 eval "$model" --tasks broken.yaml; one_line; says 'utils.process'
finish
