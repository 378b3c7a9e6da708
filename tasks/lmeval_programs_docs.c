/* lmeval_programs_docs.c -- the programs that do what lm-eval's functions of documents do
 * (process_docs): which documents stay, and what their columns become (lmeval_native.h).
 *
 * Families share a program and differ in arguments.  Where a function keeps its prompt in a
 * literal, the program takes it from there. */
#include "tasks/lmeval.h"

const struct native_program native_docs_programs[] = {
    {"keep_named",
     "keep doc[arg.column] == arg.name[8:]", NULL},
    {"keep_category",
     "keep doc[arg.column] in const.CATEGORIES and doc[arg.column].lower().replace(' & ', "
     "'_').replace(' ', '_') == arg.name[8:]", NULL},
    {"keep_equal",
     "keep doc[arg.column] == arg.value", NULL},
    {"keep_prefix",
     "keep doc[arg.column].startswith(arg.value)", NULL},
    {"keep_category_of",
     "keep doc.category == arg.subject", NULL},
    {"keep_mmmlu",
     "keep (doc.Subject.split('_test.csv')[0] if '_test.csv' in doc.Subject else "
     "doc.Subject.split('_test-')[0]) == arg.name[8:]", NULL},
    {"keep_subtask",
     "keep doc.subtask_name == arg.value ~ arg.subtask", NULL},
    {"mmlusr",
     "set questions doc.question\n"
     "set choices [doc.choice1, doc.choice2, doc.choice3, doc.choice4]\n"
     "set answer ['A', 'B', 'C', 'D'][doc.answer | int]",
     "{\"question\": \"a text\", \"choice1\": \"a\", \"choice2\": \"b\", \"choice3\": \"c\", "
     "\"choice4\": \"d\", \"answer\": 0}"},
    {"tmmluplus",
     "set questions doc.question\n"
     "set choices [doc.A, doc.B, doc.C, doc.D]\n"
     "set goal ['A', 'B', 'C', 'D'].index(doc.answer)",
     "{\"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": \"c\", \"D\": \"d\", "
     "\"answer\": \"A\"}"},
    {"tmlu",
     "set questions doc.question\n"
     "set choices [doc.A, doc.B, doc.C, doc.D] + ([doc.E] if doc.get('E') else []) + ([doc.F] "
     "if doc.get('F') else [])\n"
     "set goal (['A', 'B', 'C', 'D'] + (['E'] if doc.get('E') else []) + (['F'] if "
     "doc.get('F') else [])).index(doc.answer)",
     "{\"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": \"c\", \"D\": \"d\", "
     "\"E\": null, \"F\": null, \"answer\": \"A\"}"},
    {"eus_exams",
     "keep doc.answer in [0, 1, 2, 3] and doc.candidates != ['', '', '', '']",
     "{\"question\": \"a text\", \"candidates\": [\"a\", \"b\", \"c\", \"d\"], \"answer\": 0}"},
    {"mlqa",
     "set answers doc.answers.text", NULL},
    {"options_abc",
     "set choices [doc['Option A'], doc['Option B'], doc['Option C']]", NULL},
    {"csatqa",
     "set question piece[0] ~ doc.context ~ piece[1] ~ doc.question ~ piece[2] ~ "
     "doc['option#1'] ~ piece[3] ~ doc['option#2'] ~ piece[4] ~ doc['option#3'] ~ piece[5] ~ "
     "doc['option#4'] ~ piece[6] ~ doc['option#5'] ~ piece[7]\n"
     "set choices ['(1)', '(2)', '(3)', '(4)', '(5)']\n"
     "set gold (doc.gold | int) - 1", NULL},
    {"avca",
     "set query piece[3] ~ doc.question ~ piece[4]\n"
     "set choices [piece[6], piece[7]]\n"
     "set gold [piece[6], piece[7]].index(doc.answer)",
     "{\"question\": \"a text\", \"answer\": \"صح\"}"},
    {"arabic_mmlu",
     "set query {% set choices = [doc.A, doc.B, doc.C, doc.D] %}{% set q %}{{ piece[1] ~ "
     "doc.subject.replace('_', ' ') ~ piece[2] ~ doc.question ~ piece[10] }}{% for c in "
     "choices %}{{ const.LETTER_INDICES_AR[loop.index0] ~ piece[13] ~ c ~ piece[14] }}{% "
     "endfor %}{{ piece[15] }}{% endset %}{{ q | tojson }}\n"
     "set choices const.LETTER_INDICES_AR[:4]\n"
     "set gold const.LETTER_INDICES.index(doc.answer)",
     "{\"subject\": \"law\", \"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": "
     "\"c\", \"D\": \"d\", \"answer\": \"A\"}"},
    {"arabic_exams",
     "set query {% set choices = [doc.A, doc.B, doc.C, doc.D] %}{% set q %}{{ piece[10] ~ "
     "doc.subject.replace('_', ' ') ~ piece[11] ~ piece[13] ~ doc.question ~ piece[14] }}{% "
     "for c in choices %}{{ piece[15] if not loop.first }}{{ piece[6] ~ "
     "const.LETTER_INDICES_AR[loop.index0] ~ piece[7] ~ c ~ piece[8] }}{% endfor %}{{ "
     "piece[16] }}{% endset %}{{ q | tojson }}\n"
     "set choices const.LETTER_INDICES_AR[:4]\n"
     "set gold const.LETTER_INDICES.index(doc.answer)",
     "{\"subject\": \"law\", \"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": "
     "\"c\", \"D\": \"d\", \"answer\": \"A\"}"},
    {"arabic_race",
     "set choices {% set o = namespace(v=[]) %}{% for k in doc.keys() %}{% if k not in "
     "['query', 'label', '__few_shots'] %}{% set o.v = o.v + [doc[k]] %}{% endif %}{% endfor "
     "%}{{ o.v | tojson }}\n"
     "set gold doc.label | int\n"
     "set query {% set q %}{{ piece[5] ~ piece[7] ~ doc.query ~ piece[8] }}{% for c in "
     "doc.choices %}{{ loop.index0 ~ piece[10] ~ c ~ piece[11] }}{% endfor %}{{ piece[12] "
     "}}{% endset %}{{ q | tojson }}",
     "{\"query\": \"a text\", \"label\": \"0\", \"sol1\": \"a\", \"sol2\": \"b\"}"},
    {"arabic_boolq",
     "set query piece[2] ~ piece[4] ~ doc.passage ~ piece[5] ~ doc.question ~ piece[6]\n"
     "set choices [piece[9], piece[10]]\n"
     "set gold 0 if doc.answer else 1", NULL},
    {"arabic_copa",
     "set choices [doc.choice1, doc.choice2]\n"
     "set gold doc.label\n"
     "set query doc.premise ~ '، ' ~ const.question_map[doc.question] ~ ' :\\n0) ' ~ "
     "doc.choice1 ~ '\\n1) ' ~ doc.choice2 ~ '\\nالإجابة:'",
     "{\"premise\": \"a text\", \"choice1\": \"a\", \"choice2\": \"b\", \"question\": "
     "\"cause\", \"label\": 0}"},
    {"arabic_hellaswag",
     "literal endings\n"
     "unbracket ctx\n"
     "unbracket endings\n"
     "set query {% set q %}{{ piece[7] ~ piece[9] ~ doc.ctx ~ piece[10] }}{% for c in "
     "doc.endings %}{{ loop.index0 ~ piece[12] ~ c ~ piece[13] }}{% endfor %}{{ piece[14] "
     "}}{% endset %}{{ q | tojson }}\n"
     "set choices doc.endings\n"
     "set gold doc.label",
     "{\"ctx\": \"a text\", \"endings\": \"['a', 'b']\", \"label\": 0}"},
    {"arabic_toxigen",
     "set query piece[3] ~ piece[5] ~ doc.text ~ piece[6]\n"
     "set choices [piece[9], piece[10]]\n"
     "set gold 1 if doc.toxicity_ai + doc.toxicity_human > 5.5 else 0", NULL},
    {"aradice_mmlu",
     "set prompt {% set o %}{% for k in ['A', 'B', 'C', 'D', 'E'] %}{% if doc.options.get(k) "
     "is none %}{% break %}{% endif %}{{ '\\n' if not loop.first }}{{ "
     "const.alpa_ar[loop.index0] ~ ' ' ~ doc.options[k] }}{% endfor %}{% endset %}{{ "
     "((const.PROMPT ~ arg.end).replace('[MAIN_META_DATA]', const.subject_ar[doc.Subject] ~ (' "
     "' ~ const.level_ar[doc.Level] if doc.Level else '') ~ (' ' ~ "
     "const.country_ar[doc.Country] if doc.Country else '')).replace('[INPUT]', doc.context ~ "
     "'\\n\\n' ~ doc.question if doc.context else doc.question).replace('[OPTION]', o)) | "
     "tojson }}\n"
     "set choices {% set n = namespace(v=0) %}{% for k in ['A', 'B', 'C', 'D', 'E'] %}{% if "
     "doc.options.get(k) is none %}{% break %}{% endif %}{% set n.v = n.v + 1 %}{% endfor %}{{ "
     "const.all_choices[:n.v] | tojson }}\n"
     "set target ['A', 'B', 'C', 'D', 'E'].index(doc['Answer Key'])",
     "{\"Subject\": \"Law\", \"Level\": null, \"Country\": null, \"context\": null, "
     "\"question\": \"a text\", \"options\": {\"A\": \"a text\", \"B\": \"another\", \"C\": "
     "null, \"D\": null, \"E\": null}, \"Answer Key\": \"A\"}"},
    {"hellaswag",
     "set query doc.activity_label ~ ': ' ~ doc.ctx_a ~ ' ' ~ doc.ctx_b.capitalize()\n"
     "set choices doc.endings\n"
     "set gold doc.label | int\n"
     "clean query\n"
     "clean choices", NULL},
    {"okapi_arc",
     "set query doc.instruction\n"
     "clean query\n"
     "set query 'Question: ' ~ doc.query ~ '\\nAnswer:'\n"
     "set choices [doc.option_a, doc.option_b, doc.option_c, doc.option_d, doc.option_e] | "
     "select | list\n"
     "clean choices\n"
     "set gold ['A', 'B', 'C', 'D', 'E'].index(doc.answer)", NULL},
    {"okapi_truthfulqa",
     "clean question\n"
     "set query const.QA_PROMPT ~ '\\n\\nQ: ' ~ doc.question ~ '\\nA:'\n"
     "set mc1_choices doc.mc1_targets_choices\n"
     "set mc2_choices doc.mc2_targets_choices\n"
     "set mc2_targets {'labels': doc.mc2_targets_labels}\n"
     "set gold ' '", NULL},
    {"egyhellaswag",
     "set query doc.activity_label ~ ': ' ~ doc.ctx\n"
     "set choices doc.endings\n"
     "set gold doc.label | int", NULL},
    {"boxed_answer",
     "set answer doc.solution\n"
     "boxed answer",
     "{\"problem\": \"a text\", \"solution\": \"$\\\\boxed{1}$\"}"},
    {"level_5",
     "keep doc.level == 'Level 5'\n"
     "set answer doc.solution\n"
     "boxed_or_invalid answer",
     "{\"problem\": \"a text\", \"solution\": \"$\\\\boxed{1}$\", \"level\": \"Level 5\"}"},
    {"gpqa",
     "set choice1 doc['Incorrect Answer 1']\n"
     "set choice2 doc['Incorrect Answer 2']\n"
     "set choice3 doc['Incorrect Answer 3']\n"
     "set choice4 doc['Correct Answer']\n"
     "clean choice1\n"
     "clean choice2\n"
     "clean choice3\n"
     "clean choice4\n"
     "set right doc.choice4\n"
     "set choices [doc.choice1, doc.choice2, doc.choice3, doc.choice4]\n"
     "shuffle choices\n"
     "set choice1 doc.choices[0]\n"
     "set choice2 doc.choices[1]\n"
     "set choice3 doc.choices[2]\n"
     "set choice4 doc.choices[3]\n"
     "set answer '(' ~ 'ABCD'[doc.choices.index(doc.right)] ~ ')'\n"
     "drop right", NULL},
    {"fact_given",
     "keep doc.fact | length > 0", NULL},
    {"moral_stories",
     "set query doc.norm.capitalize() ~ ' ' ~ doc.situation.capitalize() ~ ' ' ~ "
     "doc.intention.capitalize()\n"
     "set choices [doc.moral_action, doc.immoral_action]\n"
     "set label 0", NULL},
    {"decapitalize_both",
     "decapitalize choice1\n"
     "decapitalize choice2", NULL},
    {"mutual",
     "set article doc.article.replace(\" '\", \"'\").replace(' \\n', '\\n').replace('\\n ', "
     "'\\n').replace(\" n't\", \"n't\").replace('`` ', '\"').replace(\"''\", '\"').replace(' "
     ":', ':').replace(' ;', ';').replace(' !', '!').replace(' ?', '?').replace(' ,', "
     "',').replace(' .', '.')\n"
     "set options {% set o = namespace(v=[]) %}{% for x in doc.options %}{% set o.v = o.v + "
     "[x.replace(\" '\", \"'\").replace(' \\n', '\\n').replace('\\n ', '\\n').replace(\" "
     "n't\", \"n't\").replace('`` ', '\"').replace(\"''\", '\"').replace(' :', ':').replace(' "
     ";', ';').replace(' !', '!').replace(' ?', '?').replace(' ,', ',').replace(' .', '.')] "
     "%}{% endfor %}{{ o.v | tojson }}", NULL},
    {"paws",
     "keep doc.sentence1 not in [none, ''] and doc.sentence2 not in [none, '']\n"
     "detokenize sentence1\n"
     "detokenize sentence2\n"
     "set sentence1 doc.sentence1.strip()\n"
     "set sentence2 doc.sentence2.strip()\n"
     "set sentence1 doc.sentence1[:-1] if doc.sentence1[-1:] in ['.', ',', ';'] else "
     "doc.sentence1\n"
     "decapitalize sentence2", NULL},
    {"paws_plain",
     "keep doc.sentence1 not in [none, ''] and doc.sentence2 not in [none, '']\n"
     "set sentence1 doc.sentence1[:-1] if doc.sentence1[-1:] in ['.', ',', ';'] else "
     "doc.sentence1\n"
     "decapitalize sentence2", NULL},
    {"kobest_hellaswag",
     "set query '문장: ' ~ doc.context\n"
     "set choices [doc.ending_1, doc.ending_2, doc.ending_3, doc.ending_4]\n"
     "set gold doc.label | int", NULL},
    {"full_stops",
     "set incorrect_answers {% set o = namespace(v=[]) %}{% for a in doc.incorrect_answers "
     "%}{% set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] "
     "%}{% endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set correct_answers {% set o = namespace(v=[]) %}{% for a in doc.correct_answers %}{% "
     "set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] %}{% "
     "endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set question doc.question.strip()", NULL},
    {"full_stops_and",
     "set incorrect_answers {% set o = namespace(v=[]) %}{% for a in doc.incorrect_answers "
     "%}{% set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] "
     "%}{% endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set correct_answers {% set o = namespace(v=[]) %}{% for a in doc.correct_answers %}{% "
     "set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] %}{% "
     "endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set question doc.question.strip()\n"
     "set correct_answers doc.correct_answers if piece[4] in doc.correct_answers else "
     "doc.correct_answers + [piece[4]]", NULL},
    {"full_stops_by_language",
     "set incorrect_answers {% set o = namespace(v=[]) %}{% for a in doc.incorrect_answers "
     "%}{% set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] "
     "%}{% endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set correct_answers {% set o = namespace(v=[]) %}{% for a in doc.correct_answers %}{% "
     "set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] %}{% "
     "endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set question doc.question.strip()\n"
     "set correct_answers {% set t = {'en': piece[7], 'ca': piece[11], 'es': piece[15], 'eu': "
     "piece[19], 'gl': piece[23]} %}{{ (doc.correct_answers + [t[doc.lang]] if doc.lang in t "
     "and t[doc.lang] not in doc.correct_answers else doc.correct_answers) | tojson }}", NULL},
    {"norquad",
     "set title doc.context.strip().split('\\n')[0].strip()\n"
     "set passage doc.context.strip().split('\\n')[1:] | join('\\n') | trim\n"
     "set question doc.question.strip().split() | join(' ')", NULL},
    {"record",
     "set entities doc.entities | unique(case_sensitive=true) | sort(case_sensitive=true)\n"
     "set answers doc.answers | unique(case_sensitive=true) | sort(case_sensitive=true)", NULL},
    {"drop",
     "set id doc.query_id\n"
     "set answers {% set o = namespace(v=[]) %}{% set all = [doc.answer] %}{% for i in "
     "range(-1, doc.validated_answers.number | length) %}{% set a = doc.answer if i < 0 else "
     "{'number': doc.validated_answers.number[i], 'date': doc.validated_answers.date[i], "
     "'spans': doc.validated_answers.spans[i]} %}{% set t = [a.number | string] if a.number != "
     "'' else (a.spans | list if a.spans else [(a.date.day ~ ' ' ~ a.date.month ~ ' ' ~ "
     "a.date.year).strip()]) %}{% if t not in o.v %}{% set o.v = o.v + [t] %}{% endif %}{% "
     "endfor %}{{ o.v | tojson }}", NULL},
    {"wsc273",
     "set text doc.text.replace('  ', ' ')\n"
     "set options {% set r = namespace(v=[]) %}{% for x in doc.options %}{% set o = x ~ "
     "(\"'s\" if doc.pronoun.lower() in ['my', 'his', 'her', 'our', 'their'] else '') %}{% set "
     "w = o.split()[0] %}{% set r.v = r.v + [o.replace(w, w.lower()) if "
     "doc.text[doc.pronoun_loc - 2] != '.' and w in const.upper_pronouns else o] %}{% endfor "
     "%}{{ r.v | tojson }}",
     "{\"text\": \"a text\", \"options\": [\"a\", \"b\"], \"pronoun\": \"they\", "
     "\"pronoun_loc\": 3, \"quote\": \"a\", \"label\": 0}"},
    {"llama_arc",
     "keep doc.choices.label | length == 4\n"
     "set answerKey doc.answerKey if doc.answerKey in ['A', 'B', 'C', 'D'] else ['A', 'B', "
     "'C', 'D'][(doc.answerKey | int) - 1]\n"
     "set choices {'text': doc.choices.text, 'label': ['A', 'B', 'C', 'D']}", NULL},
    {"jcommonsenseqa",
     "set choices [doc.choice0, doc.choice1, doc.choice2, doc.choice3, doc.choice4]", NULL},
    {"ja_xwinograd",
     "set label (doc.answer | int) - 1\n"
     "set choices [doc.sentence1.strip(), doc.sentence2.strip()]", NULL},
    {"groundcocoa",
     "set criteria piece[0] ~ piece[1] ~ doc.query ~ piece[3] ~ doc['Option A'] ~ piece[5] ~ "
     "piece[6] ~ doc['Option B'] ~ piece[8] ~ piece[9] ~ doc['Option C'] ~ piece[11] ~ "
     "piece[12] ~ doc['Option D'] ~ piece[14] ~ piece[15] ~ doc['Option E'] ~ piece[17]\n"
     "set choices piece[20:25]\n"
     "set gold piece[26] ~ doc.Answer", NULL},
    {"aradice_boolq_egy",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.egy_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"aradice_boolq_lev",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.lev_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"aradice_boolq_en",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.en_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"aradice_boolq_msa",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.msa_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"parafrases",
     "keep doc.Frase not in [none, ''] and doc.Paráfrase not in [none, '']\n"
     "detokenize Frase\n"
     "detokenize Paráfrase\n"
     "set Frase doc.Frase.strip()\n"
     "set Paráfrase doc.Paráfrase.strip()\n"
     "set Frase doc.Frase[:-1] if doc.Frase[-1:] in ['.', ',', ';'] else doc.Frase\n"
     "decapitalize Paráfrase", NULL},
    {"nli",
     "detokenize premise\n"
     "detokenize hypothesis\n"
     "set premise doc.premise.strip()\n"
     "set hypothesis doc.hypothesis.strip()\n"
     "set premise doc.premise[:-1] if doc.premise[-1:] in ['.', ',', '!', '?'] else doc.premise\n"
     "decapitalize hypothesis\n"
     "set hypothesis doc.hypothesis if doc.hypothesis.endswith('.') else doc.hypothesis ~ '.'",
     NULL},
    {"nli_labelled",
     "detokenize sentence1\n"
     "detokenize sentence2\n"
     "set sentence1 doc.sentence1.strip()\n"
     "set sentence2 doc.sentence2.strip()\n"
     "set sentence1 doc.sentence1[:-1] if doc.sentence1[-1:] in ['.', ',', '!', '?'] else "
     "doc.sentence1\n"
     "decapitalize sentence2\n"
     "set sentence2 doc.sentence2 if doc.sentence2.endswith('.') else doc.sentence2 ~ '.'\n"
     "set gold_label {'entailment': 0, 'neutral': 1, 'contradiction': 2}[doc.gold_label]", NULL},
    {"single_spaces",
     "one_space text\n"
     "one_space summary", NULL},
    {"id_has",
     "keep arg.value in doc.id.lower()", NULL},
    {"id_has_or",
     "keep arg.value in doc.id.lower() or arg.other in doc.id", NULL},
    {"click_text",
     "keep 'CSAT_korean_22' in doc.id or ('CSAT_korean_23' in doc.id and "
     "(doc.id.split('_')[-1] | int) < 35) or ('TK' in doc.id and (doc.id.split('_')[-1] | int) "
     "> 4)", NULL},
    {"click_grammar",
     "keep ('CSAT_korean' in doc.id and (doc.id.split('_')[2] | int) < 21 and "
     "(doc.id.split('_')[3] | int) > 10) or ('Kedu_1' in doc.id and (doc.id.split('_')[1] != "
     "'16' or not ('대화' in doc.question or '발화' in doc.question or '질의' in "
     "doc.question))) or ('TK' in doc.id and (doc.id.split('_')[-1] | int) < 5)", NULL},
    {"click_function",
     "keep ('CSAT_korean' in doc.id and ((doc.id.split('_')[-1] | int) > 34 or "
     "((doc.id.split('_')[2] | int) < 21 and (doc.id.split('_')[3] | int) < 11))) or "
     "('Kedu_16' in doc.id and ('대화' in doc.question or '발화' in doc.question or '질의' in "
     "doc.question)) or 'PSE_korean' in doc.id", NULL},
    {"meta_arc",
     "set twentyfive_shot_preprompt {% set o %}{% for i in range(1, 26) %}{% set c = "
     "doc['arc_choices_shot_' ~ i] %}Question: {{ doc['arc_question_shot_' ~ i] ~ '\\nAnswer: "
     "' ~ c.text[c.label.index(doc['arc_answerKey_shot_' ~ i])] ~ '\\n\\n' }}{% endfor %}{% "
     "endset %}{{ o | tojson }}\n"
     "set original_hash doc.question\n"
     "hash original_hash",
     "{\"question\": \"a text\", \"choices\": {\"label\": [\"A\", \"B\"], \"text\": [\"a\", "
     "\"b\"]}, \"answerKey\": \"A\"}"},
    {"meta_gsm8k",
     "set five_shot_preprompt {% set o %}{% for i in range(1, 6) %}Question: {{ "
     "doc['gsm8k_prompt_shot_' ~ i] ~ '\\nAnswer: ' ~ doc['gsm8k_answer_shot_' ~ i] ~ '\\n\\n' "
     "}}{% endfor %}{% endset %}{{ o | tojson }}\n"
     "set original_hash doc.question\n"
     "hash original_hash", NULL},
    {"meta_mmlu",
     "set five_shot_preprompt {% set o %}{{ piece[4] ~ doc.subject.replace('_', ' ') ~ "
     "piece[5] }}{% for i in range(1, 6) %}{% set c = doc['mmlu_choices_shot_' ~ i] %}{{ "
     "doc['mmlu_question_shot_' ~ i].strip() ~ '\\nA. ' ~ c[0] ~ '\\nB. ' ~ c[1] ~ '\\nC. ' ~ "
     "c[2] ~ '\\nD. ' ~ c[3] ~ '\\nAnswer: ' ~ 'ABCD'[doc['mmlu_answers_shot_' ~ i] | int] ~ "
     "'\\n\\n' }}{% endfor %}{% endset %}{{ o | tojson }}\n"
     "set original_hash doc.question\n"
     "hash original_hash", NULL},
    {"meta_truthfulqa",
     "set original_hash doc.question\n"
     "hash original_hash", NULL},
    {"meta_winogrande",
     "set original_hash doc.sentence\n"
     "hash original_hash\n"
     "set sentence {% set o %}{% for i in range(1, 6) %}{{ doc['winogrande_prompt_shot_' ~ "
     "i].replace('_', doc['winogrande_option' ~ doc['winogrande_answer_shot_' ~ i] ~ '_shot_' "
     "~ i]) ~ '\\n\\n' }}{% endfor %}{{ doc.sentence }}{% endset %}{{ o | tojson }}", NULL},
    {"meta_winogrande_swapped",
     "set original_hash doc.sentence\n"
     "hash original_hash\n"
     "set sentence {% set o %}{% for i in range(1, 6) %}{{ doc['winogrande_prompt_shot_' ~ "
     "i].replace('_', doc['winogrande_option' ~ doc['winogrande_answer_shot_' ~ i] ~ '_shot_' "
     "~ i]) ~ '\\n\\n' }}{% endfor %}{{ doc.sentence }}{% endset %}{{ o | tojson }}\n"
     "set _first doc.option1\n"
     "set option1 doc.option2\n"
     "set option2 doc._first\n"
     "drop _first\n"
     "set answer {'1': '2', '2': '1'}.get(doc.answer, doc.answer)", NULL},
    {"meta_hellaswag",
     "set query doc.activity_label ~ ': ' ~ doc.ctx_a ~ ' ' ~ doc.ctx_b.capitalize()\n"
     "set choices doc.endings\n"
     "set gold doc.label | int\n"
     "clean query\n"
     "clean choices\n"
     "set original_hash doc.query\n"
     "hash original_hash\n"
     "set _shots {% set o = namespace(v=[]) %}{% for i in range(1, 11) %}{% set o.v = o.v + "
     "[doc['hellaswag_activity_labels_shot_' ~ i] ~ ': ' ~ doc['hellaswag_ctx_a_shot_' ~ i] ~ "
     "' ' ~ doc['hellaswag_ctx_b_shot_' ~ i].capitalize(), doc['hellaswag_endings_shot_' ~ "
     "i][doc['hellaswag_label_shot_' ~ i] | int]] %}{% endfor %}{{ o.v | tojson }}\n"
     "clean _shots\n"
     "set ten_shot_preprompt {% set o %}{% for i in range(0, 20, 2) %}{{ doc._shots[i] ~ ' ' ~ "
     "doc._shots[i + 1] ~ '\\n\\n' }}{% endfor %}{% endset %}{{ o | tojson }}\n"
     "drop _shots", NULL},
    {"minerva",
     "set answer doc.solution\n"
     "boxed answer\n"
     "set answer doc.answer.split('=')[-1]\n"
     "set answer {% set t = namespace(v=doc.answer) %}{% for x in const.SUBSTITUTIONS %}{% set "
     "t.v = t.v.replace(x[0], x[1]) %}{% endfor %}{% for x in const.REMOVED_EXPRESSIONS %}{% "
     "set t.v = t.v.replace(x, '') %}{% endfor %}{{ t.v | tojson }}\n"
     "sub answer /(.*?)(\\$)(.*?)(\\$)(.*)/$\\3$/\n"
     "sub answer /(\\\\text\\{)(.*?)(\\})/\\2/\n"
     "sub answer /(\\\\textbf\\{)(.*?)(\\})/\\2/\n"
     "sub answer /(\\\\overline\\{)(.*?)(\\})/\\2/\n"
     "sub answer /(\\\\boxed\\{)(.*)(\\})/\\2/\n"
     "sub answer /(frac)([^{])(.)/frac{\\2}{\\3}/\n"
     "sub answer /(sqrt)([^{])/sqrt{\\2}/\n"
     "set answer doc.answer.replace('$', '')\n"
     "set answer doc.answer.replace(',', '') if doc.answer.replace(',', '').isdigit() else "
     "doc.answer",
     "{\"problem\": \"a text\", \"solution\": \"$\\\\boxed{1}$\"}"},
    {"as_they_are",
     "keep true", NULL},
};
const size_t n_native_docs_programs =
    sizeof native_docs_programs / sizeof native_docs_programs[0];
